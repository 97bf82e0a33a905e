package keys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

// errShut is ErrClosed on the request path, where everything that is no verdict on a key wraps ErrStore.
var errShut = fmt.Errorf("%w: %w", ErrStore, ErrClosed)

const notItsOwn = "it was found by a digest that is not its own"

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
		return Verified{}, errShut
	}
	if presented == "" || len(presented) > maxText {
		return Verified{}, ErrMalformed
	}
	kind, shaped := r.format.parse(presented)
	if !shaped && (!r.imported || textProblem(presented) != "") {
		return Verified{}, ErrMalformed
	}
	var e *entry
	var err error
	var at time.Time
	switch {
	case r.memory != nil:
		// One candidate after the other, so that a pepper costs one hash and not two.
		for i := 0; i < len(r.digester) && e == nil && err == nil; i++ {
			d := r.digester[i].digest(presented)
			e, err = r.recall(&d)
		}
	case r.cache != nil:
		if at = time.Now(); r.cache.counts(at) {
			for i := 0; i < len(r.digester) && e == nil; i++ {
				d := r.digester[i].digest(presented)
				e = r.cache.get(r.space, &d)
			}
		}
		if e == nil {
			at = time.Time{}
			var room [2]rawDigest // on the stack
			e, err = r.findCached(ctx, r.digester.all(room[:0], presented))
		}
	default:
		var room [2]rawDigest
		e, err = r.ask(ctx, r.digester.all(room[:0], presented))
	}
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
		return Verified{}, errShut
	}
	if v.e == nil || v.e.rec.Space != r.space {
		return Verified{}, ErrUnknown
	}
	e, err := r.find(ctx, []rawDigest{v.e.digest().raw()})
	if err != nil {
		return Verified{}, err
	}
	if e != nil && (e.rec.ID != v.e.rec.ID || e.rec.Kind != v.e.rec.Kind) {
		return Verified{}, ErrUnknown
	}
	return r.judge(e, "", time.Now())
}

// find returns the entry of the first of digests that has one, or nil.
func (r *Ring) find(ctx context.Context, digests []rawDigest) (*entry, error) {
	switch {
	case r.cache != nil:
		return r.findCached(ctx, digests)
	case r.memory == nil:
		return r.ask(ctx, digests)
	}
	for i := range digests {
		if e, err := r.recall(&digests[i]); e != nil || err != nil {
			return e, err
		}
	}
	return nil, nil
}

// recall asks the memory store for one digest.
func (r *Ring) recall(d *rawDigest) (*entry, error) {
	e := r.memory.lookup(r.space, d)
	if e != nil && !e.by.equal(d) {
		return nil, r.nonsense(e.rec, notItsOwn)
	}
	return e.found(), nil
}

// ask puts one question to a store of the host's. It returns nil without an error if there is no such key.
func (r *Ring) ask(ctx context.Context, digests []rawDigest) (*entry, error) {
	given := sealAll(digests) // theirs; a store that hangs may look at it for long, or change it
	rec, err := ask.Do(ctx, r.deadline, func(ctx context.Context) (Record, error) {
		return r.store.Find(ctx, r.space, given)
	})
	e, err := r.answer(ctx, digests, rec, err)
	return e.found(), err
}

// answer makes of what Find returned an entry, nil without an error if there is no such key, or an error that is no
// verdict.
func (r *Ring) answer(ctx context.Context, digests []rawDigest, rec Record, err error) (*indexed, error) {
	if err != nil {
		if errors.Is(err, ErrNotFound) && !errors.Is(err, ErrStore) && ctx.Err() == nil {
			return nil, nil
		}
		return nil, noVerdict(err)
	}
	for previous, own := range []rawDigest{rec.Digest.raw(), rec.Previous.raw()} {
		for i := range digests {
			if own.equal(&digests[i]) {
				return newIndexed(&rec, digests[i], previous == 1), nil
			}
		}
	}
	// A row of another query, perhaps: see CVE-2025-47907 of database/sql.
	return nil, r.nonsense(&rec, notItsOwn)
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
		return Verified{}, r.nonsense(rec, why)
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

// implausible says why a record that was found cannot be what a ring wrote, or "".
func implausible(rec *Record, space string, kind Kind) string {
	switch {
	case rec.ID == "" || rec.Generation == 0:
		return "it has no ID or no generation"
	case rec.Space != space:
		return "it is of another space"
	case rec.Kind == KindUser && (rec.UserID == "" || rec.Role != ""):
		return "a user key has a user and no role of its own"
	case rec.Kind == KindCustom && rec.UserID != "":
		return "a custom key has no user"
	case rec.Kind != KindUser && rec.Kind != KindCustom:
		return "its kind is not known"
	case kind != "" && kind != rec.Kind && !rec.Legacy:
		return "its kind is not the one of its prefix"
	case rec.Digest.IsZero() || rec.Overlap < 0:
		return "its digest or overlap is nonsense"
	}
	return ""
}

// nonsense reports a row that makes no sense, which may need the host's attention, and answers as for any
// other trouble with the store.
func (r *Ring) nonsense(rec *Record, why string) error {
	err := fmt.Errorf("%w: record %q makes no sense: %s", ErrStore, rec.ID, why)
	r.report(err)
	return err
}

// noVerdict makes sure that no error of a store passes for a verdict on a key.
func noVerdict(err error) error {
	if errors.Is(err, ErrInvalid) || errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %v", ErrStore, err)
	}
	if errors.Is(err, ErrStore) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}
