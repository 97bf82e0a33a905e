package console

import (
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles"
)

// A difference is one field whose saved value and typed value differ.
type difference struct{ Field, Saved, Typed string }

// explainConflict changes the text of why after a conflict: the form keeps what the user typed.
func explainConflict(conflict bool, why *alert) *alert {
	if conflict {
		why.Text = "This has changed since you opened it, so nothing was saved. What you typed is still in the form. Compare " +
			"it with what is saved now, then save again to put yours in its place."
	}
	return why
}

// differ lists the fields, given as triples of name, saved and typed, that are not the same.
func differ(triples ...string) []difference {
	var all []difference
	for i := 0; i+2 < len(triples); i += 3 {
		if saved, typed := strings.TrimSpace(triples[i+1]), strings.TrimSpace(triples[i+2]); saved != typed {
			all = append(all, difference{triples[i], saved, typed})
		}
	}
	return all
}

func keyDifferences(saved, typed keyForm, ofUser bool) []difference {
	lines := func(text string) string { return strings.Join(fieldLines(text), "\n") }
	triples := []string{
		"Name", saved.Name, typed.Name, "Expires (UTC)", saved.Expires, typed.Expires,
		"Scopes", lines(saved.Scopes), lines(typed.Scopes), "Addresses", lines(saved.Networks), lines(typed.Networks),
	}
	if !ofUser {
		triples = append([]string{"Role", strings.TrimPrefix(saved.Role, noRole), strings.TrimPrefix(typed.Role, noRole)}, triples...)
	}
	return differ(triples...)
}

func roleDifferences(saved, typed roles.Role) []difference {
	list := func(appids []string) string { return strings.Join(slices.Sorted(slices.Values(appids)), ", ") }
	triples := []string{
		"Name", saved.Name, typed.Name, "Info", saved.Info, typed.Info, "Inherits from", list(saved.Inherits), list(typed.Inherits),
	}
	says := func(role roles.Role, grant string) string {
		allowed, ok := role.Permissions[grant]
		switch {
		case !ok:
			return "Inherit"
		case allowed:
			return "Allow"
		}
		return "Deny"
	}
	both := maps.Clone(saved.Permissions)
	if both == nil {
		both = roles.Grants{}
	}
	maps.Copy(both, typed.Permissions)
	for _, grant := range slices.Sorted(maps.Keys(both)) {
		triples = append(triples, grant, says(saved, grant), says(typed, grant))
	}
	return differ(triples...)
}
