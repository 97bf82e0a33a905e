package keys

import (
	"context"
	"fmt"
	"math"
	"time"
)

// errShut is ErrClosed on the request path, where everything that is no verdict on a key wraps ErrStore.
var errClosedVerify = fmt.Errorf("%w: %w", ErrStore, ErrClosed)

// Verify reports whether presented is a valid key of this ring's space. It records no use: call [Verified.Used] once
// the request is let through, as auth.Guard does. Without that, the old value of a key that was refreshed with an
// overlap lives until its cap, and LastUsedAt stays as it is.
//
// An error wrapping [ErrInvalid] refuses the key: [ErrMalformed], [ErrUnknown], or a *[StateError] around [ErrExpired],
// [ErrDisabled] or [ErrInvalidated]. Every other error wraps [ErrStore] and is no verdict: the request cannot be answered
// now. Verify gives its answer within [Config.StoreTimeout], whatever the store does.
//
// A text of more than 256 bytes is malformed. So is one without the shape or checksum of a key, which is neither hashed nor
// looked up; with [Config.ImportedKeys] it is, if Import would take it, and is malformed if it is not an imported key.
// Over a [MemoryStore], or when the ring keeps its record, a good key takes no lock and no memory.
//
// With a [Config.Feed] those who present one key at the same time share one question to the store, so it is asked
// without the values of ctx: what an open transaction of the caller's has written, Verify does not see.
func (r *Ring) Verify(ctx context.Context, presented string) (Verified, error) {
	if r.open() != nil {
		return Verified{}, errClosedVerify
	}
	if presented == "" || len(presented) > maxText {
		return Verified{}, ErrMalformed
	}
	kind, shaped := r.format.parse(presented)
	if !shaped && (!r.imported || textProblem(presented) != "") {
		return Verified{}, ErrMalformed
	}
	e, at, err := r.find(ctx, presented)
	if err != nil {
		return Verified{}, err
	}
	if !shaped && (e == nil || !e.rec.Legacy) { // a key of a prefix that was taken out of the configuration is not legacy
		return Verified{}, ErrMalformed
	}
	if at.IsZero() {
		at = time.Now() // only now: a store takes its time
	}
	return r.judge(e, kind, at)
}

// Recheck verifies a key again that was verified earlier, as a long stream should from time to time. It finds the
// same value of the same record or refuses with the errors of [Ring.Verify]; a Verified of another space, or
// the zero one, is unknown. Like Verify it records no use.
func (r *Ring) Recheck(ctx context.Context, v Verified) (Verified, error) {
	if r.open() != nil {
		return Verified{}, errClosedVerify
	}
	if v.e == nil || v.e.rec.Space != r.space {
		return Verified{}, ErrUnknown
	}
	e, err := r.findDigest(ctx, []rawDigest{v.e.digest().raw()})
	if err != nil {
		return Verified{}, err
	}
	if e != nil && (e.rec.ID != v.e.rec.ID || e.rec.Kind != v.e.rec.Kind) {
		return Verified{}, ErrUnknown
	}
	return r.judge(e, "", time.Now())
}

// judge decides whether the key of e, nil for none, is valid at time now. kind is the one of the key's prefix; "" means
// not known.
func (r *Ring) judge(e *entry, kind Kind, now time.Time) (Verified, error) {
	if e == nil {
		return Verified{}, ErrUnknown
	}
	if now.UnixMicro() < e.until.Load() && (r.maxAge == 0 || now.Before(r.expiryOf(e.rec))) {
		r.expect(e, now)
		return Verified{e}, nil
	}
	rec := e.rec
	if why := implausible(rec, r.space, kind); why != "" {
		if r.cache != nil {
			r.cache.forget(e) // it may be mended without a word to the feed
		}
		return Verified{}, r.corrupt(rec, why)
	}
	if e.previous && !now.Before(rec.PreviousUntil) {
		return Verified{}, ErrUnknown // whatever became of the key: the next change drops this value
	}
	switch rec.State(now) {
	case StateActive:
	case StateInvalidated:
		return Verified{}, &StateError{rec.ID, ErrInvalidated}
	case StateDisabled:
		return Verified{}, &StateError{rec.ID, ErrDisabled}
	default:
		return Verified{}, &StateError{rec.ID, ErrExpired}
	}
	if r.maxAge > 0 && !now.Before(r.expiryOf(rec)) {
		agedValues.begin(r)
		return Verified{}, &StateError{rec.ID, ErrExpired}
	}
	r.expect(e, now)
	if e.unconfirmed() {
		e.due.Store(true) // whether uses are recorded or not, and as often as it takes
	} else if kind != "" || rec.Legacy {
		e.until.Store(goodUntil(e))
	}
	return Verified{e}, nil
}

// goodUntil returns when a good entry has to be judged again. Its record never changes, so until then a
// request need not read it, which would cost it some cache misses. It leaves out MaxAge: rings with different
// ones may share a [MemoryStore], and so the entry.
func goodUntil(e *entry) int64 {
	until := int64(math.MaxInt64)
	if !e.rec.ExpiresAt.IsZero() {
		until = e.rec.ExpiresAt.UnixMicro()
	}
	if e.previous {
		until = min(until, e.rec.PreviousUntil.UnixMicro())
	}
	return until
}
