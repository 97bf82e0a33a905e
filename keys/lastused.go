package keys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
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
	deadline *ask.Limit
	report   func(error)
	turn     chan struct{} // holds a token during a flush

	mu      sync.Mutex
	pending map[useKey]pendingUse
	writing []Use  // the batch under way, in order
	flushes uint64 // batches that were written
	timer   *time.Timer
	lost    int
	closed  bool
}

type useKey struct{ space, id string }

// A pendingUse is the latest use of a key that waits for a flush: at, or the time in one of its entries if that is
// later. Requests go on writing the times of entries.
type pendingUse struct {
	at      int64     // Unix microseconds
	entries [2]*entry // of the current value and of the previous one; nil: not waiting
}

func (p *pendingUse) latest() int64 {
	at := p.at
	for _, e := range p.entries {
		if e != nil {
			at = max(at, e.used.Load())
		}
	}
	return at
}

// part takes over the time of the entry at i.
func (p *pendingUse) part(i int) {
	if e := p.entries[i]; e != nil {
		e.queued.Store(false) // first: a use after this is queued again
		p.at = max(p.at, e.used.Load())
		p.entries[i] = nil
	}
}

func (u *lastUsed) init(store LastUsedStore, every time.Duration, report func(error)) {
	u.store, u.every, u.report = store, every, report
	u.deadline = ask.New(ErrStore, flushTimeout, 1)
	u.turn = make(chan struct{}, 1)
	u.pending = map[useKey]pendingUse{}
}

// expect prepares e, verified at time now, for [Verified.Used], which has something to do once a second at most. It
// reads no more than e, which is in the processor's cache already, and seldom writes.
func (k *core) expect(e *entry, now time.Time) {
	if e.ring.Load() != k {
		e.ring.Store(k)
	}
	if k.uses.stale(e, now) && !e.due.Load() {
		e.due.Store(true)
	}
}

// use records a use of e at time now.
func (k *core) use(e *entry, now time.Time) {
	e.due.Store(false)
	k.uses.note(e, now)
	if e.unconfirmed() {
		(&Ring{k, e.space}).confirmFirstUse(e, now)
	}
}

// stale reports whether a use of e at time now would be noted. A time that went back waits until the clock has caught
// up.
func (u *lastUsed) stale(e *entry, now time.Time) bool {
	return u.store != nil && now.UnixMicro()-e.used.Load() >= int64(time.Second/time.Microsecond)
}

// note notes a use of e. If requests share e, this is one atomic store a second at most, and the lock is
// taken once a flush.
func (u *lastUsed) note(e *entry, now time.Time) {
	if !u.stale(e, now) {
		return
	}
	e.used.Store(now.UnixMicro())
	if e.queued.Load() || !e.queued.CompareAndSwap(false, true) {
		return
	}
	k := useKey{e.rec.Space, e.rec.ID}
	u.mu.Lock()
	defer u.mu.Unlock()
	p, known := u.pending[k]
	switch {
	case u.closed:
		e.queued.Store(false) // another ring over the same memory store may want it
		return
	case !known && len(u.pending) >= maxUses:
		u.lost++
		e.queued.Store(false)
	default:
		i := e.place()
		p.part(i)
		p.entries[i] = e
		if !e.shared {
			p.part(i) // it need not stay in memory until the flush
		}
		u.pending[k] = p
	}
	u.arm()
}

// part takes over the time of an entry that later requests will not get, so that it need not stay in memory until
// the flush.
func (u *lastUsed) part(e *entry) {
	if !e.queued.Load() {
		return
	}
	k, i := useKey{e.rec.Space, e.rec.ID}, e.place()
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.pending[k]; p.entries[i] == e {
		p.part(i)
		u.pending[k] = p
	}
}

// fill sets LastUsedAt of each record to the latest use on this node that the store may not have yet. It returns
// false if a batch was written after the number of flushes was since: the records may lack its times.
func (u *lastUsed) fill(since uint64, records []Record) bool {
	if u.store == nil {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range records {
		rec := &records[i]
		k := useKey{rec.Space, rec.ID}
		if p, ok := u.pending[k]; ok {
			rec.usedAt(time.UnixMicro(p.latest()))
		}
		if n, ok := slices.BinarySearchFunc(u.writing, k, Use.compare); ok {
			rec.usedAt(u.writing[n].At)
		}
	}
	return u.flushes == since
}

func (r *Record) usedAt(at time.Time) {
	if at = inMicros(at); at.After(r.LastUsedAt) {
		r.LastUsedAt = at
	}
}

// flushed returns the number of flushes so far.
func (u *lastUsed) flushed() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.flushes
}

// compare orders uses by space and ID.
func (a Use) compare(k useKey) int {
	return cmp.Or(cmp.Compare(a.Space, k.space), cmp.Compare(a.ID, k.id))
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
	_, err := ask.Do(ctx, u.deadline, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, u.store.RecordUse(ctx, given)
	})
	u.mu.Lock()
	defer u.mu.Unlock()
	u.writing = nil
	if err == nil {
		u.flushes++
		return nil
	}
	for _, use := range batch {
		k := useKey{use.Space, use.ID}
		if p, known := u.pending[k]; known || len(u.pending) < maxUses {
			p.at = max(p.at, use.At.UnixMicro())
			u.pending[k] = p
		}
	}
	u.arm()
	return storeError(err)
}

// take empties the collection into one batch: each key once, with its latest time, in an order that is
// always the same, so that two nodes' batches cannot lock each other's rows.
func (u *lastUsed) take() (batch []Use, lost int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch = make([]Use, 0, len(u.pending))
	for k, p := range u.pending {
		p.part(0)
		p.part(1)
		batch = append(batch, Use{k.space, k.id, time.UnixMicro(p.at).UTC()})
	}
	slices.SortFunc(batch, func(a, b Use) int { return a.compare(useKey{b.Space, b.ID}) })
	lost = u.lost
	u.pending, u.writing, u.lost = map[useKey]pendingUse{}, batch, 0
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
