package roles

import (
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// Rights are what one key may do: what its role allows, narrowed by its scopes.
type Rights struct {
	Role string // an appid

	// Scopes are patterns of which one must match too. Without any, the role is not narrowed. One that is not
	// well formed matches nothing.
	Scopes []string
}

// Covers reports whether a allows all that b allows, so that a caller with a may hand out b. It is exact, with
// patterns, denies, inheritance and scopes: it is true if and only if there is no permission that b allows and
// a does not. A role that is not there allows nothing. On a nil policy it is false.
//
// Patterns can be chosen so that comparing them takes very long. Covers returns false if it has to give up: at the end
// of the policy's [Budget], or after a quarter of a million steps if it has none.
func (p *Policy) Covers(a, b Rights) bool {
	if p == nil {
		return false
	}
	p = p.bounded()
	_, lacking, err := p.lacks(a, p, b)
	return err == nil && !lacking
}

// Reaches reports whether r allows at least one permission that matches pattern. For a route that needs
// content/{model}/read, ask with content/*/read. It is exact like [Policy.Covers], but where it gives up it
// returns true, since it serves to report what is open. A malformed pattern is never reached.
func (p *Policy) Reaches(r Rights, pattern string) bool {
	if p == nil || !ValidPattern(pattern) {
		return false
	}
	if automaton.IsLiteral(pattern) {
		return p.holds(r, pattern)
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

// mostMissing is how many grants Missing lists.
const mostMissing = 20

var errNoPolicy = errors.New("roles: there is no policy to compare")

// Missing returns the part of wanted that held does not allow: the scopes, or without scopes the grants of the role,
// that allow something more. It returns at most 20 of them, and none only if held allows all that wanted allows. The
// role of held is looked up in p, the role of wanted in next, which may be p: so a changed role can be compared with
// the role before the change.
//
// The error is that of p's [Budget]; then nothing is known, and the caller must not go on. Held rights of [Admin]
// without scopes take no steps.
func (p *Policy) Missing(held Rights, next *Policy, wanted Rights) ([]string, error) {
	if p == nil || next == nil {
		return nil, errNoPolicy
	}
	p = p.bounded()
	witness, lacking, err := p.lacks(held, next, wanted)
	if err != nil || !lacking {
		return nil, err
	}
	parts := next.allowing(wanted.Role)
	if len(wanted.Scopes) > 0 {
		parts = slices.Clone(wanted.Scopes)
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return !ValidPattern(part) })
	plain := p.plain(held)
	var missing []string
	for _, part := range parts {
		if plain(part) {
			continue
		}
		_, lacking, err := p.lacks(held, next, Rights{wanted.Role, []string{part}})
		if errors.Is(err, ErrBudget) {
			p.budget.err = nil // that something is missing is known; only the list is cut short
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
			if g.Allowed {
				texts = append(texts, g.Pattern)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// plain returns a cheap check of one pattern. It reports true only if held has the same grant and no deny that meets it.
func (p *Policy) plain(held Rights) func(pattern string) bool {
	m := p.members[held.Role]
	if m == nil || len(held.Scopes) > 0 {
		return func(string) bool { return false }
	}
	granted, denied := m.effective(), []string(nil)
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

// lacks looks for a permission that wanted allows, by the policy next, and held does not. A segment of the witness is
// empty where any segment will do that no grant and no scope mentions.
func (p *Policy) lacks(held Rights, next *Policy, wanted Rights) (witness string, lacking bool, err error) {
	if len(held.Scopes) == 0 {
		m := p.members[held.Role]
		if held.Role == Admin || held.Role == wanted.Role && m == next.members[wanted.Role] {
			return "", false, nil
		}
	}
	if err := p.budget.spend(0); err != nil {
		return "", false, err
	}
	if len(wanted.Scopes) > 0 {
		var patterns []string
		for _, scope := range wanted.Scopes {
			switch {
			case !ValidPattern(scope):
			case !automaton.IsLiteral(scope):
				patterns = append(patterns, scope)
			case next.Allows(wanted.Role, scope) && !p.holds(held, scope):
				return scope, true, nil
			}
		}
		if len(patterns) == 0 {
			return "", false, nil
		}
		wanted.Scopes = patterns
	}
	next = &Policy{next.members, p.budget}
	var q automaton.Query
	q.Allow[0], q.Allow[1] = next.tries(wanted)
	q.Except[0], q.Except[1] = p.tries(held)
	return q.Find(p.budget.spend)
}

// holds reports whether r allows one permission.
func (p *Policy) holds(r Rights, permission string) bool {
	if !p.Allows(r.Role, permission) {
		return false
	}
	return len(r.Scopes) == 0 || slices.ContainsFunc(r.Scopes, func(scope string) bool {
		return ValidPattern(scope) && match(scope, permission)
	})
}

// tries returns the tries of the grants of r's role and, if it has any, of its scopes. A permission must be allowed by both.
func (p *Policy) tries(r Rights) (role, scopes *automaton.Node) {
	role = p.trie(r.Role)
	if len(r.Scopes) == 0 {
		return role, nil
	}
	var valid []string
	for _, scope := range r.Scopes {
		if ValidPattern(scope) {
			valid = append(valid, scope)
		}
	}
	return role, p.budget.trie(valid...)
}

// trie returns the trie of all grants of a role. After the end of the budget it may return another one, since the query
// that follows returns the error.
func (p *Policy) trie(appid string) *automaton.Node {
	if p != nil && p.budget.failure() == nil {
		if m := p.members[appid]; m != nil {
			return m.trie(p.budget)
		}
		if appid == Admin {
			return automaton.Everything
		}
	}
	return automaton.Nothing
}

// trie returns the trie of all grants of the member's line. The first query pays for it, since decisions do not need it.
func (m *member) trie(b *Budget) *automaton.Node {
	m.trieOnce.Do(func() {
		m.trieRoot = automaton.NewTrie(m.grantLists()...)
		segments := 0
		for _, list := range m.grantLists() {
			for _, g := range list {
				segments += 1 + strings.Count(g.Pattern, "/")
			}
		}
		_ = b.spend(segments) // the query that follows returns the error
	})
	return m.trieRoot
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
