package keys

import (
	"context"
	"fmt"
)

// Get returns the record with this ID, or an error wrapping [ErrNotFound]. Its LastUsedAt includes uses on this node.
func (r *Ring) Get(ctx context.Context, id string) (Record, error) {
	if err := r.open(); err != nil {
		return Record{}, err
	}
	list, err := r.withLastUsed(func() ([]Record, error) {
		rec, err := r.read(ctx, id)
		return []Record{rec}, err
	})
	if err != nil {
		return Record{}, err
	}
	return list[0], nil
}

// Current returns the record of a verified key as it is stored now. The error wraps [ErrNotFound] if there is no such
// record in this ring's space, and [ErrConflict] if the key was refreshed after the record of v was read.
func (r *Ring) Current(ctx context.Context, v Verified) (Record, error) {
	if err := r.open(); err != nil {
		return Record{}, err
	}
	if v.e == nil {
		return Record{}, ErrNotFound
	}
	rec, err := r.read(ctx, v.ID())
	if err != nil {
		return Record{}, err
	}
	if !rec.Digest.Equal(v.record().Digest) {
		return Record{}, fmt.Errorf("%w: refreshed", ErrConflict)
	}
	return r.forCaller(rec), nil
}

// List returns the records of this space that pass f, in ascending order of ID, which is the order of issue. f.State is the
// state at f.At, without regard to [Config.MaxAge]; a zero At means now. For the next page, set After to the last ID.
// LastUsedAt includes uses on this node.
func (r *Ring) List(ctx context.Context, f Filter) ([]Record, error) {
	if err := r.open(); err != nil {
		return nil, err
	}
	if f.Limit < 0 {
		return nil, fmt.Errorf("%w: a negative limit", ErrRefused)
	}
	if f.At.IsZero() {
		f.At = now()
	}
	return r.withLastUsed(func() ([]Record, error) {
		list, err := r.store.List(ctx, r.space, f)
		if err != nil {
			return nil, storeError(err)
		}
		for i := range list {
			if list[i].Space != r.space {
				return nil, r.corrupt(&list[i], "it is of another space")
			}
		}
		if len(list) > 0 && !r.imported {
			importedKeys.begin(r)
		}
		return list, nil
	})
}

// read returns the record with this ID in this space.
func (r *Ring) read(ctx context.Context, id string) (Record, error) {
	rec, err := r.store.Get(ctx, r.space, id)
	if err != nil {
		return Record{}, storeError(err)
	}
	if rec.ID != id || rec.Space != r.space || rec.Generation == 0 {
		return Record{}, r.corrupt(&rec, "its ID, space or generation is wrong")
	}
	return rec, nil
}

// withLastUsed calls read and returns its records for a caller of the ring, with the uses on this node. It reads once more
// if last-used times were written meanwhile.
func (r *Ring) withLastUsed(read func() ([]Record, error)) ([]Record, error) {
	for again := true; ; again = false {
		flushes := r.uses.flushes.Load()
		list, err := read()
		if err != nil {
			return nil, err
		}
		if r.uses.fill(flushes, list) || !again {
			for i := range list {
				list[i] = r.forCaller(list[i])
			}
			return list, nil
		}
	}
}
