package graphqlauth

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
)

// WithRecheck sets how long a stream (a websocket, a subscription over SSE) is served after its caller was last
// confirmed. It is the longest time until a change on another node acts, even on a silent stream, and until a store
// error ends the stream. Changes on this node that [auth.Guard.Watch] reports act at once: keys always, others as
// auth.Config.RoleChanges and Changes say. Each caller is checked twice in that time. Zero or less is five seconds;
// less than ten milliseconds is ten.
func WithRecheck(d time.Duration) Option {
	return func(c *config) { c.recheck = d }
}

const (
	defaultRecheck = 5 * time.Second
	// checkers is how many callers are checked at once, so that a change does not flood the store.
	checkers = 16
	// pause is the longest delay of a check. It joins many changes into one round of checks.
	pause = 50 * time.Millisecond
)

// A rechecker keeps all streams of an extension. It has one goroutine that checks them, while there are any.
type rechecker struct {
	guard *auth.Guard
	bound time.Duration
	wake  chan struct{}

	changes atomic.Uint64 // number of changes reported on this node

	mu         sync.Mutex
	live       map[*stream]struct{}
	running    bool
	nextCheck  time.Time       // when the goroutine runs next without a signal
	all        bool            // a change may concern every caller
	changedIDs map[string]bool // IDs of keys and users in other changes
}

func (r *rechecker) init(guard *auth.Guard, bound time.Duration) {
	if bound <= 0 {
		bound = defaultRecheck
	}
	r.guard, r.bound = guard, max(bound, 10*time.Millisecond)
	r.wake = make(chan struct{}, 1)
	r.live, r.changedIDs = map[*stream]struct{}{}, map[string]bool{}
}

// add begins a stream, which is removed when ctx is done. Changes are noted for it from here on, but the first check
// is left to the caller of add.
func (r *rechecker) add(ctx context.Context, p auth.Principal, onEnd func(*auth.Refusal)) *stream {
	s := &stream{owner: r, ctx: ctx, onEnd: onEnd, principal: p, subs: map[*subscription]struct{}{}}
	r.mu.Lock()
	r.live[s] = struct{}{}
	if !r.running {
		r.running = true
		go r.run(r.guard.Watch(r.changed))
	}
	r.mu.Unlock()
	context.AfterFunc(ctx, s.leave)
	return s
}

func (r *rechecker) remove(s *stream) {
	r.mu.Lock()
	delete(r.live, s)
	last := len(r.live) == 0
	r.mu.Unlock()
	if last {
		r.signal()
	}
}

// changed notes a change. It must be quick, because the goroutine that made the change waits.
func (r *rechecker) changed(c auth.Change) {
	r.changes.Add(1)
	r.mu.Lock()
	switch {
	case c == auth.Change{}:
		r.all = true
	case !r.all:
		r.changedIDs[c.KeyID], r.changedIDs[c.UserID] = true, true
		r.all = len(r.changedIDs) > 1024
	}
	r.mu.Unlock()
	r.signal()
}

func (r *rechecker) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// checkBy makes the goroutine run at this time or before.
func (r *rechecker) checkBy(at time.Time) {
	r.mu.Lock()
	sooner := at.Before(r.nextCheck)
	r.mu.Unlock()
	if sooner {
		r.signal()
	}
}

// run checks streams that are due, until the last one ends.
func (r *rechecker) run(stop func()) {
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.wake:
		case <-timer.C:
		}
		began := time.Now()
		due, next, none := r.due(began)
		if none {
			return
		}
		r.check(due)
		if len(due) > 0 {
			time.Sleep(min(pause, r.bound/100+time.Since(began)))
		}
		timer.Reset(time.Until(next))
	}
}

// due returns the streams to check now, the least recently confirmed first, and the time to look again. none reports that
// no stream is left; the goroutine then ends.
func (r *rechecker) due(now time.Time) (due []*stream, next time.Time, none bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.live) == 0 {
		r.running, r.all = false, false
		clear(r.changedIDs)
		return nil, next, true
	}
	next = now.Add(r.bound / 2)
	confirmed := map[*stream]time.Time{}
	for s := range r.live {
		s.mu.Lock()
		concerned := r.all || len(r.changedIDs) > 0 && (r.concerns(s.principal.KeyID()) || r.concerns(s.principal.UserID()))
		switch {
		case s.confirmed.IsZero(): // its first check has not run
		case concerned || !s.due.After(now):
			due = append(due, s)
			confirmed[s] = s.confirmed
			s.due = now.Add(r.bound / 2)
		case s.due.Before(next):
			next = s.due
		}
		s.mu.Unlock()
	}
	slices.SortFunc(due, func(x, y *stream) int { return confirmed[x].Compare(confirmed[y]) })
	r.all, r.nextCheck = false, next
	clear(r.changedIDs)
	return due, next, false
}

func (r *rechecker) concerns(id string) bool { return id != "" && r.changedIDs[id] }

// check checks these streams, a few at a time. A hanging store delays it by not much more than the bound; the streams that
// it could not check are stale by then.
func (r *rechecker) check(due []*stream) {
	deadline := time.Now().Add(max(r.bound/2, time.Second))
	places := make(chan struct{}, checkers)
	var wg sync.WaitGroup
	for _, s := range due {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithDeadline(s.ctx, deadline)
			defer cancel()
			s.check(ctx, s.recheck)
		})
	}
	wg.Wait()
}
