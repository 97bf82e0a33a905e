package graphqlauth

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/auth"
)

// A stream is one caller who is served for long: a websocket with its subscriptions, or one subscription over SSE. A
// rechecker confirms the caller again and again.
type stream struct {
	owner *rechecker
	ctx   context.Context     // carries the request, and is done when the stream ends
	onEnd func(*auth.Refusal) // called once when a check ends the stream, not when it ends by itself

	limit int // of subscriptions; zero or less is no limit

	checkMu sync.Mutex // held during a check

	mu        sync.Mutex
	principal auth.Principal
	confirmed time.Time // when the last successful check began; zero: none yet
	expires   time.Time // when the key does; zero: never
	changes   uint64    // value of rechecker.changes before that check
	due       time.Time // when to check again; zero: not before the first check
	refusal   *auth.Refusal
	over      bool
	subs      map[*subscription]struct{}
}

// current returns the principal that the last check found.
func (s *stream) current() auth.Principal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.principal
}

// setPrincipal sets the principal until the next check.
func (s *stream) setPrincipal(p auth.Principal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.principal = p
}

// ended returns why a check ended the stream, or nil.
func (s *stream) ended() *auth.Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal
}

// fresh reports whether an event may be delivered without a check: the last one began within the bound, the key has
// not expired, and no change was reported on this node since.
func (s *stream) fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.over && !s.stale(time.Now()) && s.changes == s.owner.changes.Load()
}

// stale reports whether the last check is too old to rely on.
func (s *stream) stale(now time.Time) bool {
	return now.Sub(s.confirmed) >= s.owner.bound || !s.expires.IsZero() && !now.Before(s.expires)
}

// check confirms the caller with ask, ends subscriptions that they may not have any more, and reports whether the rest
// may go on. A store error neither confirms nor ends a stream that is not stale.
func (s *stream) check(ctx context.Context, ask func(context.Context) (auth.Principal, error)) bool {
	s.checkMu.Lock()
	defer s.checkMu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	began, changes := time.Now(), s.owner.changes.Load()
	p, err := ask(ctx)
	if err == nil {
		err = s.reauthorize(p)
	}
	if err != nil {
		s.failed(err)
		return false
	}
	s.mu.Lock()
	s.principal, s.confirmed, s.expires, s.changes = p, began, p.Key().ExpiresAt(), changes
	s.due = began.Add(s.owner.bound / 2)
	if !s.expires.IsZero() && s.expires.Before(s.due) {
		s.due = s.expires
	}
	due, over := s.due, s.over
	s.mu.Unlock()
	if changes != s.owner.changes.Load() {
		due = s.schedule(0) // a change during the check may concern this caller
	}
	s.owner.checkBy(due)
	return !over
}

// schedule plans another check after d.
func (s *stream) schedule(d time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = time.Now().Add(d)
	return s.due
}

// recheck asks the guard for the caller again. A stream that began without a principal stays without one.
func (s *stream) recheck(ctx context.Context) (auth.Principal, error) {
	was := s.current()
	if was.Kind() == auth.KindNone {
		return was, nil
	}
	return auth.Recheck(auth.NewContext(ctx, was))
}

// reauthorize decides on each subscription again for p. It returns an error if the guard has no policy.
func (s *stream) reauthorize(p auth.Principal) error {
	s.mu.Lock()
	subs := slices.Collect(maps.Keys(s.subs))
	s.mu.Unlock()
	var failed error
	for _, sub := range subs {
		failed = cmp.Or(sub.reauthorize(p), failed)
	}
	return failed
}

// failed ends the stream if err is a verdict, or if the stream is stale.
func (s *stream) failed(err error) {
	refusal, ok := errors.AsType[*auth.Refusal](err)
	if !ok {
		refusal = &auth.Refusal{Status: http.StatusServiceUnavailable, Reason: auth.ReasonStoreFailed}
	}
	s.mu.Lock()
	undecided := refusal.Status >= http.StatusInternalServerError && !s.stale(time.Now())
	s.mu.Unlock()
	if undecided {
		s.owner.checkBy(s.schedule(s.owner.bound / 8))
		return
	}
	s.end(refusal)
}

// end ends the stream once.
func (s *stream) end(refusal *auth.Refusal) {
	s.mu.Lock()
	over := s.over
	if !over {
		s.over, s.refusal = true, refusal
	}
	s.mu.Unlock()
	if over {
		return
	}
	s.owner.remove(s)
	s.onEnd(refusal)
}

// leave removes a stream that ended by itself.
func (s *stream) leave() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.owner.remove(s)
}

// confirm waits until the caller is confirmed. It returns false if the stream ends or ctx is done first.
func (s *stream) confirm(ctx context.Context) bool {
	for !s.fresh() {
		if s.check(s.ctx, s.recheck) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-s.ctx.Done():
			return false
		case <-time.After(min(s.owner.bound/8, 100*time.Millisecond)):
		}
	}
	return true
}

// add adds a subscription, unless the stream has too many.
func (s *stream) add(sub *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && len(s.subs) >= s.limit {
		return false
	}
	s.subs[sub] = struct{}{}
	return true
}

func (s *stream) remove(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subs, sub)
}
