package graphqlauth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/auth"
)

// A stream is one caller who is served for long: a websocket with its subscriptions, or a single subscription
// over SSE. Who they are is confirmed again and again; see streams.
type stream struct {
	all *streams
	ctx context.Context     // carries the request they came with, and ends with the stream
	cut func(*auth.Refusal) // ends it; called once, and not if it ended by itself

	room int // for subscriptions; zero or less is no limit

	checking sync.Mutex // one check at a time

	mu        sync.Mutex
	principal auth.Principal
	confirmed time.Time // when the last check that went well began; zero: not yet
	expires   time.Time // of the key; zero: never
	seen      uint64    // the changes that this check takes into account
	next      time.Time // when to check again; zero: not before the first check is through
	refusal   *auth.Refusal
	over      bool
	subs      map[*subscription]struct{}
}

// who is the principal of now.
func (s *stream) who() auth.Principal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.principal
}

// saw takes p for the principal of now, until the next check.
func (s *stream) saw(p auth.Principal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.principal = p
}

// ended reports why the stream was cut, or nil.
func (s *stream) ended() *auth.Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal
}

// fresh reports whether something may be delivered without asking first: the caller was confirmed less than
// the bound ago, their key has not run out, and nothing has changed on this node since.
func (s *stream) fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.over && !s.stale(time.Now()) && s.seen == s.all.changes.Load()
}

// stale reports whether nothing may be delivered on the strength of the last check.
func (s *stream) stale(now time.Time) bool {
	return now.Sub(s.confirmed) >= s.all.bound || !s.expires.IsZero() && !now.Before(s.expires)
}

// check asks who the caller is now and what they may, ends what they may not have any more, and reports whether
// the rest is confirmed. A store in trouble confirms nothing and ends nothing until the stream is stale.
func (s *stream) check(ctx context.Context, ask func(context.Context) (auth.Principal, error)) bool {
	s.checking.Lock()
	defer s.checking.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	began, seen := time.Now(), s.all.changes.Load()
	p, err := ask(ctx)
	if err == nil {
		err = s.judge(p)
	}
	if err != nil {
		s.failed(err)
		return false
	}
	s.mu.Lock()
	s.principal, s.confirmed, s.expires, s.seen = p, began, p.Key().ExpiresAt(), seen
	s.next = began.Add(s.all.bound / 2)
	if !s.expires.IsZero() && s.expires.Before(s.next) {
		s.next = s.expires
	}
	next, over := s.next, s.over
	s.mu.Unlock()
	if seen != s.all.changes.Load() {
		next = s.again(0) // something changed meanwhile; it may have been about them
	}
	s.all.awake(next)
	return !over
}

// again asks for another check after d.
func (s *stream) again(d time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = time.Now().Add(d)
	return s.next
}

// recheck asks the guard for who the caller is now. Somebody who was nobody when the stream began stays that.
func (s *stream) recheck(ctx context.Context) (auth.Principal, error) {
	was := s.who()
	if was.Kind() == auth.KindNone {
		return was, nil
	}
	return auth.Recheck(auth.NewContext(ctx, was))
}

// judge judges each subscription for p. Its error is that of roles which cannot be vouched for.
func (s *stream) judge(p auth.Principal) error {
	s.mu.Lock()
	subs := make([]*subscription, 0, len(s.subs))
	for sub := range s.subs {
		subs = append(subs, sub)
	}
	s.mu.Unlock()
	var trouble error
	for _, sub := range subs {
		if err := sub.judge(p); err != nil {
			trouble = err
		}
	}
	return trouble
}

// failed ends the stream if err is a verdict, or if nothing could be confirmed for too long.
func (s *stream) failed(err error) {
	refusal, ok := errors.AsType[*auth.Refusal](err)
	if !ok {
		refusal = &auth.Refusal{Status: http.StatusServiceUnavailable, Reason: auth.ReasonStoreFailed}
	}
	s.mu.Lock()
	trouble := refusal.Status >= http.StatusInternalServerError && !s.stale(time.Now())
	s.mu.Unlock()
	if trouble {
		s.all.awake(s.again(s.all.bound / 8))
		return
	}
	s.end(refusal)
}

// end cuts the stream, once.
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
	s.all.remove(s)
	s.cut(refusal)
}

// leave is for a stream that ended by itself.
func (s *stream) leave() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.all.remove(s)
}

// hold returns true once something may be delivered. While nothing can be confirmed it holds on to it; it is
// false if the stream is cut, or ctx done.
func (s *stream) hold(ctx context.Context) bool {
	for !s.fresh() {
		if s.check(s.ctx, s.recheck) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-s.ctx.Done():
			return false
		case <-time.After(min(s.all.bound/8, 100*time.Millisecond)):
		}
	}
	return true
}

// join adds a subscription, which is judged from now on, if there is room for it.
func (s *stream) join(sub *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room > 0 && len(s.subs) >= s.room {
		return false
	}
	s.subs[sub] = struct{}{}
	return true
}

func (s *stream) part(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subs, sub)
}
