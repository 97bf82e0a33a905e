package keys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

const (
	maxUses      = 1 << 17          // keys with a use that is not flushed yet; more are not recorded
	flushTimeout = 10 * time.Second // for one batch
)

// lastUsed collects the times at which keys were used and writes them in batches. It neither delays nor fails a request.
// Without pending uses it has no goroutine and no timer.
type lastUsed struct {
	store    LastUsedStore // nil: nothing is recorded
	every    time.Duration
	deadline *ask.Limit
	report   func(error)
	turn     chan struct{} // holds a token during a flush

	mu      sync.Mutex
	pending map[Ref]pendingUse
	writing []Use         // the batch that is being written, in order
	flushes atomic.Uint64 // number of batches that were written; read without the lock
	timer   *time.Timer
	lost    int
	closed  bool
}

// A pendingUse is the latest use of a key that is not flushed yet: at, or the time in one of its entries if that is later.
// Requests write the times of entries meanwhile.
type pendingUse struct {
	at      int64     // Unix microseconds
	entries [2]*entry // of the current value and of the previous one; nil: no pending use
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

// release copies the time of entry i and drops the entry.
func (p *pendingUse) release(i int) {
	if e := p.entries[i]; e != nil {
		e.queued.Store(false) // before reading the time: a later use is queued again
		p.at = max(p.at, e.used.Load())
		p.entries[i] = nil
	}
}

func (u *lastUsed) init(store LastUsedStore, every time.Duration, report func(error)) {
	u.store, u.every, u.report = store, every, report
	u.deadline = ask.New(ErrStore, flushTimeout, 1)
	u.turn = make(chan struct{}, 1)
	u.pending = map[Ref]pendingUse{}
}

// prepareUse prepares e, verified at time now, for [Verified.Used], which records at most one use a second. It reads only
// e, which is in the processor's cache already, and seldom writes.
func (k *core) prepareUse(e *entry, now time.Time) {
	if e.ring.Load() != k {
		e.ring.Store(k)
	}
	if k.uses.stale(e, now) && !e.due.Load() {
		e.due.Store(true)
	}
}

// recordUse records a use of e at time now.
func (k *core) recordUse(e *entry, now time.Time) {
	e.due.Store(false)
	k.uses.add(e, now)
	if e.unconfirmed() {
		(&Ring{k, e.space}).confirmFirstUse(e, now)
	}
}

// stale reports whether a use of e at time now must be recorded: the last one was a second ago or more. After the clock was
// set back, no use is recorded until it has caught up.
func (u *lastUsed) stale(e *entry, now time.Time) bool {
	return u.store != nil && now.UnixMicro()-e.used.Load() >= int64(time.Second/time.Microsecond)
}

// add adds a use of e at time now. If requests share e, this is at most one atomic store a second, and one lock between two
// flushes.
func (u *lastUsed) add(e *entry, now time.Time) {
	if !u.stale(e, now) {
		return
	}
	e.used.Store(now.UnixMicro())
	if e.queued.Load() || !e.queued.CompareAndSwap(false, true) {
		return
	}
	k := Ref{e.rec.Space, e.rec.ID}
	u.mu.Lock()
	defer u.mu.Unlock()
	p, known := u.pending[k]
	switch {
	case u.closed:
		e.queued.Store(false) // another ring over the same memory store may record it
		return
	case !known && len(u.pending) >= maxUses:
		u.lost++
		e.queued.Store(false)
	default:
		i := e.slot()
		p.release(i)
		p.entries[i] = e
		if !e.shared {
			p.release(i) // the entry need not stay in memory until the flush
		}
		u.pending[k] = p
	}
	u.arm()
}

// release copies the time of an entry that later requests will not find, so that the entry need not stay in memory until
// the flush.
func (u *lastUsed) release(e *entry) {
	if !e.queued.Load() {
		return
	}
	k, i := Ref{e.rec.Space, e.rec.ID}, e.slot()
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.pending[k]; p.entries[i] == e {
		p.release(i)
		u.pending[k] = p
	}
}

// fill sets LastUsedAt of each record to the latest use on this node, if the store may not have it yet. It returns false if
// a batch was written since the number of flushes was since: the records may lack its times.
func (u *lastUsed) fill(since uint64, records []Record) bool {
	if u.store == nil {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range records {
		rec := &records[i]
		k := Ref{rec.Space, rec.ID}
		if p, ok := u.pending[k]; ok {
			rec.usedAt(time.UnixMicro(p.latest()))
		}
		if n, ok := slices.BinarySearchFunc(u.writing, k, Use.compare); ok {
			rec.usedAt(u.writing[n].At)
		}
	}
	return u.flushes.Load() == since
}

func (r *Record) usedAt(at time.Time) {
	if at = inMicros(at); at.After(r.LastUsedAt) {
		r.LastUsedAt = at
	}
}

// compare orders uses by space and ID.
func (a Use) compare(k Ref) int {
	return cmp.Or(cmp.Compare(a.Space, k.Space), cmp.Compare(a.ID, k.ID))
}

// arm starts the timer of the next flush, if none is running. The lock is held.
func (u *lastUsed) arm() {
	if u.timer == nil && !u.closed {
		u.timer = time.AfterFunc(u.every, u.flushOnTimer)
	}
}

func (u *lastUsed) flushOnTimer() {
	select {
	case u.turn <- struct{}{}:
	default: // another flush is running, or Close
		u.mu.Lock()
		defer u.mu.Unlock()
		u.timer = nil
		u.arm()
		return
	}
	defer func() { <-u.turn }()
	if err := u.flush(context.Background()); err != nil {
		u.report(fmt.Errorf("keys: last-used times could not be written and will be tried again: %w", err))
	}
}

// flush writes the pending uses. If that fails they stay pending. The caller holds turn.
func (u *lastUsed) flush(ctx context.Context) error {
	batch, lost := u.drain()
	if lost > 0 {
		u.report(fmt.Errorf("keys: %d last-used times were dropped: more than %d keys in one interval", lost, maxUses))
	}
	if len(batch) == 0 {
		return nil
	}
	given := slices.Clone(batch) // a copy: the store may change it
	_, err := ask.Do(ctx, u.deadline, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, u.store.RecordUse(ctx, given)
	})
	u.mu.Lock()
	defer u.mu.Unlock()
	u.writing = nil
	if err == nil {
		u.flushes.Add(1)
		return nil
	}
	for _, use := range batch {
		k := Ref{use.Space, use.ID}
		if p, known := u.pending[k]; known || len(u.pending) < maxUses {
			p.at = max(p.at, use.At.UnixMicro())
			u.pending[k] = p
		}
	}
	u.arm()
	return storeError(err)
}

// drain removes the pending uses and returns them as one batch: each key once, with its latest time, ordered by space and
// ID so that the batches of two nodes can't deadlock on rows.
func (u *lastUsed) drain() (batch []Use, lost int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch = make([]Use, 0, len(u.pending))
	for k, p := range u.pending {
		p.release(0)
		p.release(1)
		batch = append(batch, Use{k.Space, k.ID, time.UnixMicro(p.at).UTC()})
	}
	slices.SortFunc(batch, func(a, b Use) int { return a.compare(Ref{b.Space, b.ID}) })
	lost = u.lost
	u.pending, u.writing, u.lost = map[Ref]pendingUse{}, batch, 0
	if u.timer != nil {
		u.timer.Stop()
		u.timer = nil
	}
	return batch, lost
}

// close flushes the pending uses and accepts no more.
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
