package roles

import (
	"maps"
	"slices"
)

// Unknown returns, in order, the grants of role that match nothing in the catalog, such as typing errors and
// grants that are not well formed.
func (c *Catalog) Unknown(role Role) []string {
	var unknown []string
	for _, text := range slices.Sorted(maps.Keys(role.Permissions)) {
		if !ValidPattern(text) || !c.mentions(text) {
			unknown = append(unknown, text)
		}
	}
	return unknown
}

// mentions reports whether some permission is both listed and matched by pattern.
func (c *Catalog) mentions(pattern string) bool {
	if c == nil {
		return false
	}
	about := func(listed string) bool { return overlap(listed, pattern) }
	return slices.ContainsFunc(c.reads, about) || slices.ContainsFunc(c.writes, about)
}

// Reached returns the groups with the entries of which the role allows at least one permission. Groups of which
// it allows nothing are left out.
func (c *Catalog) Reached(p *Policy, appid string) []Group {
	var reached []Group
	if c == nil {
		return reached
	}
	p = p.bounded()
	for _, g := range c.groups {
		open := Group{Name: g.Name}
		for _, e := range g.Permissions {
			if pattern, _ := templatePattern(e.Permission); p.Reaches(Rights{Role: appid}, pattern) {
				open.Permissions = append(open.Permissions, e)
			}
		}
		if open.Permissions != nil {
			reached = append(reached, open)
		}
	}
	return reached
}

// Writes returns, in order, what the role allows that the catalog does not list as read: the entries listed as
// write of which it allows at least one permission (a template stays a template), and each of its allowing
// grants, own or inherited, that allows something the catalog does not list at all. A permission that is listed
// as both counts as write. What is denied in the end does not count.
//
// It is empty if and only if the role allows nothing but what is listed as read. Where a search is given up, at the
// end of the policy's [Budget] or after a quarter of a million steps for all of them, the text in question is returned.
func (c *Catalog) Writes(p *Policy, appid string) []string {
	if p == nil {
		return nil
	}
	p = p.bounded()
	role := p.root(appid)
	texts := map[string]bool{}
	var listed *node
	if c != nil {
		listed = c.listed
		for _, g := range c.groups {
			for _, e := range g.Permissions {
				if e.Effect == Read {
					continue
				}
				pattern, _ := templatePattern(e.Permission)
				if p.Reaches(Rights{Role: appid}, pattern) {
					texts[e.Permission] = true
				}
			}
		}
	}
	for _, text := range p.allowing(appid) {
		if isLiteral(text) {
			if p.Allows(appid, text) && (listed == nil || listed.literal(text) != allow) {
				texts[text] = true
			}
			continue
		}
		q := query{allows: [...]*node{role, p.budget.tree(text), nil}, unless: [...]*node{listed, nil}}
		if q.possible(p.budget) {
			texts[text] = true
		}
	}
	return slices.Sorted(maps.Keys(texts))
}

// allowing lists the grants with true that count for a role, each once.
func (p *Policy) allowing(appid string) []string {
	if p == nil {
		return nil
	}
	m := p.members[appid]
	if m == nil {
		if appid == Admin {
			return []string{"**"}
		}
		return nil
	}
	var texts []string
	for _, r := range m.line {
		for _, g := range r.grants {
			if g.allowed {
				texts = append(texts, g.text)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
