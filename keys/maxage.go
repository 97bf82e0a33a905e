package keys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	countTimeout = 10 * time.Second // for one page
	countAgain   = time.Minute      // after a failure
)

// expiryOf returns when rec's current value expires under [Config.MaxAge]; zero is never. No previous value lives longer.
func (k *core) expiryOf(rec *Record) time.Time {
	if k.maxAge == 0 {
		return rec.ExpiresAt
	}
	last := inMicros(rec.born().Add(k.maxAge))
	if rec.ExpiresAt.IsZero() || last.Before(rec.ExpiresAt) {
		return last
	}
	return rec.ExpiresAt
}

// shown returns rec as it leaves the ring: with the expiry that holds, and without digests.
func (k *core) shown(rec Record) Record {
	rec.ExpiresAt = k.expiryOf(&rec)
	return rec.withoutDigests()
}

// countAged counts, in the background and once for each space, the values that only MaxAge ends, and reports how many
// there are.
func (r *Ring) countAged() {
	if r.maxAge == 0 || r.onError == nil {
		return
	}
	if _, known := r.aged.LoadOrStore(r.space, true); !known {
		r.count(true)
	}
}

// count is one try of countAged. If it fails, it reports that if told to, and another try follows.
func (r *Ring) count(report bool) {
	if r.open() != nil {
		return
	}
	again := func() { time.AfterFunc(countAgain, func() { r.count(false) }) }
	if !r.errands.begin() {
		again()
		return
	}
	go func() {
		defer r.errands.end()
		n, err := r.listAged()
		switch {
		case errors.Is(err, ErrClosed):
		case err != nil:
			if report {
				r.report(fmt.Errorf("keys: the values that MaxAge ends are not counted yet: %w", err))
			}
			again()
		case n > 0:
			r.report(fmt.Errorf("keys: MaxAge (%v) ends %d of the values in space %q, issued too long ago: "+
				"Filter.IssuedUntil lists them, Refresh replaces them", r.maxAge, n, r.space))
		}
	}()
}

// listAged returns how many active values of this space MaxAge ends. It reads the list page by page.
func (r *Ring) listAged() (n int, err error) {
	f := Filter{State: Active, At: now(), Limit: maxPage}
	f.IssuedUntil = f.At.Add(-r.maxAge)
	deadline := NewDeadline(countTimeout, 1)
	for {
		if err := r.open(); err != nil {
			return n, err
		}
		page, err := Ask(r.life, deadline, func(ctx context.Context) ([]Record, error) { return r.store.List(ctx, r.space, f) })
		if err != nil {
			return n, noVerdict(err)
		}
		if n += len(page); len(page) < f.Limit {
			return n, nil
		}
		f.After = page[len(page)-1].ID
	}
}
