package graphqlauth

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// An asker is who asks, with what its role may do by the policy of one moment. It does not change once ready.
type asker struct {
	plan      *plan
	standings *standings
	guard     *auth.Guard
	principal auth.Principal
	role      string
	known     bool // by a key or a sign-in
	scoped    bool

	ready   bool
	policy  *roles.Policy // nil while none can be vouched for: then no verdict counts
	granted []uint64      // by the role, of the plan's plain permissions
}

// consult takes the policy of the moment. It is put off until something asks for a permission: an operation that
// needs none is answered without a policy, too.
func (a *asker) consult() {
	if a.ready {
		return
	}
	a.ready = true
	if a.policy = a.guard.Policy(); a.policy != nil {
		a.granted = a.standings.of(a.plan, a.policy, a.role)
	}
}

// unsure reports whether something was asked that cannot be told now.
func (a *asker) unsure() bool { return a.ready && a.policy == nil }

// meets reports whether the requirement holds for a field, and if not, for want of which permission, if of one.
func (a *asker) meets(need *requirement, node *ast.Field, vars map[string]any) (missing string, ok bool) {
	if need.never || need.key && !a.known {
		return "", false
	}
	for _, i := range need.all {
		if missing, ok := a.may(i, node, vars); !ok {
			return missing, false
		}
	}
	for _, groups := range need.any {
		if missing, ok := a.mayAny(groups, node, vars); !ok {
			return missing, false
		}
	}
	return "", true
}

// mayAny reports whether the caller has all permissions of one of the lists. A refusal names one of the first.
func (a *asker) mayAny(groups [][]int, node *ast.Field, vars map[string]any) (missing string, ok bool) {
	for n, group := range groups {
		ok := true
		for _, i := range group {
			lacks, has := a.may(i, node, vars)
			if !has {
				if n == 0 {
					missing = lacks
				}
				ok = false
				break
			}
		}
		if ok {
			return "", true
		}
	}
	return missing, false
}

// may reports whether the caller has a permission, and which one it is.
func (a *asker) may(i int, node *ast.Field, vars map[string]any) (name string, ok bool) {
	a.consult()
	p := &a.plan.permissions[i]
	if p.named == nil {
		return p.text, a.granted != nil && a.granted[i/64]&(1<<(i%64)) != 0 && (!a.scoped || a.principal.InScope(p.text))
	}
	var room [96]byte
	filled, speakable, ok := p.fill(room[:0], node, vars)
	switch {
	case !ok:
		return "", false
	case a.policy.Allows(a.role, string(filled)) && (!a.scoped || a.principal.InScope(string(filled))):
		return "", true
	case !speakable:
		return p.text, false
	}
	return string(filled), false
}

// standings remember what each role may do, of what a plan asks for, under the latest policy.
type standings struct {
	latest atomic.Pointer[standing]
	mu     sync.Mutex // of those who add to it
}

// A standing holds, for some roles, a bit for each plain permission of the plan. It never changes.
type standing struct {
	policy *roles.Policy
	roles  map[string][]uint64
}

// maxStanding bounds how many roles are remembered.
const maxStanding = 256

func (s *standings) of(p *plan, policy *roles.Policy, role string) []uint64 {
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
	next := &standing{policy: policy, roles: map[string][]uint64{}}
	if now := s.latest.Load(); now != nil && now.policy == policy && len(now.roles) < maxStanding {
		maps.Copy(next.roles, now.roles)
	}
	next.roles[role] = granted
	s.latest.Store(next)
	return granted
}
