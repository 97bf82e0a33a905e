package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// covers returns an error unless the caller has all access that these rights give.
func (c *change) covers(rights roles.Rights) error {
	return c.compare(fmt.Sprintf("covers %q", rights), func(policy *roles.Policy) error { return c.coversIn(policy, policy, rights) })
}

// coversIn is covers for the rights that a role gives in the policy next. policy says what the caller has.
func (c *change) coversIn(policy, next *roles.Policy, rights roles.Rights) error {
	missing, err := policy.Missing(c.by.rights, next, rights)
	switch {
	case err != nil:
		return costly(err)
	case len(missing) > 0:
		return forbidden("you can't grant more access than you have", missing...)
	}
	return nil
}

// coversRole returns an error unless the caller has all access that a role and those that inherit from it give, before
// and after a change. next is the policy after the change.
func (c *change) coversRole(next *roles.Policy, appid string) error {
	for _, policy := range []*roles.Policy{c.policy, next} {
		for _, heir := range policy.AppIDs() {
			if !slices.Contains(policy.Lineage(heir), appid) {
				continue // it does not inherit from the role
			}
			if err := c.coversIn(c.policy, policy, roles.Rights{Role: heir}); err != nil {
				return err
			}
		}
	}
	return nil
}

// coversKey returns an error unless the caller has all access that a key with these settings gives.
func (c *change) coversKey(rec *keys.Record, role string) error {
	if err := c.covers(roles.Rights{Role: role, Scopes: rec.Scopes}); err != nil {
		return err
	}
	if !inside(rec.AllowedIPs, c.by.networks) {
		return forbidden("the key would be valid from more networks than yours")
	}
	return nil
}

// inside reports whether each network is part of one of bounds. Without bounds all are, and no networks are all.
func inside(networks, bounds []netip.Prefix) bool {
	if len(bounds) == 0 {
		return true
	}
	return len(networks) > 0 && !slices.ContainsFunc(networks, func(p netip.Prefix) bool {
		return !slices.ContainsFunc(bounds, func(b netip.Prefix) bool { return b.Bits() <= p.Bits() && b.Contains(p.Addr()) })
	})
}

// outlivedBy reports whether a key that expires at this time, zero being never, would outlive the caller's key.
func (a actor) outlivedBy(at time.Time) bool {
	return !a.ends.IsZero() && (at.IsZero() || at.After(a.ends))
}

// endsBy returns the expiry of a value that the caller makes and wants to expire at at. Zero becomes the expiry of the
// caller's key; a later time is refused.
func (a actor) endsBy(at time.Time) (time.Time, error) {
	switch {
	case !a.outlivedBy(at):
		return at, nil
	case at.IsZero():
		return a.ends, nil
	}
	return at, forbidden("a value that is made with a key ends no later than that key")
}

// Comparing access takes steps of a quarter of a microsecond. Ordinary roles take hundreds to a few thousand of them;
// hostile patterns take millions.
const (
	maxSteps  = 1 << 18 // of one operation: about 65 ms
	freeSteps = 10_000  // an operation that takes more waits for its turn
)

// costly adds to an error of a step budget what the caller can do about it.
func costly(err error) error {
	if errors.Is(err, roles.ErrBudget) {
		return fmt.Errorf("admin: too complex to check: use fewer or simpler patterns with * and **: %w", err)
	}
	return err
}

// takeTurn waits for the turn of a costly operation, once.
func (c *change) takeTurn(ctx context.Context) (err error) {
	if c.endTurn == nil {
		c.endTurn, err = turns.take(ctx, c.by.id())
	}
	return err
}

// budget returns a step budget. A caller who covers everything has no limit, and never waits.
func (c *change) budget() *roles.Budget {
	if c.unlimited() {
		return &roles.Budget{Steps: math.MaxInt}
	}
	return &roles.Budget{Steps: maxSteps, Free: freeSteps, Wait: c.takeTurn}
}

// previewBudget returns a new budget, so that a preview does not depend on the checks before it. It is limited for every
// caller: a comparison that a preview gives up counts as opened.
func (c *change) previewBudget() *roles.Budget {
	b := c.budget()
	b.Steps = maxSteps
	return b
}

// ended returns the error that must end an operation after a preview, or nil.
func ended(b *roles.Budget) error {
	if err := b.Err(); !errors.Is(err, roles.ErrBudget) {
		return err
	}
	return nil
}

// turns is the queue of all services in this process, since they share its processors.
var turns = queue{turn: make(chan struct{}, 1)}

// A queue lets costly operations run one at a time. Each caller has at most one place in it, so that one caller delays
// another by at most one operation.
type queue struct {
	turn    chan struct{}
	callers sync.Map // running or waiting, by name
}

// take waits for the caller's turn. The caller must call end after the operation. A caller with a place in the queue is
// refused with 429.
func (q *queue) take(ctx context.Context, caller string) (end func(), err error) {
	if _, taken := q.callers.LoadOrStore(caller, true); taken {
		return nil, &auth.Refusal{Status: http.StatusTooManyRequests, Reason: auth.ReasonRateLimited, RetryAfter: time.Second}
	}
	leave := func() { q.callers.Delete(caller) }
	select {
	case q.turn <- struct{}{}:
		return func() { <-q.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
