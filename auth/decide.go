package auth

import (
	"context"
	"net/http"

	"github.com/latchkey-go/latchkey/roles"
)

// policy returns the current policy, or nil if the source has none or panics.
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

// printable reports whether a permission may appear in answers and events. A permission that the host made from a
// request may be any text, or contain a key.
func (g *Guard) printable(permission string) bool {
	return roles.ValidPermission(permission) && !g.extractor.format.Contains(permission)
}

// allows decides by the current policy whether p has permission: its role must allow it and, if the key has scopes,
// one of them must too.
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

// inScope reports whether the key's scopes allow permission. A malformed scope allows nothing.
func inScope(p Principal, permission string) bool {
	narrowed := false
	for scope := range p.key.Scopes() {
		if narrowed = true; roles.Match(scope, permission) {
			return true
		}
	}
	return !narrowed
}

// denied returns the refusal of a missing permission: 403 with its name for an authenticated principal, else 401.
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

// Allowed checks, inside a handler, whether the caller also has permission by the current policy. Nil means yes; any
// other answer is a *[Refusal], which [Guard.Refuse] writes. Without a principal in ctx it is 401. Key and user are
// as they were when the request arrived; see [Recheck].
func Allowed(ctx context.Context, permission string) error {
	a, ok := ctx.Value(anyGuard{}).(*requestState)
	if !ok {
		return refuseMissing.asError()
	}
	return a.principal.subject.guard.allows(a.principal, permission).asError()
}

// Recheck verifies the caller in ctx again: the key, its owner and the client's address, or the public role.
// Long-lived streams call it from time to time. It returns the current principal; its error is a *[Refusal]. Success
// counts as a use of the key.
func Recheck(ctx context.Context) (Principal, error) {
	a, ok := ctx.Value(anyGuard{}).(*requestState)
	if !ok {
		return Principal{}, refuseMissing.asError()
	}
	g := a.principal.subject.guard
	p, refusal := g.recheck(ctx, a.principal, a.sender(g))
	g.used(p)
	return p, refusal.asError()
}

func (g *Guard) recheck(ctx context.Context, before Principal, from *http.Request) (p Principal, refusal *Refusal) {
	defer recovered(&p, &refusal)
	switch before.Kind() {
	case KindUserKey, KindCustomKey:
		v, err := g.c.Keys.Recheck(ctx, before.key)
		if err != nil {
			return Principal{}, refuseKey(ctx, err)
		}
		return g.keyPrincipal(ctx, v, from)
	case KindSignedIn:
		return g.userPrincipal(ctx, before.UserID())
	case KindRole:
		return before, nil
	}
	return admitted(g.anonymous(ctx))
}

// Policy returns the current policy, or nil if there is none to trust. It is for packages that decide many things at
// once, such as the fields of a GraphQL operation, by one policy. Callers must check [Principal.InScope] besides the
// role.
func (g *Guard) Policy() *roles.Policy { return g.policy() }

// InScope reports whether the scopes of the key allow permission; a principal without scopes is not narrowed. It does
// not check the role. A malformed scope allows nothing.
func (p Principal) InScope(permission string) bool { return inScope(p, permission) }
