package roles

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// Compile makes a policy of roles. It copies what it needs: the roles may be changed afterwards.
//
// Every mistake is found and told at once, as a [*Problem] with its role and grant: an appid or a grant that is
// not well formed, the name [Admin] in any case, two appids that are equal or differ only in case, a role that
// inherits from admin, from a role that is not there, from itself over any number of others, or through more
// than 16 roles in a row. Roles that come to more than 16 million grants in all are refused too; a grant counts
// once for each role that has it, its own or inherited.
//
// Compile takes roles whose patterns overlap in too many ways to be saved (see [Policy.With]). They work, and a decision
// about them takes longer.
func Compile(rs ...Role) (*Policy, error) {
	return (*Policy)(nil).Recompile(rs...)
}

// Recompile is [Compile], but roles that have not changed since p was made, and whose ancestors have not either, are
// taken from p. p stays as it is and may be nil.
func (p *Policy) Recompile(rs ...Role) (*Policy, error) {
	return update{old: p}.compile(rs)
}

// MustCompile is [Compile] for roles written in a program. It panics if there is a mistake in them.
func MustCompile(rs ...Role) *Policy {
	p, err := Compile(rs...)
	if err != nil {
		panic(err)
	}
	return p
}

// An update makes a policy out of an older one, which may be nil.
type update struct {
	old    *Policy
	saved  string // the appid of the role that is to be saved, or ""
	budget *Budget
}

func (u update) compile(rs []Role) (*Policy, error) {
	var problems []*Problem
	rows := make(map[string]*row, len(rs))
	texts := map[string]string{} // roles share most of their grants: one copy of each text stays nearer at hand
	for _, role := range rs {
		if rows[role.AppID] != nil {
			problems = append(problems, &Problem{Role: role.AppID, Field: "appid", Text: "is there twice"})
			continue
		}
		same := u.old.row(role.AppID)
		if same == nil || !same.holds(role) {
			same = newRow(role)
			for i, g := range same.grants {
				if _, known := texts[g.Pattern]; !known {
					texts[g.Pattern] = g.Pattern
				}
				same.grants[i].Pattern = texts[g.Pattern]
			}
			problems = append(problems, same.problems()...)
		}
		rows[role.AppID] = same
	}
	return u.assemble(rows, problems)
}

// assemble makes a policy of rows, each by its appid, that have these problems so far.
func (u update) assemble(rows map[string]*row, problems []*Problem) (*Policy, error) {
	f := family{rows: rows, members: make(map[string]*member, len(rows)), places: map[string]int{}, old: u.old,
		problems: problems}
	folded := make(map[string]string, len(rows))
	for _, appid := range slices.Sorted(maps.Keys(rows)) {
		lower := strings.ToLower(appid)
		if other, taken := folded[lower]; taken {
			one := appid
			if other == u.saved { // the stored role is in order
				one, other = other, appid
			}
			f.problem(one, "appid", "differs only in case from the role "+quote(other))
		}
		folded[lower] = appid
		f.member(appid)
	}
	if f.weight > maxWeight && len(f.problems) == 0 {
		heaviest := slices.MaxFunc(slices.Collect(maps.Values(f.members)), func(a, b *member) int {
			if a.weight != b.weight {
				return a.weight - b.weight
			}
			return strings.Compare(b.appid, a.appid)
		})
		f.problem(heaviest.appid, "permissions", fmt.Sprintf(
			"brings all roles together to more than %d grants, counting inherited ones; it has the most", maxWeight))
	}
	if len(f.problems) > 0 {
		return nil, join(f.problems)
	}
	if err := u.makeDFAs(f.members); err != nil {
		return nil, err
	}
	return &Policy{f.members, u.budget}, nil
}

// A row is a role as a policy keeps it. It does not change.
type row struct {
	appid, name, info string
	grants            []automaton.Grant // in order of their patterns
	inherits          []string
}

// byPattern is the order of a row's grants.
func byPattern(g automaton.Grant, pattern string) int { return strings.Compare(g.Pattern, pattern) }

func newRow(role Role) *row {
	r := &row{appid: role.AppID, name: role.Name, info: role.Info, inherits: slices.Clone(role.Inherits)}
	r.grants = make([]automaton.Grant, 0, len(role.Permissions))
	for text, allowed := range role.Permissions {
		r.grants = append(r.grants, automaton.Grant{Pattern: text, Allowed: allowed})
	}
	slices.SortFunc(r.grants, func(a, b automaton.Grant) int { return byPattern(a, b.Pattern) })
	return r
}

// role is the opposite of newRow.
func (r *row) role() Role {
	role := Role{AppID: r.appid, Name: r.name, Info: r.info, Inherits: slices.Clone(r.inherits)}
	role.Permissions = make(Grants, len(r.grants))
	for _, g := range r.grants {
		role.Permissions[g.Pattern] = g.Allowed
	}
	return role
}

// holds reports whether r is the row of role.
func (r *row) holds(role Role) bool {
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

// problems finds what is wrong with the row by itself.
func (r *row) problems() (found []*Problem) {
	problem := func(field, grant, text string) {
		found = append(found, &Problem{Role: r.appid, Field: field, Grant: grant, Text: text})
	}
	switch {
	case strings.EqualFold(r.appid, Admin):
		problem("appid", "", "has a reserved appid")
	case !ValidAppID(r.appid):
		problem("appid", "", "has an appid that is not 1 to 64 of A-Z a-z 0-9 _ -, first a letter or a digit")
	}
	if !plainText(r.name, 256, "") {
		problem("name", "", "has a name that is not one line of at most 256 bytes of UTF-8")
	}
	if !plainText(r.info, 4096, "\n\r\t") {
		problem("info", "", "has info that is not a text of at most 4096 bytes of UTF-8")
	}
	for _, g := range r.grants {
		if g.Pattern == "" {
			problem("permissions", "", "has a grant without text")
		} else if !ValidPattern(g.Pattern) {
			problem("permissions", g.Pattern, "is not a permission or a pattern of permissions")
		}
	}
	return found
}

// plainText reports whether s is text of at most this many bytes with no control characters but these.
func plainText(s string, most int, except string) bool {
	if len(s) > most || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if unicode.IsControl(c) && !strings.ContainsRune(except, c) {
			return false
		}
	}
	return true
}
