package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

const wrongDigest = "it does not have the digest that was looked up"

// find returns the entry of a credential, or nil if there is no such key. at is the time of the hit in the cache, and zero
// if a store was asked.
func (r *Ring) find(ctx context.Context, credential string) (e *entry, at time.Time, err error) {
	first := r.digester[0].digest(credential) // the others cost more hashing and are seldom needed
	switch {
	case r.memory != nil:
		if e, err = r.findInMemory(&first); e != nil || err != nil || len(r.digester) == 1 {
			return e, at, err
		}
	case r.cache != nil:
		if at = time.Now(); r.cache.Valid(at) {
			if e = r.cache.get(r.space, &first); e != nil {
				return e, at, nil
			}
		}
	}
	var room [4]rawDigest // on the stack; more peppers allocate
	e, err = r.findDigest(ctx, r.digester.all(room[:0], first, credential))
	return e, time.Time{}, err
}

// findDigest returns the entry of the first of digests that has one, or nil.
func (r *Ring) findDigest(ctx context.Context, digests []rawDigest) (*entry, error) {
	switch {
	case r.memory != nil:
		for i := range digests {
			if e, err := r.findInMemory(&digests[i]); e != nil || err != nil {
				return e, err
			}
		}
		return nil, nil
	case r.cache == nil:
		given := sealAll(digests) // a copy: a store that hangs may read or change it later
		rec, err := ask.Do(ctx, r.deadline, func(ctx context.Context) (Record, error) { return r.store.Find(ctx, r.space, given) })
		x, err := r.answer(ctx, digests, rec, err)
		return x.found(), err
	}
	if now := time.Now(); r.cache.Valid(now) {
		for i := range digests {
			if e := r.cache.get(r.space, &digests[i]); e != nil {
				return e, nil
			}
		}
		if r.cache.absent.has(r.space, digests, now) {
			return nil, nil
		}
	}
	return r.cache.lookUp(ctx, r.space, digests, r.answer)
}

// findInMemory looks up one digest in the memory store.
func (r *Ring) findInMemory(d *rawDigest) (*entry, error) {
	e := r.memory.found.get(r.space, d)
	if e != nil && !e.by.equal(d) {
		return nil, r.corrupt(e.rec, wrongDigest)
	}
	return e.found(), nil
}

// An answerFunc is [Ring.answer].
type answerFunc func(ctx context.Context, digests []rawDigest, rec Record, err error) (*indexed, error)

// answer makes an entry of the result of Find. It returns nil without an error if there is no such key.
func (r *Ring) answer(ctx context.Context, digests []rawDigest, rec Record, err error) (*indexed, error) {
	if err != nil {
		if errors.Is(err, ErrNotFound) && !errors.Is(err, ErrStore) && ctx.Err() == nil {
			return nil, nil
		}
		return nil, wrapStoreError(err)
	}
	for previous, own := range []rawDigest{rec.Digest.raw(), rec.Previous.raw()} {
		for i := range digests {
			if own.equal(&digests[i]) {
				return newIndexed(&rec, digests[i], previous == 1), nil
			}
		}
	}
	// It may be a row of another query: see CVE-2025-47907 of database/sql.
	return nil, r.corrupt(&rec, wrongDigest)
}

// corruption returns the reason why no ring can have written this record, or "".
func corruption(rec *Record, space string, kind Kind) string {
	switch {
	case rec.ID == "" || rec.Generation == 0:
		return "it has no ID or no generation"
	case rec.Space != space:
		return "it is of another space"
	case rec.Kind == KindUser && (rec.UserID == "" || rec.Role != ""):
		return "a user key needs a user ID and no role"
	case rec.Kind == KindCustom && rec.UserID != "":
		return "a custom key has a user ID"
	case rec.Kind != KindUser && rec.Kind != KindCustom:
		return "its kind is unknown"
	case kind != "" && kind != rec.Kind && !rec.Legacy:
		return "its kind does not match the prefix"
	case rec.Digest.IsZero() || rec.Overlap < 0:
		return "it has no digest, or a negative overlap"
	}
	return ""
}

// corrupt reports a corrupt record, which the operator has to repair, and returns a store error.
func (r *Ring) corrupt(rec *Record, reason string) error {
	err := fmt.Errorf("%w: corrupt record %q: %s", ErrStore, rec.ID, reason)
	r.report(err)
	return err
}

// wrapStoreError returns err, wrapped in ErrStore so that it cannot mean that a key is invalid or does not exist.
func wrapStoreError(err error) error {
	if errors.Is(err, ErrInvalid) || errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %v", ErrStore, err)
	}
	if errors.Is(err, ErrStore) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}
