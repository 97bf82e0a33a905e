package roles

import (
	"maps"
	"slices"
)

// A Policy decides what roles allow. It never changes, and may be used by several goroutines at once. A nil *Policy has no
// roles, not even [Admin]. [Compile] makes a Policy.
type Policy struct {
	roles  map[string]*resolvedRole
	budget *Budget // of comparisons; see Within
}

// A Source returns the current policy. A [*Policy] is a Source that returns itself; a [*Directory] follows a store.
type Source interface {
	// Policy returns the current policy. Nil means that the source cannot tell: the caller must allow nothing and refuse
	// with 503.
	Policy() *Policy
}

// Policy returns p. It makes a fixed policy a [Source].
func (p *Policy) Policy() *Policy { return p }

// Allows reports whether the role allows the permission. It is false for an unknown role and for a permission that is not
// well formed. It allocates nothing.
func (p *Policy) Allows(appid, permission string) bool {
	if p == nil {
		return false
	}
	if r := p.roles[appid]; r != nil {
		return r.dfa.Allows(permission)
	}
	return appid == Admin && ValidPermission(permission)
}

// Has reports whether the policy has the role. Every policy but nil has [Admin].
func (p *Policy) Has(appid string) bool {
	return p != nil && (appid == Admin || p.roles[appid] != nil)
}

// Role returns a copy of the role. It returns false for an unknown role and for [Admin], which has no grants.
func (p *Policy) Role(appid string) (Role, bool) {
	if entry := p.entry(appid); entry != nil {
		return entry.role(), true
	}
	return Role{}, false
}

// AppIDs returns the appids of all roles, in order, without [Admin].
func (p *Policy) AppIDs() []string {
	if p == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(p.roles))
}

// Roles returns copies of all roles, in the order of their appids, without [Admin].
func (p *Policy) Roles() []Role {
	appids := p.AppIDs()
	rs := make([]Role, 0, len(appids))
	for _, appid := range appids {
		rs = append(rs, p.roles[appid].role())
	}
	return rs
}

// Lineage returns the appids of a role and of all that it inherits from, nearest first, each once. It is empty for an
// unknown role and for [Admin].
func (p *Policy) Lineage(appid string) []string {
	var appids []string
	if r := p.resolved(appid); r != nil {
		for _, entry := range r.lineage {
			appids = append(appids, entry.appid)
		}
	}
	return appids
}

// Effective returns the grants of a role, its own and inherited. A deny wins over an allow of the same text. It is empty
// for an unknown role and for [Admin].
func (p *Policy) Effective(appid string) Grants {
	if r := p.resolved(appid); r != nil {
		return r.effective()
	}
	return Grants{}
}

// With returns a new policy in which this role is added, or replaces the one with the same appid. It is the check before a
// role is saved. It compiles only the role and those that inherit from it.
//
// Its errors are those of [Compile], and a [*Problem] if the patterns of the role, or of one that inherits from it, overlap
// too much for a decision to take one step per segment: if their automaton has more than 32,768 states and transitions,
// each counted once for every place in the patterns that it stands for. A role that is over this bound in p can be
// replaced by one with fewer rights: no new pattern, no new allow, and every deny kept. If p has a [Budget], With draws
// from it and returns its error.
func (p *Policy) With(role Role) (*Policy, error) {
	entries := map[string]*roleEntry{}
	if p != nil {
		for appid, r := range p.roles {
			entries[appid] = r.roleEntry
		}
	}
	entry := newRoleEntry(role)
	entries[role.AppID] = entry
	return p.update(role.AppID).assemble(entries, entry.problems())
}

func (p *Policy) update(saved string) update {
	u := update{old: p, saved: saved}
	if p != nil {
		u.budget = p.budget
	}
	return u
}

// overBound joins the problems of roles over the bound of With, except for roles that before has too. It may return nil.
func (p *Policy) overBound(before *Policy) error {
	var over []*Problem
	for appid, r := range p.roles {
		if r.over != nil && before.resolved(appid) != r {
			over = append(over, r.over)
		}
	}
	return join(over)
}

// resolved returns the role, or nil if p does not have it.
func (p *Policy) resolved(appid string) *resolvedRole {
	if p == nil {
		return nil
	}
	return p.roles[appid]
}

func (p *Policy) entry(appid string) *roleEntry {
	if r := p.resolved(appid); r != nil {
		return r.roleEntry
	}
	return nil
}
