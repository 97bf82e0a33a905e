package admin

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// The permissions that operations need.
const (
	ManageAPI   = "app/api/manage"   // custom keys and the public API
	ManageRoles = "app/roles/manage" // roles
	ManageUsers = "app/users/manage" // other users' keys
	ReadLogs    = "app/logs"         // the audit log
)

// A change is one operation at work: the roles and the caller as they are in its transaction.
type change struct {
	*Service
	policy   *roles.Policy
	revision uint64 // of the roles
	by       actor
	from     string
}

// An actor is who asks, as they are now and not as they were when the request came in.
type actor struct {
	auth.Principal
	rights   roles.Rights
	ends     time.Time      // when their key does; zero: never, or no key
	networks []netip.Prefix // the only ones their key is good from
}

// may reports whether p has a permission now, by the policy that requests are judged by. Whoever reads needs no
// more; what changes something is judged again within its transaction.
func (s *Service) may(p auth.Principal, permission string) error {
	if !p.Authenticated() {
		return errNobody
	}
	switch x := s.c.Guard.Explain(p, permission); {
	case x.Allowed:
		return nil
	case x.Decision.Reason == roles.ReasonNoPolicy:
		return errNoPolicy
	}
	return lacks(permission)
}

// mayAny is may for what several permissions open.
func (s *Service) mayAny(p auth.Principal, permissions ...string) error {
	var first error
	for _, permission := range permissions {
		err := s.may(p, permission)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// change runs f in one transaction. f checks what it needs, writes, and records what it did last.
func (s *Service) change(ctx context.Context, p auth.Principal, f func(context.Context, *change) error) error {
	if !p.Authenticated() {
		return errNobody
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	err := s.c.InTx(ctx, func(ctx context.Context) error {
		rs, revision, err := s.c.RoleStore.Load(ctx)
		if err != nil {
			return err
		}
		policy, err := roles.Compile(rs...)
		if err != nil {
			return err // stored roles that make no sense are trouble, not the caller's mistake
		}
		c := &change{Service: s, policy: policy, revision: revision}
		c.from, _ = ctx.Value(peerKey{}).(string)
		if c.by, err = s.actor(ctx, p); err != nil {
			return err
		}
		return f(ctx, c)
	})
	return plainly(err)
}

// actor finds out what p is now. A key that was ended or replaced since the request came in, and a user who is gone
// or inactive, change nothing any more.
func (s *Service) actor(ctx context.Context, p auth.Principal) (actor, error) {
	a := actor{Principal: p, rights: p.Rights()}
	if id := p.KeyID(); id != "" {
		rec, err := s.c.Keys.Get(ctx, id)
		switch {
		case errors.Is(err, keys.ErrNotFound):
			return a, errGone
		case err != nil:
			return a, err
		case rec.State(time.Now()) != keys.Active || rec.Digest != p.Key().Record().Digest:
			return a, errGone
		}
		a.rights.Scopes, a.ends, a.networks = rec.Scopes, rec.ExpiresAt, rec.AllowedIPs
		if end := p.Key().ExpiresAt(); a.ends.IsZero() || !end.IsZero() && end.Before(a.ends) {
			a.ends = end // an old value that lives on for a while makes nothing that lives longer
		}
		if p.Kind() == auth.CustomKey {
			a.rights.Role = rec.Role
		}
	}
	if id := p.UserID(); id != "" && s.c.Users != nil {
		user, err := s.user(ctx, id)
		switch {
		case errors.Is(err, auth.ErrNoUser), err == nil && !user.Active:
			return a, errGone
		case err != nil:
			return a, err
		}
		a.rights.Role = user.Role
	}
	return a, nil
}

var errOtherUser = errors.New("admin: Users answered with another user than the one asked for")

// user returns the user with this ID, or an error wrapping [auth.ErrNoUser].
func (s *Service) user(ctx context.Context, id string) (auth.User, error) {
	if s.c.Users == nil {
		return auth.User{}, auth.ErrNoUser
	}
	user, err := s.c.Users.User(ctx, id)
	if err == nil && user.ID != id {
		err = errOtherUser
	}
	return user, err
}

// needs reports whether the caller has a permission, in this transaction.
func (c *change) needs(permission string) error {
	if c.policy.Covers(c.by.rights, roles.Rights{Role: roles.Admin, Scopes: []string{permission}}) {
		return nil
	}
	return lacks(permission)
}

// record writes what was done to the audit log.
func (c *change) record(ctx context.Context, action, object string, before, after map[string]any) error {
	r, err := audit.Stamp(audit.Record{
		Actor: c.by.id(), ActorName: c.by.Name(), Action: action, Object: object,
		Space: c.c.Keys.Space(), From: c.from, Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return c.c.Audit.Append(ctx, r)
}

// id is the actor's stable name in records.
func (a actor) id() string {
	switch a.Kind() {
	case auth.UserKey, auth.SignedIn:
		return "user:" + a.UserID()
	case auth.CustomKey:
		return "key:" + a.KeyID()
	}
	return "role:" + a.Role()
}

// author is id as a key's record takes it: one line, and not too long.
func (a actor) author() string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, a.id())
	return strings.ToValidUTF8(line[:min(len(line), 200)], "")
}
