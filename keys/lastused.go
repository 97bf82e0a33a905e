package keys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	maxUses      = 1 << 17          // keys whose use waits for a flush; more are not recorded
	flushTimeout = 10 * time.Second // for one batch
)

// lastUsed collects the times at which keys were used and hands them over in batches. Nothing here can
// delay or fail a request: without anything to do there is no goroutine and no timer.
type lastUsed struct {
	store    LastUsedStore // nil: nothing is recorded
	every    time.Duration
	deadline *Deadline
	report   func(error)
	turn     chan struct{} // holds a token while somebody flushes

	mu      sync.Mutex
	entries map[*entry]struct{}  // shared with requests: their times are read at the flush
	times   map[useKey]time.Time // of other entries, and of a flush that failed
	timer   *time.Timer
	lost    int
	closed  bool
}

type useKey struct{ space, id string }

func (u *lastUsed) init(store LastUsedStore, every time.Duration, report func(error)) {
	u.store, u.every, u.report = store, every, report
	u.deadline = NewDeadline(flushTimeout, 1)
	u.turn = make(chan struct{}, 1)
	u.entries, u.times = map[*entry]struct{}{}, map[useKey]time.Time{}
}

// note notes a use of e. If requests share e, this is one atomic store a second at most, and the lock is
// taken once a flush; a time that went back waits until the clock has caught up.
func (u *lastUsed) note(e *entry, now time.Time) {
	if u.store == nil {
		return
	}
	at := now.UnixMicro()
	if at-e.used.Load() < int64(time.Second/time.Microsecond) {
		return
	}
	e.used.Store(at)
	if e.queued.Load() || !e.queued.CompareAndSwap(false, true) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.closed:
		e.queued.Store(false) // another ring over the same memory store may want it
		return
	case len(u.entries)+len(u.times) >= maxUses:
		u.lost++
		e.queued.Store(false)
	case e.shared:
		u.entries[e] = struct{}{}
	default:
		u.keep(useKey{e.rec.Space, e.rec.ID}, now)
	}
	u.arm()
}

// part takes over the time of an entry that later requests will not get, so that it need not stay in memory until
// the flush.
func (u *lastUsed) part(e *entry) {
	if !e.queued.Load() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, waits := u.entries[e]; waits {
		delete(u.entries, e)
		u.collect(e)
	}
}

// collect takes over the time of an entry that was queued. The lock is held.
func (u *lastUsed) collect(e *entry) {
	e.queued.Store(false) // first: a use after this is queued again
	u.keep(useKey{e.rec.Space, e.rec.ID}, time.UnixMicro(e.used.Load()))
}

// keep keeps the later of two times. The lock is held.
func (u *lastUsed) keep(k useKey, at time.Time) {
	if at = inMicros(at); at.After(u.times[k]) {
		u.times[k] = at
	}
}

// arm makes sure that a flush will come. The lock is held.
func (u *lastUsed) arm() {
	if u.timer == nil && !u.closed {
		u.timer = time.AfterFunc(u.every, u.flushInTime)
	}
}

func (u *lastUsed) flushInTime() {
	select {
	case u.turn <- struct{}{}:
	default: // an earlier flush is still at it, or Close
		u.mu.Lock()
		defer u.mu.Unlock()
		u.timer = nil
		u.arm()
		return
	}
	defer func() { <-u.turn }()
	if err := u.flush(context.Background()); err != nil {
		u.report(fmt.Errorf("keys: last-used times wait for the next try: %w", err))
	}
}

// flush hands over what has been collected, and keeps it if that fails. The caller has the turn.
func (u *lastUsed) flush(ctx context.Context) error {
	batch, lost := u.take()
	if lost > 0 {
		u.report(fmt.Errorf("keys: %d last-used times were dropped: more than %d keys in one interval", lost, maxUses))
	}
	if len(batch) == 0 {
		return nil
	}
	given := slices.Clone(batch) // theirs
	_, err := Ask(ctx, u.deadline, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, u.store.RecordUse(ctx, given)
	})
	if err == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, use := range batch {
		if k := (useKey{use.Space, use.ID}); len(u.times) < maxUses || !u.times[k].IsZero() {
			u.keep(k, use.At)
		}
	}
	u.arm()
	return trouble(err)
}

// take empties the collection into one batch: each key once, with its latest time, in an order that is
// always the same, so that two nodes' batches cannot lock each other's rows.
func (u *lastUsed) take() (batch []Use, lost int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for e := range u.entries {
		u.collect(e)
	}
	batch = make([]Use, 0, len(u.times))
	for k, at := range u.times {
		batch = append(batch, Use{k.space, k.id, at})
	}
	slices.SortFunc(batch, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.ID, b.ID))
	})
	lost = u.lost
	u.entries, u.times, u.lost = map[*entry]struct{}{}, map[useKey]time.Time{}, 0
	if u.timer != nil {
		u.timer.Stop()
		u.timer = nil
	}
	return batch, lost
}

// close flushes what is left and takes nothing more.
func (u *lastUsed) close(ctx context.Context) error {
	if u.store == nil {
		return nil
	}
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	select {
	case u.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: last-used times are still being written: %w", ErrStore, ctx.Err())
	}
	defer func() { <-u.turn }()
	return u.flush(ctx)
}
