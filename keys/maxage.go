package keys

import (
	"fmt"
	"time"
)

// expiryOf returns when the current value of rec expires under [Config.MaxAge]; zero means never. A previous value never
// outlives the current one.
func (k *core) expiryOf(rec *Record) time.Time {
	if k.maxAge == 0 {
		return rec.ExpiresAt
	}
	last := inMicros(rec.issuedAt().Add(k.maxAge))
	if rec.ExpiresAt.IsZero() || last.Before(rec.ExpiresAt) {
		return last
	}
	return rec.ExpiresAt
}

// forCaller returns rec for a caller of the ring: with the expiry under MaxAge, and without digests.
func (k *core) forCaller(rec Record) Record {
	rec.ExpiresAt = k.expiryOf(&rec)
	return rec.withoutDigests()
}

// agedValues is the survey that counts the active values that only MaxAge ends. It reads the list page by page.
var agedValues = survey{"the values that MaxAge ends are not counted yet", func(r *Ring) (string, error) {
	f := Filter{State: StateActive, At: now(), Limit: maxPage}
	f.IssuedUntil = f.At.Add(-r.maxAge)
	for n := 0; ; {
		page, err := r.page(f)
		if err != nil {
			return "", err
		}
		if n += len(page); len(page) == f.Limit {
			f.After = page[len(page)-1].ID
			continue
		}
		if n == 0 {
			return "", nil
		}
		return fmt.Sprintf("MaxAge (%v) ends %d of the values in space %q, issued too long ago: "+
			"Filter.IssuedUntil lists them, Refresh replaces them", r.maxAge, n, r.space), nil
	}
}}
