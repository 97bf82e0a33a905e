package roles

import (
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// Rights are the access of one key: its role, narrowed by its scopes.
type Rights struct {
	Role string // an appid

	// Scopes are patterns, one of which must match as well. Without scopes the role is not narrowed. A malformed scope
	// matches nothing.
	Scopes []string
}

// Covers reports whether a allows everything that b allows, so that a caller with a may grant b. It is exact for patterns,
// denies, inheritance and scopes: it is true if and only if no permission is allowed by b and not by a. An unknown role
// allows nothing. A nil policy covers nothing.
//
// Some patterns take very long to compare. Covers gives up and returns false at the end of the policy's [Budget], or after
// a quarter of a million steps without one.
func (p *Policy) Covers(a, b Rights) bool {
	if p == nil {
		return false
	}
	p = p.bounded()
	_, lacking, err := p.findMissing(a, p, b)
	return err == nil && !lacking
}

// Reaches reports whether r allows at least one permission that matches pattern. For a route that requires
// content/{model}/read the pattern is content/*/read. It is exact like [Policy.Covers], but returns true if it gives up,
// because it serves to report access. A malformed pattern is never reached.
func (p *Policy) Reaches(r Rights, pattern string) bool {
	if p == nil || !ValidPattern(pattern) {
		return false
	}
	if automaton.IsLiteral(pattern) {
		return p.allows(r, pattern)
	}
	if r.Role == Admin && len(r.Scopes) == 0 {
		return true
	}
	p = p.bounded()
	role, scopes := p.tries(r)
	q := automaton.Query{Allow: [...]*automaton.Node{role, scopes, p.budget.trie(pattern)}}
	_, found, err := q.Find(p.budget.spend)
	return found || err != nil
}

// mostMissing bounds the list of Missing.
const mostMissing = 20

var errNoPolicy = errors.New("roles: there is no policy to compare")

// Missing returns the scopes of wanted, or without scopes the grants of its role, that allow something that held does not
// allow. It returns at most 20, and none only if held allows everything that wanted allows. It looks up the role of held
// in p, and the role of wanted in next, which may be p or the policy after a change.
//
// The error is that of p's [Budget]. After an error nothing is known, and the caller must deny. [Admin] without scopes as
// held takes no steps.
func (p *Policy) Missing(held Rights, next *Policy, wanted Rights) ([]string, error) {
	if p == nil || next == nil {
		return nil, errNoPolicy
	}
	p = p.bounded()
	witness, lacking, err := p.findMissing(held, next, wanted)
	if err != nil || !lacking {
		return nil, err
	}
	parts := next.allowing(wanted.Role)
	if len(wanted.Scopes) > 0 {
		parts = validPatterns(wanted.Scopes)
	}
	covered := p.cheapCheck(held)
	var missing []string
	for _, part := range parts {
		if covered(part) {
			continue
		}
		_, lacking, err := p.findMissing(held, next, Rights{wanted.Role, []string{part}})
		if errors.Is(err, ErrBudget) {
			p.budget.err = nil // something is missing, which is the answer; only the list is incomplete
			break
		}
		if err != nil {
			return nil, err
		}
		if lacking {
			missing = append(missing, part)
		}
		if len(missing) == mostMissing {
			break
		}
	}
	if len(missing) == 0 {
		missing = append(missing, parts[slices.IndexFunc(parts, func(part string) bool { return match(part, witness) })])
	}
	return missing, nil
}

// allowing returns, in order, the grants of a role, own and inherited, that allow something.
func (p *Policy) allowing(appid string) []string {
	r := p.roles[appid]
	if r == nil {
		if appid == Admin {
			return []string{"**"}
		}
		return nil
	}
	var texts []string
	for text, allowed := range r.effective() {
		if allowed {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return texts
}

// cheapCheck returns a check whether held covers a pattern. It is true only if held has the same grant, and no deny that
// overlaps it.
func (p *Policy) cheapCheck(held Rights) func(pattern string) bool {
	r := p.roles[held.Role]
	if r == nil || len(held.Scopes) > 0 {
		return func(string) bool { return false }
	}
	granted, denied := r.effective(), []string(nil)
	for text, allowed := range granted {
		if !allowed {
			denied = append(denied, text)
		}
	}
	return func(pattern string) bool {
		return granted[pattern] && p.budget.spend(1+len(denied)) == nil &&
			!slices.ContainsFunc(denied, func(text string) bool { return overlap(text, pattern) })
	}
}

// findMissing searches for a permission that wanted allows in next, and held does not allow in p. An empty segment of the
// witness stands for any segment that no grant and no scope names.
func (p *Policy) findMissing(held Rights, next *Policy, wanted Rights) (witness string, lacking bool, err error) {
	if len(held.Scopes) == 0 {
		if held.Role == Admin || held.Role == wanted.Role && p.roles[held.Role] == next.roles[wanted.Role] {
			return "", false, nil
		}
	}
	if err := p.budget.spend(0); err != nil {
		return "", false, err
	}
	if len(wanted.Scopes) > 0 {
		var patterns []string
		for _, scope := range validPatterns(wanted.Scopes) {
			if !automaton.IsLiteral(scope) {
				patterns = append(patterns, scope)
			} else if next.Allows(wanted.Role, scope) && !p.allows(held, scope) {
				return scope, true, nil
			}
		}
		if len(patterns) == 0 {
			return "", false, nil
		}
		wanted.Scopes = patterns
	}
	next = &Policy{next.roles, p.budget}
	var q automaton.Query
	q.Allow[0], q.Allow[1] = next.tries(wanted)
	q.Except[0], q.Except[1] = p.tries(held)
	return q.Find(p.budget.spend)
}

// allows reports whether r allows one permission.
func (p *Policy) allows(r Rights, permission string) bool {
	if !p.Allows(r.Role, permission) {
		return false
	}
	return len(r.Scopes) == 0 || slices.ContainsFunc(r.Scopes, func(scope string) bool {
		return ValidPattern(scope) && match(scope, permission)
	})
}

func validPatterns(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return !ValidPattern(scope) })
}

// tries returns the trie of the grants of r's role and, if r has scopes, the trie of those. r allows what both allow.
func (p *Policy) tries(r Rights) (role, scopes *automaton.Node) {
	role = p.trie(r.Role)
	if len(r.Scopes) == 0 {
		return role, nil
	}
	return role, p.budget.trie(validPatterns(r.Scopes)...)
}

// trie returns the trie of the grants of a role, own and inherited. After the end of the budget it returns an empty one,
// because the query that follows returns the error.
func (p *Policy) trie(appid string) *automaton.Node {
	r := p.roles[appid]
	switch {
	case p.budget.err != nil, r == nil && appid != Admin:
		return automaton.Nothing
	case r == nil:
		return automaton.Everything
	}
	return r.trie(p.budget)
}

// trie returns the trie of the role's own and inherited grants. It is made, and paid for, by the first query, because
// decisions do not need it.
func (r *resolvedRole) trie(b *Budget) *automaton.Node {
	r.trieOnce.Do(func() {
		r.trieRoot = automaton.NewTrie(r.grantLists()...)
		segments := 0
		for _, list := range r.grantLists() {
			for _, g := range list {
				segments += 1 + strings.Count(g.Pattern, "/")
			}
		}
		_ = b.spend(segments) // the query that follows returns the error
	})
	return r.trieRoot
}

// trie returns the trie of patterns, and pays for it.
func (b *Budget) trie(patterns ...string) *automaton.Node {
	for _, p := range patterns {
		if b.spend(1+strings.Count(p, "/")) != nil {
			return automaton.Nothing // the query that follows returns the error
		}
	}
	return automaton.Allowing(patterns...)
}
