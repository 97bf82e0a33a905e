package console

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/roles"
)

// mostForm is how large a form may be: a role with all its permissions is the largest.
const mostForm = 1 << 20

// form reads the form that was sent.
func (v *visit) form() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, mostForm)
	if err := v.r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return err
		}
		return errForm
	}
	return nil
}

// field returns one value of the form that was sent.
func (v *visit) field(name string) string { return v.r.PostForm.Get(name) }

// mustMatch returns the revision that the form was made for. A form without one matches none: without it a form that is
// sent twice, by Reload or a second click, would act twice.
func (v *visit) mustMatch() admin.Tag { return cmp.Or(v.match(), "none") }

// match returns the revision that the form was made for.
func (v *visit) match() admin.Tag { return admin.Tag(v.field("match")) }

// fieldLines splits a text into its lines.
func fieldLines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// parseNetworks reads addresses and networks, one on each line.
func parseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, line := range fieldLines(text) {
		network, err := netip.ParsePrefix(line)
		if addr, single := netip.ParseAddr(line); single == nil && addr.Zone() == "" {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, &admin.Error{Err: admin.ErrInput, Field: "allowed_ips", Text: "has a line that is not an address or a network, such as 192.0.2.1 or 10.0.0.0/8"}
		}
		all = append(all, network)
	}
	return all, nil
}

// inputTime is the layout of times in forms. The pages ask for UTC.
const inputTime = "2006-01-02T15:04"

// parseTime reads a time in UTC; "" is none.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{inputTime, inputTime + ":05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &admin.Error{Err: admin.ErrInput, Field: "expires_at", Text: "is not a date and time, such as 2030-01-31T12:00"}
}

func formTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(inputTime)
}

// A difference is one field whose saved value and typed value differ.
type difference struct{ Field, Saved, Typed string }

// conflict reports whether the form was not saved because of another change, and says so: the form keeps what the user
// typed.
func (v *visit) conflict() bool {
	if !errors.Is(v.failed, admin.ErrChanged) {
		return false
	}
	v.alert.Text = "This has changed since you opened it, so nothing was saved. What you typed is still in the form. Compare " +
		"it with what is saved now, then save again to put yours in its place."
	return true
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
		if !ok {
			return "Inherit"
		}
		return map[bool]string{true: "Allow", false: "Deny"}[allowed]
	}
	both := roles.Grants{}
	maps.Copy(both, saved.Permissions)
	maps.Copy(both, typed.Permissions)
	for _, grant := range slices.Sorted(maps.Keys(both)) {
		triples = append(triples, grant, says(saved, grant), says(typed, grant))
	}
	return differ(triples...)
}
