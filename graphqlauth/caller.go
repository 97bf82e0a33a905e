package graphqlauth

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// A caller is the identity that an operation runs as, with the permissions that its role has under one policy. It does
// not change after loadPolicy.
type caller struct {
	plan          *plan
	grants        *grantCache
	guard         *auth.Guard
	principal     auth.Principal
	role          string
	authenticated bool // by a key or a sign-in
	scoped        bool

	loaded  bool
	policy  *roles.Policy // nil if the guard has none now; then no decision counts
	granted []uint64      // a bit for each plain permission of the plan that the role has
}

// loadPolicy reads the guard's current policy on first use. An operation that needs no permission is answered without
// a policy.
func (c *caller) loadPolicy() {
	if c.loaded {
		return
	}
	c.loaded = true
	if c.policy = c.guard.Policy(); c.policy != nil {
		c.granted = c.grants.of(c.plan, c.policy, c.role)
	}
}

// noPolicy reports whether a permission was asked for while the guard has no policy.
func (c *caller) noPolicy() bool { return c.loaded && c.policy == nil }

// satisfies reports whether the caller meets the requirement of a field. If one permission is missing, it returns its
// name.
func (c *caller) satisfies(need *requirement, node *ast.Field, vars map[string]any) (missing string, ok bool) {
	if need.never || need.key && !c.authenticated {
		return "", false
	}
	if missing, ok := c.hasAll(need.all, node, vars); !ok {
		return missing, false
	}
	for _, groups := range need.needs[len(need.all):] {
		if missing, ok := c.hasAny(groups, node, vars); !ok {
			return missing, false
		}
	}
	return "", true
}

// hasAny reports whether the caller has all permissions of at least one of the lists. If not, it returns a missing
// permission of the first list.
func (c *caller) hasAny(groups [][]int, node *ast.Field, vars map[string]any) (missing string, ok bool) {
	for n, group := range groups {
		lacks, ok := c.hasAll(group, node, vars)
		if ok {
			return "", true
		}
		if n == 0 {
			missing = lacks
		}
	}
	return missing, false
}

// hasAll reports whether the caller has all these permissions. If not, it returns the first that is missing.
func (c *caller) hasAll(all []int, node *ast.Field, vars map[string]any) (missing string, ok bool) {
	for _, i := range all {
		if missing, ok := c.has(i, node, vars); !ok {
			return missing, false
		}
	}
	return "", true
}

// has reports whether the caller has the permission with index i. It returns the name for an error.
func (c *caller) has(i int, node *ast.Field, vars map[string]any) (name string, ok bool) {
	c.loadPolicy()
	p := &c.plan.permissions[i]
	if p.named == nil {
		return p.text, c.granted != nil && c.granted[i/64]&(1<<(i%64)) != 0 && (!c.scoped || c.principal.InScope(p.text))
	}
	var room [96]byte
	filled, speakable, ok := p.fill(room[:0], node, vars)
	switch {
	case !ok:
		return "", false
	case c.policy.Allows(c.role, string(filled)) && (!c.scoped || c.principal.InScope(string(filled))):
		return "", true
	case !speakable:
		return p.text, false
	}
	return string(filled), false
}

// A grantCache holds the plain permissions of roles under the latest policy.
type grantCache struct {
	latest atomic.Pointer[cachedGrants]
	mu     sync.Mutex // held by writers
}

// cachedGrants has, for some roles of one policy, a bit for each plain permission of the plan. It never changes.
type cachedGrants struct {
	policy *roles.Policy
	roles  map[string][]uint64
}

// maxCachedRoles bounds the cache. When it is full, it starts again with the next role.
const maxCachedRoles = 256

func (s *grantCache) of(p *plan, policy *roles.Policy, role string) []uint64 {
	now := s.latest.Load()
	if now != nil && now.policy == policy {
		if granted, ok := now.roles[role]; ok {
			return granted
		}
	}
	granted := make([]uint64, len(p.permissions)/64+1)
	for i := range p.permissions {
		if p.permissions[i].named == nil && policy.Allows(role, p.permissions[i].text) {
			granted[i/64] |= 1 << (i % 64)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &cachedGrants{policy: policy, roles: map[string][]uint64{}}
	if now := s.latest.Load(); now != nil && now.policy == policy && len(now.roles) < maxCachedRoles {
		maps.Copy(next.roles, now.roles)
	}
	next.roles[role] = granted
	s.latest.Store(next)
	return granted
}
