package auth

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// The times of [Follow].
const (
	followInterval = 5 * time.Second  // the longest time between two checks
	followRetry    = time.Second      // after a check that reached no verdict
	followLimit    = 10 * time.Second // how long the result of one check may be relied on
)

// Follow returns a context for a long-lived response, such as server-sent events or a websocket. It is done when the
// access of the caller in ctx ends: the key expires, is disabled, invalidated or refreshed without overlap, or may not
// be used from this address any more; its owner is deactivated or gone; the public API is closed to a caller without a
// key; or the caller's role is taken away or deleted. [context.Cause] is then a *[Refusal]. Call stop when the response
// ends; it may be called more than once.
//
// Follow checks the caller before it returns, right after each change that [Guard.Watch] reports about them, when the
// key expires, and at least every five seconds, which is when other changes and those on other nodes are found. Each
// check is a [Recheck], and a use of the key. A store error is not a verdict: the check is repeated every second, and the
// stream goes on. It ends with the store's refusal, usually 503, at the first check that fails ten seconds or more after
// the last successful one began, or after the key expired. Follow does not see the end of a session of the host's own
// sign-in: the host cancels ctx.
//
// The context carries the caller as the last check found them, so that [PrincipalFrom] returns their current role.
// Follow does not know which permission the stream needs: ask [Allowed] with the returned context before each message.
// Without a caller in ctx the context is done at once, with 401. It follows the caller of the innermost guard.
func Follow(ctx context.Context) (followed context.Context, stop func()) {
	inner, cancel := context.WithCancelCause(ctx)
	a, ok := ctx.Value(anyGuard{}).(*requestState)
	if !ok {
		cancel(refuseMissing.asError())
		return inner, func() {}
	}
	f := &follower{Context: inner, cancel: cancel, outer: ctx, guard: a.principal.subject.guard}
	f.until, f.hadRole = time.Now().Add(followLimit), a.principal.Role() != ""
	f.current.Store(a)
	wake := make(chan struct{}, 1)
	unwatch := f.guard.Watch(func(c Change) {
		if p := a.principal; c == (Change{}) || c.KeyID != "" && c.KeyID == p.KeyID() || c.UserID != "" && c.UserID == p.UserID() {
			select {
			case wake <- struct{}{}:
			default: // a check that has not begun yet is due already
			}
		}
	})
	next := f.check() // after Watch, so that no change is missed in between
	go f.run(next, wake, unwatch)
	return f, func() { cancel(nil) }
}

// A follower is the context that [Follow] returns.
type follower struct {
	context.Context
	cancel  context.CancelCauseFunc
	outer   context.Context // the context that Follow was given
	guard   *Guard
	current atomic.Pointer[requestState]

	// Of check alone.
	until   time.Time // the result of the last check that succeeded may be relied on until then
	hadRole bool      // the caller had a role
}

// Value returns the current caller in place of the one that Follow was given.
func (f *follower) Value(key any) any {
	switch k := key.(type) {
	case guardKey:
		if k.guard == f.guard {
			return f.current.Load()
		}
	case anyGuard:
		return f.current.Load()
	}
	return f.Context.Value(key)
}

// String keeps the request, and the key in it, out of texts that print a context.
func (f *follower) String() string { return "latchkey.Follow" }

// Format is String for every verb.
func (f *follower) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

func (f *follower) run(next time.Duration, wake <-chan struct{}, unwatch func()) {
	defer unwatch()
	timer := time.NewTimer(next)
	defer timer.Stop()
	for {
		select {
		case <-f.Done():
			return
		case <-wake:
		case <-timer.C:
		}
		if f.Err() != nil {
			return
		}
		timer.Reset(f.check())
	}
}

// check checks the caller once and returns the time until the next check. It cancels the context after a verdict, or
// when f.until is over.
func (f *follower) check() (next time.Duration) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(f, max(f.until.Sub(began), time.Second))
	defer cancel()
	p, err := f.recheck(ctx)
	if err != nil {
		refusal := asRefusal(ctx, err)
		left := time.Until(f.until)
		if refusal.Status < http.StatusInternalServerError || left <= 0 {
			f.cancel(refusal.asError())
		}
		return min(followRetry, left)
	}
	now := NewContext(f.outer, p).(*requestState)
	now.reported.Store(f.current.Load().reported.Load()) // the request has had its event
	f.current.Store(now)
	f.until = began.Add(followLimit)
	next = followInterval - rand.N(followInterval/5) // streams that began together do not ask together
	if expires := p.Key().ExpiresAt(); !expires.IsZero() {
		if expires.Before(f.until) {
			f.until = expires
		}
		next = min(next, max(time.Until(expires), time.Millisecond))
	}
	return next
}

// recheck is [Recheck], and refuses a caller who had a role and has none now.
func (f *follower) recheck(ctx context.Context) (Principal, error) {
	p, err := Recheck(ctx)
	if err != nil {
		return Principal{}, err
	}
	policy := f.guard.policy()
	if policy == nil {
		return Principal{}, refuseNoPolicy
	}
	has := policy.Has(p.Role())
	switch {
	case has:
		f.hadRole = true
	case f.hadRole && !p.Authenticated():
		return Principal{}, refuseMissing // the public role was deleted since Recheck
	case f.hadRole:
		return Principal{}, &Refusal{Status: http.StatusForbidden, Reason: ReasonNoRole, credential: true, key: p.KeyID()}
	}
	return p, nil
}
