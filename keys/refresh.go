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

const overlapCap = 7 * 24 * time.Hour

// A Renewal configures a refresh. The zero Renewal ends the old value at once.
type Renewal struct {
	// Overlap keeps the old value valid for this long after the first use of the new one, so that clients can be moved one
	// by one. 0 means no overlap. The old value may be used, but can't manage keys in auth/admin.
	Overlap time.Duration
	// OverlapCap ends the old value this long after the refresh even if the new one is never used. 0 means seven
	// days, or Overlap if that is longer. The old value always ends at its own expiry.
	OverlapCap time.Duration
	// Leaked says that the old value is known to a stranger: it ends at once, and so does an older value with a running
	// overlap. A new overlap is refused.
	Leaked bool
	// ExpiresAt is when the new value expires. Zero leaves the record's. An expired key needs a new expiry.
	ExpiresAt time.Time
}

// Refresh replaces the value of a key in its record. Of several calls for one value exactly one succeeds; the others return
// an error wrapping [ErrConflict]. Refresh returns one wrapping [ErrInvalidated] or [ErrExpired] for a key that can't be
// refreshed, and [ErrRefused] if rn is not valid. A disabled key stays disabled. After a store error the change may or may
// not be stored, and the old value may have ended: call Refresh again.
func (r *Ring) Refresh(ctx context.Context, id string, rn Renewal) (Issued, error) {
	if err := r.open(); err != nil {
		return Issued{}, err
	}
	if err := rn.check(); err != nil {
		return Issued{}, err
	}
	var text string
	var replaced Digest
	rec, err := r.change(ctx, id, "refreshed", func(rec *Record, now time.Time) (bool, error) {
		switch {
		case rec.State(now) == StateInvalidated:
			return false, ErrInvalidated
		case text == "":
			var err error
			if text, err = r.format.generate(rec.Kind, r.random); err != nil {
				return false, err
			}
			replaced = rec.Digest
		case !rec.Digest.Equal(replaced): // a concurrent call replaced the value after the first try
			return false, fmt.Errorf("%w: refreshed", ErrConflict)
		}
		return true, r.renew(rec, rn, text, now)
	})
	if err != nil {
		return Issued{}, err
	}
	return Issued{newKey(text, rec.Hint), rec}, nil
}

func (rn Renewal) check() error {
	switch {
	case rn.Overlap < 0 || rn.OverlapCap < 0:
		return fmt.Errorf("%w: a negative overlap", ErrRefused)
	case rn.Overlap > 0 && rn.Leaked:
		return fmt.Errorf("%w: a leaked value can't have an overlap", ErrRefused)
	case rn.OverlapCap > 0 && rn.OverlapCap < rn.Overlap:
		return fmt.Errorf("%w: the overlap is longer than its cap", ErrRefused)
	case rn.OverlapCap > 0 && rn.Overlap == 0:
		return fmt.Errorf("%w: a cap without an overlap", ErrRefused)
	}
	return nil
}

// renew sets the new value in rec.
func (r *Ring) renew(rec *Record, rn Renewal, text string, now time.Time) error {
	old := *rec
	// Not State: a key that is disabled may have expired as well.
	if expired := !old.ExpiresAt.IsZero() && !now.Before(old.ExpiresAt); expired && rn.ExpiresAt.IsZero() {
		return fmt.Errorf("%w: a new expiry is needed", ErrExpired)
	}
	if !rn.ExpiresAt.IsZero() || old.ExpiresAt.IsZero() {
		var err error
		if rec.ExpiresAt, err = r.expiry(rn.ExpiresAt, now); err != nil {
			return err
		}
	}
	clearPrevious(rec)
	if overlap := rn.Overlap.Truncate(time.Microsecond); overlap > 0 {
		until := now.Add(max(overlap, rn.OverlapCap).Truncate(time.Microsecond))
		if rn.OverlapCap == 0 {
			until = now.Add(max(overlap, overlapCap))
		}
		if end := r.expiryOf(&old); !end.IsZero() && end.Before(until) {
			until = end
		}
		rec.Previous, rec.PreviousUntil, rec.Overlap = old.Digest, until, overlap
	} else {
		rec.Legacy, rec.Weak = false, false
	}
	rec.Digest, rec.Hint = r.digester.current(text), r.format.hint(text)
	rec.RefreshedAt = now
	if now.Equal(old.RefreshedAt) { // callers distinguish values by this time
		rec.RefreshedAt = now.Add(time.Microsecond)
	}
	return nil
}

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
