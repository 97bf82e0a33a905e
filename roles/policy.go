package roles

import (
	"maps"
	"slices"
)

// A Policy is a set of roles, ready to be asked. It never changes and may be used by any number of
// goroutines at once. A nil *Policy has no roles, not even [Admin]. [Compile] makes one.
type Policy struct {
	members map[string]*member
	budget  *Budget // of questions; see Within
}

// A Source has the policy of the moment. It is met by a [*Policy], which is always its own, and by a
// [*Directory], which follows a store.
type Source interface {
	// Policy returns the policy that counts now. Nil means that none can be vouched for: whoever asked must
	// be told to come again (503), and nothing may be allowed.
	Policy() *Policy
}

// Policy returns p itself, so that a fixed policy is a [Source].
func (p *Policy) Policy() *Policy { return p }

// Allows reports whether the role may do this. It is false for a role that is not there and for a permission
// that is not well formed. It allocates nothing.
func (p *Policy) Allows(appid, permission string) bool {
	if p == nil {
		return false
	}
	if m := p.members[appid]; m != nil {
		return m.dfa.Allows(permission)
	}
	return appid == Admin && ValidPermission(permission)
}

// Has reports whether there is such a role. There always is [Admin].
func (p *Policy) Has(appid string) bool {
	return p != nil && (appid == Admin || p.members[appid] != nil)
}

// Role returns a copy of the role. It is false for a role that is not there and for [Admin], which has no
// grants to show.
func (p *Policy) Role(appid string) (Role, bool) {
	if r := p.row(appid); r != nil {
		return r.role(), true
	}
	return Role{}, false
}

// AppIDs returns the names of all roles but Admin, in order.
func (p *Policy) AppIDs() []string {
	if p == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(p.members))
}

// Roles returns copies of all roles, in order of their appids, without [Admin].
func (p *Policy) Roles() []Role {
	if p == nil {
		return nil
	}
	rs := make([]Role, 0, len(p.members))
	for _, appid := range p.AppIDs() {
		rs = append(rs, p.members[appid].role())
	}
	return rs
}

// Lineage returns the appids of a role and of all that it inherits from, nearest first, each once. It is empty for a
// role that is not there and for [Admin].
func (p *Policy) Lineage(appid string) []string {
	if p == nil || p.members[appid] == nil {
		return nil
	}
	var line []string
	for _, r := range p.members[appid].line {
		line = append(line, r.appid)
	}
	return line
}

// Effective returns all grants of a role, its own and inherited; what is denied by one is denied. It is empty for a
// role that is not there and for [Admin].
func (p *Policy) Effective(appid string) Grants {
	if p == nil || p.members[appid] == nil {
		return Grants{}
	}
	return p.members[appid].effective()
}

// With returns the policy as it would be with this role, added or in place of the one with its appid. p stays
// as it is. It is the check before a role is saved. Only the role and its heirs are compiled.
//
// Its errors are those of [Compile], and a [*Problem] if the patterns of the role or of an heir overlap in too many ways
// for a decision to take one step for each segment: if their automaton has more than 32,768 states and transitions,
// each counted once for every place in the patterns that it stands for. A role that is over this bound in p can be saved
// with fewer rights: no new pattern, nothing allowed that was not, and every deny kept. If p has a [Budget], With draws
// from it too and returns its error.
func (p *Policy) With(role Role) (*Policy, error) {
	rows := p.rows()
	r := newRow(role)
	rows[role.AppID] = r
	return p.update(role.AppID).assemble(rows, r.problems())
}

func (p *Policy) update(saved string) update {
	u := update{old: p, saved: saved}
	if p != nil {
		u.budget = p.budget
	}
	return u
}

// Without returns the policy as it would be without this role. It is an error wrapping [ErrNotFound] if the
// role is not there, and a [*Problem] for each role that inherits from it.
func (p *Policy) Without(appid string) (*Policy, error) {
	if p.row(appid) == nil {
		return nil, notFound(appid)
	}
	rows := p.rows()
	delete(rows, appid)
	return p.update("").assemble(rows, nil)
}

// overBound joins the problems of roles over the bound of With, without those that before has too. It may be nil.
func (p *Policy) overBound(before *Policy) error {
	var over []*Problem
	for appid, m := range p.members {
		if m.over != nil && (before == nil || before.members[appid] != m) {
			over = append(over, m.over)
		}
	}
	if over == nil {
		return nil
	}
	return join(over)
}

func (p *Policy) rows() map[string]*row {
	rows := map[string]*row{}
	if p != nil {
		for appid, m := range p.members {
			rows[appid] = m.row
		}
	}
	return rows
}

func (p *Policy) row(appid string) *row {
	if p == nil || p.members[appid] == nil {
		return nil
	}
	return p.members[appid].row
}
