package graphqlauth

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
)

// WithRecheck sets how long what lives on (a websocket, a subscription over SSE) may be served on the strength of one
// confirmation that its caller is still good and still may: the longest time after which a change made on another node
// acts on it, even if it is silent, and after which a store in trouble ends it. Changes on this node that
// [auth.Guard.Watch] reports act at once: keys always, the rest as auth.Config.RoleChanges and Changes say. Each caller is
// asked for twice in that time. Zero or less is five seconds; less than ten milliseconds is ten.
func WithRecheck(d time.Duration) Option {
	return func(c *config) { c.recheck = d }
}

const (
	defaultRecheck = 5 * time.Second
	// checkers is how many callers are asked for at once, so that a change does not flood the store.
	checkers = 16
	// pause is the longest that checks are put off, so that many changes become one round of checks.
	pause = 50 * time.Millisecond
)

// streams knows all that lives on, and has one goroutine that checks it while there is any.
type streams struct {
	guard *auth.Guard
	bound time.Duration
	wake  chan struct{}

	changes atomic.Uint64 // made on this node, as far as they were heard of

	mu      sync.Mutex
	live    map[*stream]struct{}
	running bool
	planned time.Time       // when the goroutine looks again by itself
	anybody bool            // a change that may concern anybody
	heard   map[string]bool // IDs of keys and users of other changes
}

func (a *streams) init(guard *auth.Guard, bound time.Duration) {
	if bound <= 0 {
		bound = defaultRecheck
	}
	a.guard, a.bound = guard, max(bound, 10*time.Millisecond)
	a.wake = make(chan struct{}, 1)
	a.live, a.heard = map[*stream]struct{}{}, map[string]bool{}
}

// add begins a stream. From now on it hears of changes, but is not checked before somebody calls check. It
// leaves by itself when ctx is done.
func (a *streams) add(ctx context.Context, p auth.Principal, cut func(*auth.Refusal)) *stream {
	s := &stream{all: a, ctx: ctx, cut: cut, principal: p, subs: map[*subscription]struct{}{}}
	a.mu.Lock()
	a.live[s] = struct{}{}
	if !a.running {
		a.running = true
		go a.run(a.guard.Watch(a.changed))
	}
	a.mu.Unlock()
	context.AfterFunc(ctx, s.leave)
	return s
}

func (a *streams) remove(s *stream) {
	a.mu.Lock()
	delete(a.live, s)
	last := len(a.live) == 0
	a.mu.Unlock()
	if last {
		a.signal()
	}
}

// changed hears of a change. Whoever made it waits, so it only takes note.
func (a *streams) changed(c auth.Change) {
	a.changes.Add(1)
	a.mu.Lock()
	switch {
	case c == auth.Change{}:
		a.anybody = true
	case !a.anybody:
		a.heard[c.KeyID], a.heard[c.UserID] = true, true
		a.anybody = len(a.heard) > 1024
	}
	a.mu.Unlock()
	a.signal()
}

func (a *streams) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// awake makes sure that the goroutine looks at this time, or before.
func (a *streams) awake(at time.Time) {
	a.mu.Lock()
	sooner := at.Before(a.planned)
	a.mu.Unlock()
	if sooner {
		a.signal()
	}
}

// run checks who is due, and ends with the last stream.
func (a *streams) run(stop func()) {
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-a.wake:
		case <-timer.C:
		}
		began := time.Now()
		due, next, none := a.due(began)
		if none {
			return
		}
		a.check(due)
		if len(due) > 0 {
			time.Sleep(min(pause, a.bound/100+time.Since(began)))
		}
		timer.Reset(time.Until(next))
	}
}

// due returns who is to be checked now, and when to look again. none is true if nobody is left; then the
// goroutine is over.
func (a *streams) due(now time.Time) (due []*stream, next time.Time, none bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.live) == 0 {
		a.running, a.anybody = false, false
		clear(a.heard)
		return nil, next, true
	}
	next = now.Add(a.bound / 2)
	for s := range a.live {
		s.mu.Lock()
		concerned := a.anybody || len(a.heard) > 0 && (a.named(s.principal.KeyID()) || a.named(s.principal.UserID()))
		switch {
		case s.confirmed.IsZero(): // whoever began it checks it
		case concerned || !s.next.After(now):
			due = append(due, s)
			s.next = now.Add(a.bound / 2)
		case s.next.Before(next):
			next = s.next
		}
		s.mu.Unlock()
	}
	a.anybody, a.planned = false, next
	clear(a.heard)
	return due, next, false
}

func (a *streams) named(id string) bool { return id != "" && a.heard[id] }

// check asks for the callers of these streams, a few at a time, those first who were confirmed longest ago. A
// store that hangs does not keep it for much longer than the bound: what could not be asked for is stale then.
func (a *streams) check(due []*stream) {
	if len(due) == 0 {
		return
	}
	age := make(map[*stream]time.Time, len(due))
	for _, s := range due {
		s.mu.Lock()
		age[s] = s.confirmed
		s.mu.Unlock()
	}
	slices.SortFunc(due, func(x, y *stream) int { return age[x].Compare(age[y]) })
	deadline := time.Now().Add(max(a.bound/2, time.Second))
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
