package roles

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// Compile makes a policy from roles. It copies them, so the caller may change them afterwards.
//
// The error joins a [*Problem] for every mistake: an appid or a grant that is not well formed, the name [Admin] in any
// case, two appids that are equal or differ only in case, a role that inherits from admin, from an unknown role, from
// itself over any number of others, or through more than 16 roles in a row. It is also an error if the roles have more
// than 16 million grants; a grant counts once for each role that has or inherits it.
//
// Compile accepts roles whose patterns overlap too much to be saved (see [Policy.With]). A decision about such a role takes
// longer.
func Compile(rs ...Role) (*Policy, error) {
	return (*Policy)(nil).Recompile(rs...)
}

// Recompile is [Compile], but takes a role from p if neither it nor an ancestor has changed. It does not change p, which
// may be nil.
func (p *Policy) Recompile(rs ...Role) (*Policy, error) {
	return update{old: p}.compile(rs)
}

// MustCompile is [Compile] for roles that are part of a program. It panics on an error.
func MustCompile(rs ...Role) *Policy {
	p, err := Compile(rs...)
	if err != nil {
		panic(err)
	}
	return p
}

// An update makes a policy from an older one, which may be nil.
type update struct {
	old    *Policy
	saved  string // the appid of the role to save, or ""
	budget *Budget
}

func (u update) compile(rs []Role) (*Policy, error) {
	var problems []*Problem
	entries := make(map[string]*roleEntry, len(rs))
	texts := map[string]string{} // one copy of each text: roles share most of their grants, and the processor's cache is small
	for _, role := range rs {
		if entries[role.AppID] != nil {
			problems = append(problems, &Problem{Role: role.AppID, Field: "appid", Text: "is there twice"})
			continue
		}
		entry := u.old.entry(role.AppID)
		if entry == nil || !entry.equals(role) {
			entry = newRoleEntry(role)
			for i, g := range entry.grants {
				if _, known := texts[g.Pattern]; !known {
					texts[g.Pattern] = g.Pattern
				}
				entry.grants[i].Pattern = texts[g.Pattern]
			}
			problems = append(problems, entry.problems()...)
		}
		entries[role.AppID] = entry
	}
	return u.assemble(entries, problems)
}

// assemble makes a policy from entries by appid. problems are those found so far.
func (u update) assemble(entries map[string]*roleEntry, problems []*Problem) (*Policy, error) {
	r := resolver{entries: entries, resolved: make(map[string]*resolvedRole, len(entries)), onPath: map[string]int{}, old: u.old,
		problems: problems}
	folded := make(map[string]string, len(entries))
	for _, appid := range slices.Sorted(maps.Keys(entries)) {
		lower := strings.ToLower(appid)
		if other, taken := folded[lower]; taken {
			wrong := appid
			if other == u.saved { // the problem is that of the saved role, not of the stored one
				wrong, other = other, appid
			}
			r.problem(wrong, "appid", "differs only in case from the role "+quote(other))
		}
		folded[lower] = appid
		r.resolve(appid)
	}
	if r.weight > maxWeight && len(r.problems) == 0 {
		heaviest := slices.MaxFunc(slices.Collect(maps.Values(r.resolved)), func(a, b *resolvedRole) int {
			return cmp.Or(a.weight-b.weight, strings.Compare(b.appid, a.appid))
		})
		r.problem(heaviest.appid, "permissions", fmt.Sprintf(
			"brings all roles together to more than %d grants, counting inherited ones; it has the most", maxWeight))
	}
	if len(r.problems) > 0 {
		return nil, join(r.problems)
	}
	if err := u.compileDFAs(r.resolved); err != nil {
		return nil, err
	}
	return &Policy{r.resolved, u.budget}, nil
}

// A roleEntry is a role as a policy stores it, without inherited grants. It does not change.
type roleEntry struct {
	appid, name, info string
	grants            []automaton.Grant // in order of their patterns
	inherits          []string
}

// byPattern compares for the order of the grants of an entry.
func byPattern(g automaton.Grant, pattern string) int { return strings.Compare(g.Pattern, pattern) }

func newRoleEntry(role Role) *roleEntry {
	r := &roleEntry{appid: role.AppID, name: role.Name, info: role.Info, inherits: slices.Clone(role.Inherits)}
	r.grants = make([]automaton.Grant, 0, len(role.Permissions))
	for text, allowed := range role.Permissions {
		r.grants = append(r.grants, automaton.Grant{Pattern: text, Allowed: allowed})
	}
	slices.SortFunc(r.grants, func(a, b automaton.Grant) int { return byPattern(a, b.Pattern) })
	return r
}

// role is the inverse of newRoleEntry.
func (r *roleEntry) role() Role {
	role := Role{AppID: r.appid, Name: r.name, Info: r.info, Inherits: slices.Clone(r.inherits)}
	role.Permissions = make(Grants, len(r.grants))
	for _, g := range r.grants {
		role.Permissions[g.Pattern] = g.Allowed
	}
	return role
}

// equals reports whether r is the entry of role.
func (r *roleEntry) equals(role Role) bool {
	if r.appid != role.AppID || r.name != role.Name || r.info != role.Info ||
		!slices.Equal(r.inherits, role.Inherits) || len(r.grants) != len(role.Permissions) {
		return false
	}
	for _, g := range r.grants {
		if allowed, ok := role.Permissions[g.Pattern]; !ok || allowed != g.Allowed {
			return false
		}
	}
	return true
}

// problems returns the mistakes in the entry, apart from inheritance.
func (r *roleEntry) problems() (found []*Problem) {
	problem := func(has bool, field, grant, text string) {
		if has {
			found = append(found, &Problem{Role: r.appid, Field: field, Grant: grant, Text: text})
		}
	}
	problem(strings.EqualFold(r.appid, Admin), "appid", "", "has a reserved appid")
	problem(!ValidAppID(r.appid), "appid", "", "has an appid that is not 1 to 64 of A-Z a-z 0-9 _ -, first a letter or a digit")
	problem(!plainText(r.name, 256, ""), "name", "", "has a name that is not one line of at most 256 bytes of UTF-8")
	problem(!plainText(r.info, 4096, "\n\r\t"), "info", "", "has info that is not a text of at most 4096 bytes of UTF-8")
	for _, g := range r.grants {
		problem(g.Pattern == "", "permissions", "", "has a grant without text")
		problem(g.Pattern != "" && !ValidPattern(g.Pattern), "permissions", g.Pattern, "is not a permission or a pattern of permissions")
	}
	return found
}

// plainText reports whether s is UTF-8 of at most most bytes with no control characters other than those of except.
func plainText(s string, most int, except string) bool {
	return len(s) <= most && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) && !strings.ContainsRune(except, c) })
}

// overlapProblem returns the Problem of r. It names a few of the patterns.
func (r *resolvedRole) overlapProblem(o *automaton.Overlap) *Problem {
	const named = 5
	worst := o.Patterns()
	rest := len(worst) - named
	for i := range worst {
		worst[i] = quote(worst[i])
	}
	text := fmt.Sprintf("has patterns that overlap in more than %d ways: %s", automaton.MaxOverlap, strings.Join(worst[:min(named, len(worst))], ", "))
	if rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	if len(r.lineage) > 1 {
		text += " (inherited ones count too)"
	}
	return &Problem{Role: r.appid, Field: "permissions", Text: text}
}

// compileDFAs compiles the roles that are not from the older policy, the saved role first. It refuses the saved role, and a
// role that inherits from it, over the bound, which keeps the cost of a decision.
func (u update) compileDFAs(roles map[string]*resolvedRole) error {
	appids := slices.Sorted(maps.Keys(roles))
	if i := slices.Index(appids, u.saved); i > 0 {
		appids = slices.Insert(slices.Delete(appids, i, i+1), 0, u.saved)
	}
	for _, appid := range appids {
		r := roles[appid]
		before := u.old.resolved(appid)
		if r == before {
			continue
		}
		strict := slices.ContainsFunc(r.lineage, func(e *roleEntry) bool { return e.appid == u.saved })
		dfa, overlap, err := automaton.Compile(r.grantLists(), strict, u.budget.spend)
		if err == nil && overlap != nil && strict {
			if before == nil || before.over == nil {
				return r.overlapProblem(overlap)
			}
			if !r.narrows(before) {
				p := r.overlapProblem(overlap)
				p.Text += "; it was stored before there was this bound, and can only be deleted or saved with fewer rights and no new patterns"
				return p
			}
			dfa, overlap, err = automaton.Compile(r.grantLists(), false, u.budget.spend)
		}
		if err != nil {
			return err
		}
		r.dfa = dfa
		if overlap != nil {
			r.over = r.overlapProblem(overlap)
		}
	}
	return nil
}

// narrows reports whether r, compared grant by grant, allows no more than before and has no new pattern.
func (r *resolvedRole) narrows(before *resolvedRole) bool {
	old, saved := before.effective(), r.effective()
	for text, allowed := range saved {
		was, known := old[text]
		if allowed && !was || !known && !automaton.IsLiteral(text) {
			return false
		}
	}
	for text, was := range old {
		if allowed, kept := saved[text]; !was && (allowed || !kept) {
			return false
		}
	}
	return true
}
