package auth

import (
	"context"
	"net/http"

	"github.com/latchkey-go/latchkey/roles"
)

// policy returns the policy of the moment, or nil if none can be vouched for. A source that panics vouches
// for nothing.
func (g *Guard) policy() (policy *roles.Policy) {
	if g.c.Roles == nil {
		return nil
	}
	defer func() {
		if recover() != nil {
			policy = nil
		}
	}()
	return g.c.Roles.Policy()
}

// speakable reports whether a permission may appear in answers and events: one that the host made from a
// request may be any text, or hold a key.
func (g *Guard) printable(permission string) bool {
	return roles.ValidPermission(permission) && !g.extractor.format.Contains(permission)
}

// allows decides whether p may do what permission says, by the policy of the moment: its role and, where the
// key has scopes, one of them must allow it.
func (g *Guard) allows(p Principal, permission string) *Refusal {
	policy := g.policy()
	if policy == nil {
		return refuseNoPolicy
	}
	if policy.Allows(p.Role(), permission) && inScope(p, permission) {
		return nil
	}
	return g.denied(policy, p, permission)
}

// inScope reports whether the key's scopes leave permission to it. A malformed scope allows nothing.
func inScope(p Principal, permission string) bool {
	if !p.key.HasScopes() {
		return true
	}
	for scope := range p.key.Scopes() {
		if roles.Match(scope, permission) {
			return true
		}
	}
	return false
}

// lacks is the refusal of a principal who may not: 403 with the permission's name for one who is known, for
// anybody else the 401 that all get.
func (g *Guard) denied(policy *roles.Policy, p Principal, permission string) *Refusal {
	reason := ReasonNotGranted
	switch {
	case p.Kind() == KindNone:
		return refuseMissing
	case !roles.ValidPermission(permission):
		reason = ReasonBadPermission
	case p.Role() == "" || !policy.Has(p.Role()):
		reason = ReasonNoRole
	case policy.Allows(p.Role(), permission):
		reason = ReasonOutOfScope
	}
	if !p.Authenticated() {
		return &Refusal{Status: http.StatusUnauthorized, Reason: reason}
	}
	if !g.printable(permission) {
		permission = ""
	}
	return &Refusal{Status: http.StatusForbidden, Reason: reason, Missing: permission, credential: true, key: p.KeyID()}
}

// Explain reports whether p has permission by the current policy, and why. A nil error means yes; any other error is a
// *[Refusal]. The decision names the deciding role and grant and ignores scopes. scope is the scope that lets a narrowed
// key do it: "" if the key has no scopes or none allows it. A principal of another guard has no permissions.
func (g *Guard) Explain(p Principal, permission string) (decision roles.Decision, scope string, err error) {
	if p.subject == nil || p.subject.guard != g {
		return roles.Decision{}, "", refuseMissing.asError()
	}
	refusal := g.allows(p, permission)
	decision = g.policy().Explain(p.Role(), permission)
	if refusal != nil {
		return decision, "", refusal.asError()
	}
	for s := range p.key.Scopes() {
		if roles.Match(s, permission) {
			return decision, s, nil
		}
	}
	return decision, "", nil
}

// Allowed asks, inside a handler, whether the caller may also do what permission says, by the policy of the
// moment. Nil is yes; any other answer is a *[Refusal], which [Guard.Refuse] writes. Without a principal in
// ctx it is 401. Key and user are the ones of when the request came in; see [Recheck].
func Allowed(ctx context.Context, permission string) error {
	a, ok := ctx.Value(anyGuard{}).(*requestState)
	if !ok {
		return refuseMissing.asError()
	}
	return a.principal.subject.guard.allows(a.principal, permission).asError()
}

// Recheck asks again whether the caller in ctx is still who they were: the key, its owner and the peer's
// address, or the public role. Streams that live long call it from time to time. It returns the principal of
// now; its error is a *[Refusal]. If it has none, the key was used once more.
func Recheck(ctx context.Context) (p Principal, err error) {
	a, ok := ctx.Value(anyGuard{}).(*requestState)
	if !ok {
		return Principal{}, refuseMissing.asError()
	}
	g := a.principal.subject.guard
	defer func() {
		if recover() != nil {
			p, err = Principal{}, refusePanic.asError()
		}
	}()
	p, refusal := g.recheck(ctx, a.principal, a.origin(g))
	g.used(p)
	return p, refusal.asError()
}

func (g *Guard) recheck(ctx context.Context, p Principal, from origin) (Principal, *Refusal) {
	switch p.Kind() {
	case KindUserKey, KindCustomKey:
		v, err := g.c.Keys.Recheck(ctx, p.key)
		if err != nil {
			return Principal{}, refuseKey(ctx, err)
		}
		return g.keyPrincipal(ctx, v, from)
	case KindSignedIn:
		return g.userPrincipal(ctx, p.UserID())
	case KindRole:
		return p, nil
	}
	q, refusal := g.anonymous(ctx)
	if refusal == nil && q.Kind() == KindNone {
		refusal = refuseMissing
	}
	return q, refusal
}

// Policy returns the policy of the moment, or nil if none can be vouched for. It is for packages that decide
// many things at once, such as the fields of a GraphQL operation, by one and the same policy. Together with the
// role, [Principal.InScope] must be asked.
func (g *Guard) Policy() *roles.Policy { return g.policy() }

// InScope reports whether the scopes of the key leave permission to the principal; without scopes they do. It
// says nothing about the role. A malformed scope allows nothing.
func (p Principal) InScope(permission string) bool { return inScope(p, permission) }
