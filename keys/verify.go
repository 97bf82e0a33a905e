package keys

import (
	"context"
	"fmt"
	"math"
	"time"
)

// errClosedVerify is ErrClosed on the request path, where every error but ErrInvalid wraps ErrStore.
var errClosedVerify = fmt.Errorf("%w: %w", ErrStore, ErrClosed)

// Verify returns the record behind credential, or an error if credential is not a valid key of this ring's space. It
// records no use: call [Verified.Used] after the request was authorized, as auth.Guard does. Without that call, LastUsedAt
// does not change, and after a refresh with overlap the old value stays valid until the cap.
//
// An error wrapping [ErrInvalid] refuses the key: [ErrMalformed], [ErrUnknown], [ErrExpired], [ErrDisabled] or
// [ErrInvalidated]; see [RefusedID]. Every other error wraps [ErrStore]: it is not known whether the key is valid. Verify
// returns within [Config.StoreTimeout], even if the store hangs.
//
// A credential of more than 256 bytes is malformed. A credential without the shape or checksum of a key is malformed too,
// and is neither hashed nor looked up. With [Config.ImportedKeys] it is looked up if Import would accept it, and is
// malformed if it is not an imported key. Over a [MemoryStore], or if the record is cached, a valid key costs no lock and
// no allocation.
//
// With a [Config.Feed], concurrent calls with one credential share one call of the store, which is made without the values
// of ctx: Verify does not see the uncommitted writes of the caller's transaction.
func (r *Ring) Verify(ctx context.Context, credential string) (Verified, error) {
	if r.open() != nil {
		return Verified{}, errClosedVerify
	}
	if credential == "" || len(credential) > maxText {
		return Verified{}, ErrMalformed
	}
	kind, shaped := r.format.parse(credential)
	if !shaped && (!r.imported || textProblem(credential) != "") {
		return Verified{}, ErrMalformed
	}
	e, at, err := r.find(ctx, credential)
	if err != nil {
		return Verified{}, err
	}
	if !shaped && (e == nil || !e.rec.Legacy) { // a key with a prefix that was removed from the configuration is not legacy
		return Verified{}, ErrMalformed
	}
	if at.IsZero() {
		at = time.Now() // after the store's answer, which may take long
	}
	return r.validate(e, kind, at)
}

// Recheck verifies again a key that was verified earlier, as a long stream should from time to time. It returns the same
// value of the same record, or an error like those of [Ring.Verify]. A Verified of another space, or the zero Verified, is
// unknown. Like Verify it records no use.
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
	return r.validate(e, "", time.Now())
}

// validate decides whether e, which is nil if there is no such key, is valid at time now. kind is that of the credential's
// prefix, or "" if that is not known.
func (r *Ring) validate(e *entry, kind Kind, now time.Time) (Verified, error) {
	if e == nil {
		return Verified{}, ErrUnknown
	}
	if now.UnixMicro() < e.until.Load() && (r.maxAge == 0 || now.Before(r.expiryOf(e.rec))) {
		r.prepareUse(e, now)
		return Verified{e}, nil
	}
	rec := e.rec
	if reason := corruption(rec, r.space, kind); reason != "" {
		if r.cache != nil {
			r.cache.drop(e) // the operator may repair it without a revision in the feed
		}
		return Verified{}, r.corrupt(rec, reason)
	}
	if e.previous && !now.Before(rec.PreviousUntil) {
		return Verified{}, ErrUnknown // in every state of the key: the next change drops this value
	}
	switch rec.State(now) {
	case StateActive:
	case StateInvalidated:
		return Verified{}, &stateError{rec.ID, ErrInvalidated}
	case StateDisabled:
		return Verified{}, &stateError{rec.ID, ErrDisabled}
	default:
		return Verified{}, &stateError{rec.ID, ErrExpired}
	}
	if r.maxAge > 0 && !now.Before(r.expiryOf(rec)) {
		agedValues.begin(r)
		return Verified{}, &stateError{rec.ID, ErrExpired}
	}
	r.prepareUse(e, now)
	if e.unconfirmed() {
		e.due.Store(true) // even if uses are not recorded, and until the first use is confirmed
	} else if kind != "" || rec.Legacy {
		e.until.Store(validUntil(e))
	}
	return Verified{e}, nil
}

// validUntil returns the time, in Unix microseconds, until which a valid entry stays valid. Its record never changes, so
// until then a request need not read it, which saves some cache misses. MaxAge is not included: rings with different ones
// may share a [MemoryStore], and so the entry.
func validUntil(e *entry) int64 {
	until := int64(math.MaxInt64)
	if !e.rec.ExpiresAt.IsZero() {
		until = e.rec.ExpiresAt.UnixMicro()
	}
	if e.previous {
		until = min(until, e.rec.PreviousUntil.UnixMicro())
	}
	return until
}
