package keys

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

const (
	maxFirstUses    = 1024             // keys whose first use is being recorded, or could not be; others wait
	firstUseTimeout = 10 * time.Second // for one key
	firstUsePause   = 5 * time.Second  // after a failure
)

// firstUses are the first uses of refreshed keys that are being recorded.
type firstUses struct {
	mu      sync.Mutex
	pending map[Ref]time.Time // zero: being recorded; else the time of the next try
}

// begin reports whether the caller may record this first use; if so, the caller must call end. Only one caller may at a
// time.
func (p *firstUses) begin(k Ref, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.pending[k]; ok && (t.IsZero() || now.Before(t)) {
		return false
	}
	if len(p.pending) >= maxFirstUses {
		maps.DeleteFunc(p.pending, func(_ Ref, t time.Time) bool { return !t.IsZero() && !now.Before(t) })
	}
	if len(p.pending) >= maxFirstUses {
		return false
	}
	if p.pending == nil {
		p.pending = map[Ref]time.Time{}
	}
	p.pending[k] = time.Time{}
	return true
}

func (p *firstUses) end(k Ref, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, k)
	if failed {
		p.pending[k] = time.Now().Add(firstUsePause)
	}
}

// confirmFirstUse records, in the background, that the new value of a refreshed key was used: the old value then ends after
// the overlap. Until this is written it ends at the cap.
func (r *Ring) confirmFirstUse(e *entry, used time.Time) {
	if e.recording.Load() || !e.recording.CompareAndSwap(false, true) {
		return
	}
	k := Ref{e.rec.Space, e.rec.ID}
	if !r.firstUses.begin(k, used) {
		e.recording.Store(false)
		return
	}
	if !r.background.begin() {
		r.firstUses.end(k, false)
		e.recording.Store(false)
		return
	}
	go func() {
		defer r.background.end()
		ctx, cancel := context.WithTimeout(r.life, firstUseTimeout)
		defer cancel()
		_, err := ask.Do(ctx, inline, func(ctx context.Context) (Record, error) { return r.recordFirstUse(ctx, e, inMicros(used)) })
		failed := err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrInvalidated)
		if failed {
			e.recording.Store(false)
			r.report(fmt.Errorf("keys: the first use of record %q is not recorded yet: %w", e.rec.ID, err))
		}
		r.firstUses.end(k, failed)
	}()
}

func (r *Ring) recordFirstUse(ctx context.Context, e *entry, used time.Time) (Record, error) {
	return r.change(ctx, e.rec.ID, "updated", func(rec *Record, _ time.Time) (bool, error) {
		if rec.Overlap <= 0 || !rec.Digest.Equal(e.digest()) {
			return false, nil // another node recorded it, or the key was refreshed again
		}
		if until := used.Add(rec.Overlap); until.Before(rec.PreviousUntil) {
			rec.PreviousUntil = until
		}
		rec.Overlap = 0
		return true, nil
	})
}
