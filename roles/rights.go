package roles

// Rights are what one key may do: what its role allows, narrowed by its scopes.
type Rights struct {
	Role string // an appid

	// Scopes are patterns of which one must match too. Without any, the role is not narrowed. One that is not
	// well formed matches nothing.
	Scopes []string
}

// Covers reports whether a allows all that b allows, so that whoever has a may hand out b. It is exact, with
// patterns, denies, inheritance and scopes: it is true if and only if there is no permission that b allows and
// a does not. A role that is not there allows nothing. On a nil policy it is false.
//
// Grants can be entangled on purpose, over many segments, so that telling takes very long. After about a
// million steps Covers gives up and returns false; roles as people write them take some thousands.
func (p *Policy) Covers(a, b Rights) bool {
	if p == nil {
		return false
	}
	if a.Role == b.Role && len(a.Scopes) == 0 {
		return true // nothing is plainer, and no entangling can get in its way
	}
	var q question
	q.allows[0], q.allows[1] = p.trees(b)
	q.unless[0], q.unless[1] = p.trees(a)
	found, sure := q.answer()
	return sure && !found
}

// Reaches reports whether r allows at least one permission that matches pattern. For a route that needs
// content/{model}/read, ask with content/*/read. It is exact like [Policy.Covers], but where it gives up it
// returns true, since it serves to report what is open. A malformed pattern is never reached.
func (p *Policy) Reaches(r Rights, pattern string) bool {
	if p == nil || !ValidPattern(pattern) {
		return false
	}
	role, scopes := p.trees(r)
	found, sure := question{allows: [...]*node{role, scopes, rootOf(pattern)}}.answer()
	return found || !sure
}

// trees returns the grants of r's role and, if it has any, its scopes. A permission must be allowed by both.
func (p *Policy) trees(r Rights) (role, scopes *node) {
	role = p.root(r.Role)
	if len(r.Scopes) == 0 {
		return role, nil
	}
	var valid []string
	for _, scope := range r.Scopes {
		if ValidPattern(scope) {
			valid = append(valid, scope)
		}
	}
	return role, rootOf(valid...)
}

// root returns the tree of all grants of a role.
func (p *Policy) root(appid string) *node {
	if p != nil {
		if m := p.members[appid]; m != nil {
			return m.root()
		}
		if appid == Admin {
			return everything
		}
	}
	return nothing
}
