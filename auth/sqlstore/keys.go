package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// Keys is the part of a [Store] that keeps keys. Its methods use the transaction that their context carries; see
// [Store.InTx].
type Keys struct{ s *Store }

// Keys returns the store of keys.
func (s *Store) Keys() *Keys { return &Keys{s} }

var (
	_ keys.Store         = (*Keys)(nil)
	_ keys.LastUsedStore = (*Keys)(nil)
	_ keys.Feed          = (*Keys)(nil)
)

// Find implements [keys.Store]. It is one query for up to three digests.
func (k *Keys) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if err := ctx.Err(); err != nil {
		return keys.Record{}, err
	}
	if unstorable(space) {
		return keys.Record{}, keys.ErrNotFound
	}
	for some := range slices.Chunk(digests, len(k.s.find)) {
		args := make([]any, 1, 4)
		args[0] = space
		for i := range some {
			if algorithm, sum := some[i].Reveal(); !some[i].IsZero() && !unstorable(algorithm) {
				args = append(args, digestText(algorithm, sum))
			}
		}
		if len(args) == 1 {
			continue
		}
		switch r, err := k.record(ctx, &k.s.find[len(args)-2], args...); {
		case errors.Is(err, keys.ErrNotFound):
		case err != nil:
			return keys.Record{}, storeError(ctx, "find a key", err)
		case r.Space != space || !hasDigest(&r, some):
			return keys.Record{}, fmt.Errorf("%w: key %.64q was not requested", errCorrupt, r.ID)
		default:
			return r, nil
		}
	}
	return keys.Record{}, keys.ErrNotFound
}

// hasDigest reports whether r has one of digests.
func hasDigest(r *keys.Record, digests []keys.Digest) bool {
	return slices.ContainsFunc(digests, func(d keys.Digest) bool {
		return !d.IsZero() && (d.Equal(r.Digest) || d.Equal(r.Previous))
	})
}

// Get implements [keys.Store].
func (k *Keys) Get(ctx context.Context, space, id string) (keys.Record, error) {
	if err := ctx.Err(); err != nil {
		return keys.Record{}, err
	}
	if unstorable(space, id) {
		return keys.Record{}, keys.ErrNotFound
	}
	r, err := k.record(ctx, &k.s.get, space, id)
	switch {
	case errors.Is(err, keys.ErrNotFound):
		return keys.Record{}, keys.ErrNotFound
	case err != nil:
		return keys.Record{}, storeError(ctx, "get a key", err)
	case r.Space != space || r.ID != id:
		return keys.Record{}, fmt.Errorf("%w: key %.64q was not requested", errCorrupt, r.ID)
	}
	return r, nil
}

// record reads the only record that st returns.
func (k *Keys) record(ctx context.Context, st *statement, args ...any) (keys.Record, error) {
	var w row
	found, err := k.s.one(ctx, st, args, destinations(w[:])...)
	if err != nil {
		return keys.Record{}, err
	}
	if !found {
		return keys.Record{}, keys.ErrNotFound
	}
	return w.decode()
}

// records reads the records that st returns.
func (k *Keys) records(ctx context.Context, st *statement, args ...any) ([]keys.Record, error) {
	var w row
	return all(ctx, k.s, st, args, w[:], w.decode)
}

// List implements [keys.Store].
func (k *Keys) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if unstorable(space, f.After, string(f.Kind), f.UserID, f.Role, f.ForeignID, string(f.State)) {
		return nil, nil
	}
	st := &k.s.list
	switch {
	case f.ForeignID != "":
		st = &k.s.listForeign
	case f.UserID != "":
		st = &k.s.listUser
	case f.Role != "":
		st = &k.s.listRole
	case !f.IssuedUntil.IsZero():
		st = &k.s.listIssued
	}
	limit := min(f.Limit, 1000)
	if limit <= 0 {
		limit = 100
	}
	read, err := k.records(ctx, st, space, f.After, limit, string(f.Kind), f.UserID, f.Role, f.ForeignID,
		flag(f.Legacy), string(f.State), f.At.UnixMicro(), micros(f.IssuedUntil))
	return read, storeError(ctx, "list keys", err)
}

// Insert implements [keys.Store].
func (k *Keys) Insert(ctx context.Context, r keys.Record) error {
	w, err := encode(&r)
	if err != nil {
		return err
	}
	n, err := k.s.exec(ctx, &k.s.insert, w[:]...)
	switch {
	case unique(err) || err == nil && n == 0:
		return fmt.Errorf("%w: its ID, its digest, its foreign ID or a key of its user", keys.ErrExists)
	case err != nil:
		err = storeError(ctx, "insert a key", err)
	}
	k.s.changed(ctx)
	return err
}

// Update implements [keys.Store]. It is one statement for a key whose role and foreign ID stay, else two; only if
// these change nothing does another one find the reason.
func (k *Keys) Update(ctx context.Context, r keys.Record) error {
	w, err := encode(&r)
	if err != nil {
		return k.whyUnchanged(ctx, &r, err)
	}
	n := int64(0)
	if k.s.tx(ctx) == nil {
		n, err = k.s.exec(ctx, &k.s.update, w[:updatedColumns]...)
	}
	if err == nil && n == 0 {
		n, err = k.s.exec(ctx, &k.s.updateAll, w[:updatedColumns]...)
	}
	switch {
	case unique(err):
		return errTaken
	case err == nil && n == 0:
		return k.whyUnchanged(ctx, &r, errTaken)
	case err != nil:
		err = storeError(ctx, "update a key", err)
	}
	k.s.changed(ctx)
	return err
}

var errTaken = fmt.Errorf("%w: the digest or the foreign ID", keys.ErrExists)

// whyUnchanged returns the reason why an update with r, or a Delete, changed nothing: a missing, an invalidated or another
// record than the one before r. If the record could have been changed, it returns fallback.
func (k *Keys) whyUnchanged(ctx context.Context, r *keys.Record, fallback error) error {
	if unstorable(r.Space, r.ID) {
		return keys.ErrNotFound
	}
	var generation int64
	var invalidated any
	found, err := k.s.one(ctx, &k.s.look, []any{r.Space, r.ID}, &generation, &invalidated)
	switch {
	case err != nil:
		return storeError(ctx, "look for a key", err)
	case !found:
		return keys.ErrNotFound
	case invalidated != nil:
		return keys.ErrInvalidated
	case uint64(generation) != r.Generation-1:
		return keys.ErrConflict
	}
	return fallback
}

// InvalidateUser implements [keys.Store].
func (k *Keys) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]keys.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if unstorable(space, userID) || userID == "" {
		return nil, nil
	}
	if at.IsZero() {
		return nil, errors.New("sqlstore: the time of invalidation is zero")
	}
	ended, err := k.invalidate(ctx, space, userID, at)
	if err != nil || len(ended) > 0 {
		k.s.changed(ctx)
	}
	return ended, storeError(ctx, "invalidate the keys of a user", err)
}

func (k *Keys) invalidate(ctx context.Context, space, userID string, at time.Time) ([]keys.Record, error) {
	if err := k.s.enter(ctx); err != nil {
		return nil, err
	}
	defer k.s.leave(ctx)
	return k.records(ctx, &k.s.invalidateUser, space, userID, micros(at))
}

// DropRole implements [keys.Store]. It is one statement.
func (k *Keys) DropRole(ctx context.Context, role string) (int, error) {
	if err := ctx.Err(); err != nil || role == "" || unstorable(role) {
		return 0, err
	}
	n, err := k.s.exec(ctx, &k.s.dropRole, role)
	if err != nil || n > 0 {
		k.s.changed(ctx)
	}
	return int(n), storeError(ctx, "take a role from its keys", err)
}

// Delete implements [keys.Store].
func (k *Keys) Delete(ctx context.Context, space, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if unstorable(space, id) {
		return keys.ErrNotFound
	}
	n, err := k.s.exec(ctx, &k.s.erase, space, id)
	if err == nil && n == 0 {
		err = k.whyUnchanged(ctx, &keys.Record{ID: id, Space: space}, keys.ErrConflict)
		if errors.Is(err, keys.ErrInvalidated) {
			return keys.ErrConflict // it was not invalidated when Delete ran
		}
		return err
	}
	k.s.changed(ctx)
	return storeError(ctx, "delete a key", err)
}

// RecordUse implements [keys.LastUsedStore]: one statement for the whole batch, which does not move the revision.
func (k *Keys) RecordUse(ctx context.Context, uses []keys.Use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// A statement that names one row twice stores either time, so each key is named once.
	latest := make(map[keys.Ref]int64, len(uses))
	for _, u := range uses {
		ref := keys.Ref{Space: u.Space, ID: u.ID}
		if u.At.IsZero() || unstorable(u.Space, u.ID) {
			continue
		}
		if at, seen := latest[ref]; !seen || at < u.At.UnixMicro() {
			latest[ref] = u.At.UnixMicro()
		}
	}
	if len(latest) == 0 {
		return nil
	}
	type use struct {
		ID    string `json:"id"`
		Space string `json:"space"`
		At    int64  `json:"at"`
	}
	batch := make([]use, 0, len(latest))
	for ref, at := range latest {
		batch = append(batch, use{ref.ID, ref.Space, at})
	}
	text, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	_, err = k.s.exec(ctx, &k.s.use, string(text))
	return storeError(ctx, "record when keys were used", err)
}
