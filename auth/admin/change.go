package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
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

// A change is the state of one operation: the roles and the caller that its current pass is checked against. See
// [Service.change].
type change struct {
	*Service
	policy   *roles.Policy // draws from limit
	limit    *roles.Budget // of all costly checks except previews; nil until the caller is known
	endTurn  func()        // ends the operation's turn; nil: it has not taken one
	revision roles.Revision
	by       actor
	from     string
	inTx     bool
	answers  map[string]error // of the costly checks before the transaction, by question
}

// A step carries out a change. Nil is a change with nothing to do.
type step func(context.Context) error

// An actor is the caller with current rights, which may differ from those at the start of the request.
type actor struct {
	auth.Principal
	rights   roles.Rights
	ends     time.Time      // when the caller's key expires; zero: never, or there is no key
	networks []netip.Prefix // the AllowedIPs of the caller's key
}

// manages returns an error for a caller who is not authenticated, or who presented the old value of a refreshed key.
func manages(p auth.Principal) error {
	switch {
	case !p.Authenticated():
		return errUnauthenticated
	case p.Key().Previous():
		return errOldValue
	}
	return nil
}

// may returns an error unless p has this permission by the guard's policy. That is enough to read; a change is checked
// again within its transaction.
func (s *Service) may(p auth.Principal, permission string) error {
	if err := manages(p); err != nil {
		return err
	}
	switch decision, _, err := s.cfg.Guard.Explain(p, permission); {
	case err == nil:
		return nil
	case decision.Reason == roles.ReasonNoPolicy:
		return errNoPolicy
	}
	return lacks(permission)
}

// mayAny returns an error unless p has one of the permissions.
func (s *Service) mayAny(p auth.Principal, permissions ...string) (first error) {
	for _, permission := range permissions {
		err := s.may(p, permission)
		if err == nil {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
}

// maxTries is how often an operation starts again because something changed between its two passes.
const maxTries = 3

// errAgain means that the second pass needs an answer that the first one does not have.
var errAgain = fmt.Errorf("%w: roles, caller or key kept changing meanwhile", ErrConflict)

// change runs one operation. judge checks what the operation needs and returns how to carry it out, or nil if there is
// nothing to do. It is called twice: before the transaction, where [change.ahead] answers costly checks, and again inside
// it, over the state that is stored then. The second pass uses the answers of the first, and finds only those itself that
// take few steps ([change.compare]). If an answer is missing because something changed in between, the operation starts
// again.
func (s *Service) change(ctx context.Context, p auth.Principal, judge func(context.Context, *change) (step, error)) error {
	if err := manages(p); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	c := &change{Service: s, answers: map[string]error{}}
	defer func() {
		if c.endTurn != nil {
			c.endTurn()
		}
	}()
	c.from, _ = ctx.Value(peerKey{}).(string)
	var err error
	for range maxTries {
		if err = c.loadRoles(ctx); err != nil {
			break
		}
		c.inTx = false
		if _, err = c.judge(ctx, p, judge); errors.Is(err, errAgain) {
			continue
		} else if err != nil {
			break
		}
		err = s.cfg.InTx(ctx, func(ctx context.Context) error {
			revision, err := s.cfg.RoleStore.Revision(ctx)
			if err != nil {
				return err
			}
			if revision != c.revision {
				// Another caller changed roles. A check that needs one of these answers returns errAgain.
				clear(c.answers)
				if err := c.loadRoles(ctx); err != nil {
					return err
				}
			}
			c.inTx = true
			apply, err := c.judge(ctx, p, judge)
			if err != nil || apply == nil {
				return err
			}
			return apply(ctx)
		})
		if !errors.Is(err, errAgain) {
			break
		}
	}
	return translate(err)
}

func (c *change) judge(ctx context.Context, p auth.Principal, judge func(context.Context, *change) (step, error)) (step, error) {
	var err error
	if c.by, err = c.actor(ctx, p); err != nil {
		return nil, err
	}
	if c.limit == nil || c.unlimited() != (c.limit.Steps == math.MaxInt) {
		c.limit = c.budget()
	}
	c.policy = c.policy.Within(ctx, c.limit)
	return judge(ctx, c)
}

// unlimited reports whether the caller covers everything. Such a caller is never refused for the cost of a check.
func (c *change) unlimited() bool {
	return c.by.rights.Role == roles.Admin && len(c.by.rights.Scopes) == 0
}

// compare answers a question about the access of two parties. It is like ahead, but also answers inside the transaction
// if that takes few steps, so that callers who keep changing roles do not keep others from managing keys.
func (c *change) compare(question string, answer func(*roles.Policy) error) error {
	if !c.inTx {
		return c.ahead(question, func() error { return answer(c.policy) })
	}
	err := c.ahead(question, nil)
	if errors.Is(err, errAgain) {
		b := &roles.Budget{Steps: freeSteps}
		if err = answer(c.policy.Within(context.Background(), b)); b.Err() != nil {
			return errAgain
		}
	}
	return err
}

// ahead answers a costly question before the transaction, and repeats that answer inside it. The question has to name
// all that the answer depends on but the roles and the caller's rights.
func (c *change) ahead(question string, answer func() error) error {
	question = fmt.Sprintf("%q %s", c.by.rights, question)
	known, ok := c.answers[question]
	switch {
	case ok:
		return known
	case c.inTx:
		return errAgain
	}
	err := answer()
	if given := c.limit.Err(); given != nil {
		err = costly(given) // the answer rests on comparisons that were given up
	}
	c.answers[question] = err
	return err
}

// loadRoles reads the stored roles, and drops the answers if they rest on others. It compiles only roles that changed since
// the service compiled them.
func (c *change) loadRoles(ctx context.Context) error {
	rs, revision, err := c.cfg.RoleStore.Load(ctx)
	if err != nil {
		return err
	}
	policy, err := c.compiled.Load().Recompile(rs...)
	if err != nil {
		return err // a store error, not the caller's: the stored roles do not compile
	}
	c.compiled.Store(policy)
	if revision != c.revision {
		clear(c.answers)
	}
	c.policy, c.revision = policy, revision
	return nil
}

// actor returns the caller with current rights. It refuses a key that was ended or replaced since the request came in,
// and a user who is gone or inactive.
func (s *Service) actor(ctx context.Context, p auth.Principal) (actor, error) {
	a := actor{Principal: p, rights: p.Rights()}
	if id := p.KeyID(); id != "" {
		rec, err := s.cfg.Keys.Current(ctx, p.Key())
		switch {
		case errors.Is(err, keys.ErrNotFound), errors.Is(err, keys.ErrConflict):
			return a, errGone
		case err != nil:
			return a, err
		case rec.State(time.Now()) != keys.StateActive:
			return a, errGone
		}
		a.rights.Scopes, a.ends, a.networks = rec.Scopes, rec.ExpiresAt, rec.AllowedIPs
		if p.Kind() == auth.KindCustomKey {
			a.rights.Role = rec.Role
		}
	}
	if id := p.UserID(); id != "" && s.cfg.Users != nil {
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

// needs returns an error unless the caller has this permission now.
func (c *change) needs(permission string) error {
	if c.policy.Reaches(c.by.rights, permission) { // one permission, so all of it
		return nil
	}
	return lacks(permission)
}

// record appends a change to the audit log.
func (c *change) record(ctx context.Context, action, object string, before, after map[string]any) error {
	r, err := audit.Stamp(audit.Record{
		Actor: c.by.id(), ActorName: c.by.Name(), Action: action, Object: object,
		Space: c.cfg.Keys.Space(), From: c.from, Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return c.cfg.Audit.Append(ctx, r)
}

// id is the actor's stable name in records.
func (a actor) id() string {
	switch a.Kind() {
	case auth.KindUserKey, auth.KindSignedIn:
		return "user:" + a.UserID()
	case auth.KindCustomKey:
		return "key:" + a.KeyID()
	}
	return "role:" + a.Role()
}

// author is id as a key's record takes it: one line of at most 200 bytes.
func (a actor) author() string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, a.id())
	return strings.ToValidUTF8(line[:min(len(line), 200)], "")
}
