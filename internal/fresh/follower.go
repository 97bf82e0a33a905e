package fresh

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// An Answer is what a poll returns.
type Answer struct {
	Revision Revision
	Asked    time.Time // when the store was asked for it last; zero: when the poll began
	// Apply puts the answer in the place of what was cached. It runs under the follower's lock, before cached answers
	// may be used under the lease, and not at all if the answer is discarded.
	// recent says to drop what was cached since the poll before began.
	Apply func(l Lease, recent bool)
	// After, if not nil, runs without the lock after Apply, before the callers who wait for the poll hear of it.
	After func()
}

// Options say what a Follower does.
type Options struct {
	Staleness time.Duration // 0 or less: it polls only when a caller asks, and grants no lease
	// Poll asks the store, in bounded time. since is the revision that the last poll reported.
	Poll    func(ctx context.Context, since Revision) (Answer, error)
	Failed  func(err error, first bool) // hears of each poll that failed, and whether the one before did not; may be nil
	Closed  error                       // what callers get who wait when the follower is closed
	Timeout error                       // wrapped by the error of a caller whose context ends while it waits
}

// A Follower keeps what a node has cached of a store no older than a staleness: it polls the store in a goroutine of its
// own. Make it with NewFollower. It is safe for concurrent use.
type Follower struct {
	o      Options
	lease  atomic.Pointer[Lease] // a copy of the state's, read without the lock; nil: it has ended
	wake   chan struct{}         // holds a token while a poll is wanted
	urgent chan struct{}         // holds a token while one is wanted beside that under way

	mu      sync.Mutex
	state   State
	current *round        // under way, or nil
	next    *round        // has not begun
	over    chan struct{} // closed when the goroutine has ended; nil: it was not started

	life context.Context
	end  context.CancelFunc
}

// A round is one poll that callers wait for.
type round struct {
	call    Call
	done    chan struct{} // closed when the rest is set
	applied bool          // the answer was not discarded
	err     error
}

// NewFollower returns a follower that does not poll yet; see Start.
func NewFollower(o Options) *Follower {
	f := &Follower{o: o, state: NewState(o.Staleness), wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1), next: &round{done: make(chan struct{})}}
	f.life, f.end = context.WithCancel(context.Background())
	return f
}

// Life ends when the follower is closed.
func (f *Follower) Life() context.Context { return f.life }

// Valid reports whether cached answers may be used at time now. It takes no lock.
func (f *Follower) Valid(now time.Time) bool {
	l := f.lease.Load()
	return l != nil && l.Holds(At(now))
}

// Start begins to poll. Further calls do nothing.
func (f *Follower) Start() { f.Locked(f.start) }

func (f *Follower) start() {
	if f.over == nil && f.life.Err() == nil {
		f.over = make(chan struct{})
		f.wakeUp()
		go f.run(f.over)
	}
}

// Begin says that a look-up begins, or a conditional write.
func (f *Follower) Begin() Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.Begin(At(time.Now()))
}

// Join reports whether a caller who begins now may wait for look-up c, begun by another caller.
func (f *Follower) Join(c Call) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.Keep(c, At(time.Now()))
}

// Keep calls put, under the follower's lock, with whether the answer to look-up c, which has just come, may be cached. If
// not, an older answer has to be dropped, so that no later caller receives it.
func (f *Follower) Keep(c Call, put func(keep bool)) {
	f.Locked(func() { put(f.life.Err() == nil && f.state.Keep(c, At(time.Now()))) })
}

// Failed says that a call of the store has failed, other than a poll.
func (f *Follower) Failed() { f.Locked(f.state.Failed) }

// Locked calls g under the follower's lock, which guards what Apply and Keep change.
func (f *Follower) Locked(g func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g()
}

// change changes the state, after which a poll is due.
func (f *Follower) change(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	f.publish()
	f.wakeUp()
}

// publish copies the lease to where it is read without the lock, which is held.
func (f *Follower) publish() {
	if l := f.state.lease; l != (Lease{}) && f.life.Err() == nil {
		f.lease.Store(&l)
	} else {
		f.lease.Store(nil)
	}
}

// Invalidate says that the store may have changed: no cached answer is used until a later poll.
func (f *Follower) Invalidate() {
	f.change((*State).Invalidate)
}

// Writing says that a write begins on this node, and the function it returns that the write has ended, whether it
// succeeded or not. Cached answers are not used from its beginning to a poll that begins after its end.
func (f *Follower) Writing() (written func()) {
	f.change((*State).BeginWrite)
	return func() {
		f.change((*State).EndWrite)
	}
}

// Wrote says that a conditional write succeeded that began as c. It calls apply as a poll would, with what was written,
// unless a poll or another write has reported something else meanwhile. A poll follows at once.
func (f *Follower) Wrote(c Call, apply func(Lease)) (applied bool) {
	f.change(func(s *State) {
		if applied = s.Wrote(c); applied {
			apply(s.Lease(c))
		}
	})
	return applied
}

// wakeUp has the store polled at once. If a poll is under way, another one follows it. The lock is held.
func (f *Follower) wakeUp() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Refresh waits until a poll that began after this call was applied or failed, and returns its error.
func (f *Follower) Refresh(ctx context.Context) error { return f.wait(ctx, false) }

// Wait is Refresh for a caller who has seen no sign of a change: a poll that is under way will do, if nothing was
// invalidated since it began. Otherwise the next one begins at once.
func (f *Follower) Wait(ctx context.Context) error { return f.wait(ctx, true) }

// wait waits for a poll, and for those after it while answers are discarded.
func (f *Follower) wait(ctx context.Context, join bool) error {
	for {
		r := f.round(join)
		select {
		case <-r.done:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", f.o.Timeout, ctx.Err())
		case <-f.life.Done():
			return f.o.Closed
		}
		if r.err != nil || r.applied {
			return r.err
		}
	}
}

// round returns the poll to wait for: the one under way, if it will do, or the next one.
func (f *Follower) round(join bool) *round {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start()
	switch r := f.current; {
	case join && r != nil && f.state.Keep(r.call, At(time.Now())):
		return r
	case f.state.writes > 0: // a poll follows the write; until then all answers are discarded
	case join && r != nil: // it may hang, and its answer will be discarded
		select {
		case f.urgent <- struct{}{}:
		default:
		}
	default:
		f.wakeUp()
	}
	return f.next
}

// run polls until the follower is closed. A second poll runs beside the first if a caller needs one at once, or if the
// first takes longer than the time to the next.
func (f *Follower) run(over chan struct{}) {
	defer close(over)
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	type result struct {
		began time.Time
		err   error
	}
	ended := make(chan result)
	running, failing := 0, false
	for {
		wake := f.wake
		if running > 0 {
			wake = nil
		}
		select {
		case <-timer.C:
		case <-wake:
		case <-f.urgent:
		case r := <-ended:
			running--
			if r.err != nil && f.o.Failed != nil && f.life.Err() == nil {
				f.o.Failed(r.err, !failing)
			}
			failing = r.err != nil
			if f.o.Staleness > 0 {
				timer.Reset(max(f.state.NextPoll(failing)-time.Since(r.began), time.Millisecond))
			}
			continue
		case <-f.life.Done():
			for ; running > 0; running-- {
				<-ended
			}
			return
		}
		running++
		go func() {
			began := time.Now()
			ended <- result{began, f.poll()}
		}()
	}
}

// poll polls once.
func (f *Follower) poll() error {
	f.mu.Lock()
	select {
	case <-f.wake: // this poll will do
	default:
	}
	r := f.next
	f.next = &round{done: make(chan struct{})}
	f.current = r
	r.call = f.state.Begin(At(time.Now()))
	f.mu.Unlock()
	defer close(r.done)
	a, err := f.o.Poll(f.life, r.call.Since)
	f.mu.Lock()
	if r.err = err; f.current == r {
		f.current = nil
	}
	if err != nil {
		f.state.Failed()
	} else {
		if !a.Asked.IsZero() {
			r.call.began = At(a.Asked)
		}
		var recent bool
		if r.applied, recent = f.state.Polled(r.call, a.Revision, At(time.Now())); r.applied {
			a.Apply(f.state.Lease(r.call), recent)
			f.publish()
		}
	}
	f.mu.Unlock()
	if r.applied && a.After != nil {
		a.After()
	}
	return err
}

// Close ends polling, and the use of cached answers. It waits until the goroutine has ended or ctx is done; then it
// returns ctx's error.
func (f *Follower) Close(ctx context.Context) error {
	f.mu.Lock()
	f.end()
	f.publish()
	over := f.over
	f.mu.Unlock()
	if over == nil {
		return nil
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
