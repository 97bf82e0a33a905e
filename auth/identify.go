package auth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// identify returns the principal of a request with the credential in h or rawQuery: its own, or those of a message. Without
// a credential and without a public role it is one of KindNone that belongs to this guard.
func (g *Guard) identify(r *http.Request, h http.Header, rawQuery string) (Principal, *Refusal) {
	ctx := r.Context()
	if g.c.Keys == nil {
		return Principal{}, storeError(ctx, nil)
	}
	cred, refusal := g.extractor.extract(h, rawQuery)
	if refusal != nil {
		return Principal{}, refusal
	}
	if cred.source != 0 {
		v, err := g.c.Keys.Verify(ctx, cred.text)
		if err != nil {
			return Principal{}, refuseKey(ctx, err)
		}
		return g.keyPrincipal(ctx, v, r)
	}
	if a, ok := ctx.Value(anyGuard{}).(*requestState); ok && a.stripped {
		return Principal{}, refuseMisplaced // a guard further out has stripped the key
	}
	if g.c.SignedIn != nil {
		p, refusal := g.signedIn(ctx, r)
		if refusal != nil || p.subject != nil {
			return p, refusal
		}
	}
	return g.anonymous(ctx)
}

// refuseKey returns the refusal for an error of Verify. An error outside the ErrInvalid family is a store error, not
// a verdict.
func refuseKey(ctx context.Context, err error) *Refusal {
	if !errors.Is(err, keys.ErrInvalid) {
		return storeError(ctx, err)
	}
	if errors.Is(err, keys.ErrMalformed) {
		return refuseMalformed
	}
	refusal := &Refusal{Status: http.StatusUnauthorized, Reason: ReasonInvalidKey, credential: true, cause: err, key: keys.RefusedID(err)}
	switch {
	case errors.Is(err, keys.ErrExpired):
		refusal.Reason = ReasonExpiredKey
	case errors.Is(err, keys.ErrDisabled):
		refusal.Reason = ReasonDisabledKey
	case errors.Is(err, keys.ErrInvalidated):
		refusal.Reason = ReasonInvalidatedKey
	}
	return refusal
}

// keyPrincipal makes the principal of a valid key. The client's address must be allowed, and the owner, if any,
// active. r is nil if the request is not known.
func (g *Guard) keyPrincipal(ctx context.Context, v keys.Verified, r *http.Request) (Principal, *Refusal) {
	// The host is asked for the address only if the key is not valid from every one.
	if !v.AllowsAddr(netip.Addr{}) && (r == nil || !v.AllowsAddr(g.c.ClientAddr(r))) {
		return Principal{}, &Refusal{Status: http.StatusUnauthorized, Reason: ReasonAddressRefused, credential: true, key: v.ID()}
	}
	switch v.Kind() {
	case keys.KindCustom:
		return Principal{v, g.custom}, nil
	case keys.KindUser:
	default:
		return Principal{}, storeError(ctx, nil)
	}
	user, refusal := g.user(ctx, v.UserID())
	if refusal != nil {
		refusal.credential, refusal.key = true, v.ID()
		return Principal{}, refusal
	}
	return Principal{v, &subject{guard: g, kind: KindUserKey, user: user}}, nil
}

// errOtherUser is the error of Users that returned another user than the requested one.
var errOtherUser = errors.New("auth: Users returned another user than the requested one")

// noUser reports whether err says that there is no such user. A failed or cancelled query is not a verdict, whatever
// else its error wraps.
func noUser(ctx context.Context, err error) bool {
	return errors.Is(err, ErrNoUser) && !errors.Is(err, keys.ErrStore) && ctx.Err() == nil
}

// user returns the active user with this ID, or a new refusal that the caller may complete.
func (g *Guard) user(ctx context.Context, id string) (User, *Refusal) {
	refuse := func(reason Reason) (User, *Refusal) {
		return User{}, &Refusal{Status: http.StatusUnauthorized, Reason: reason}
	}
	if g.c.Users == nil {
		return refuse(ReasonNoOwner)
	}
	user, err := ask.Do(ctx, g.askUsers, func(ctx context.Context) (User, error) { return g.c.Users.User(ctx, id) })
	switch {
	case noUser(ctx, err):
		return refuse(ReasonNoOwner)
	case err != nil:
		return User{}, storeError(ctx, err)
	case user.ID != id:
		return User{}, storeError(ctx, errOtherUser)
	case !user.Active:
		return refuse(ReasonInactiveOwner)
	}
	return user, nil
}

// SignedInUser calls Config.SignedIn and returns the user of the host's own sign-in who sent the request, or "". Its
// error is a *Refusal with 503. It skips the cross-origin check and authenticates no one. Use it to detect a request
// that carries both a key and a session.
func (g *Guard) SignedInUser(r *http.Request) (userID string, err error) {
	if g.c.SignedIn == nil {
		return "", nil
	}
	if userID, err = g.askSignedIn(r.Context(), r); err != nil {
		return "", storeError(r.Context(), err)
	}
	return userID, nil
}

func (g *Guard) askSignedIn(ctx context.Context, r *http.Request) (userID string, err error) {
	own := r.Clone(ctx) // host code that hangs may read it after the request has ended
	return ask.Do(ctx, g.askSession, func(ctx context.Context) (string, error) { return g.c.SignedIn(own.WithContext(ctx)) })
}

// signedIn returns the principal of the host's own sign-in. Without a signed-in user it has no subject.
func (g *Guard) signedIn(ctx context.Context, r *http.Request) (Principal, *Refusal) {
	id, err := g.askSignedIn(ctx, r)
	if err != nil {
		return Principal{}, storeError(ctx, err)
	}
	if id == "" {
		return Principal{}, nil
	}
	sent := *r
	if r.Header["Upgrade"] != nil {
		sent.Method = http.MethodPost // messages of a websocket may change data although its handshake is a GET
	}
	if g.c.CrossOrigin.Check(&sent) != nil {
		return Principal{}, refuseOrigin
	}
	return g.userPrincipal(ctx, id)
}

// userPrincipal makes the principal of a user without a key.
func (g *Guard) userPrincipal(ctx context.Context, userID string) (p Principal, refusal *Refusal) {
	defer recovered(&p, &refusal)
	user, refusal := g.user(ctx, userID)
	if refusal != nil {
		return Principal{}, refusal
	}
	return Principal{subject: &subject{guard: g, kind: KindSignedIn, user: user}}, nil
}

// anonymous makes the principal of a caller without a credential.
func (g *Guard) anonymous(ctx context.Context) (Principal, *Refusal) {
	role, refusal := g.publicRole(ctx)
	if refusal != nil {
		return Principal{}, refusal
	}
	if role == "" {
		return Principal{subject: g.none}, nil
	}
	s := g.public.Load()
	if s == nil || s.role != role {
		s = &subject{guard: g, kind: KindPublic, role: role}
		g.public.Store(s)
	}
	return Principal{subject: s}, nil
}

// publicRole returns the role of anonymous callers, or "" while the public API is closed: it is off, its role does
// not exist, or its role is the super role.
func (g *Guard) publicRole(ctx context.Context) (string, *Refusal) {
	if g.setting == nil {
		return "", nil
	}
	role, err := ask.Do(ctx, g.askRole, g.setting)
	if err != nil {
		return "", storeError(ctx, err)
	}
	if role == "" || strings.EqualFold(role, roles.Admin) {
		return "", nil
	}
	policy := g.policy()
	if policy == nil {
		return "", refuseNoPolicy
	}
	if !policy.Has(role) {
		return "", nil
	}
	return role, nil
}

// PrincipalForUser returns the principal of a user who is known without a key, such as the owner of a background job.
// Its error is a *[Refusal]: 401 for a missing or inactive user. It makes no cross-origin check.
func (g *Guard) PrincipalForUser(ctx context.Context, userID string) (Principal, error) {
	p, refusal := g.userPrincipal(ctx, userID)
	return p, refusal.asError()
}

// PrincipalForRole returns a principal that has a role and no identity: for the host's own jobs and tests. It checks
// no credential, so only the host must call it.
func (g *Guard) PrincipalForRole(appid string) Principal {
	return Principal{subject: &subject{guard: g, kind: KindRole, role: appid}}
}
