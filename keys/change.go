package keys

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const maxTries = 16

// change reads a record, calls edit and writes the result. If the record was changed meanwhile, it starts again, at most
// maxTries times. edit reports whether there is anything to write.
func (r *Ring) change(ctx context.Context, id, event string,
	edit func(rec *Record, now time.Time) (bool, error)) (Record, error) {
	for try := 0; ; try++ {
		rec, err := r.read(ctx, id)
		if err != nil {
			return Record{}, err
		}
		at := now()
		write, err := edit(&rec, at)
		if err != nil || !write {
			return r.forCaller(rec), err
		}
		dropExpiredPrevious(&rec, at)
		rec.Generation++
		err = r.store.Update(ctx, rec)
		if err == nil {
			r.notify(&rec, event)
			return r.forCaller(rec), nil
		}
		if !errors.Is(err, ErrConflict) || try == maxTries-1 {
			return Record{}, storeError(err)
		}
		if err := pause(ctx, try); err != nil {
			return Record{}, err
		}
	}
}

// dropExpiredPrevious drops a previous value that has expired, so that its digest does not stay stored.
func dropExpiredPrevious(rec *Record, now time.Time) {
	if !rec.Previous.IsZero() && !now.Before(rec.PreviousUntil) {
		clearPrevious(rec)
	}
}

func clearPrevious(rec *Record) {
	if !rec.Previous.IsZero() { // the current value came from a refresh, so an imported one was the previous
		rec.Legacy, rec.Weak = false, false
	}
	rec.Previous, rec.PreviousUntil, rec.Overlap = Digest{}, time.Time{}, 0
}

// pause waits for a random time that grows with each try, so that concurrent writers can finish.
func pause(ctx context.Context, try int) error {
	if try == 0 {
		return nil
	}
	timer := time.NewTimer(rand.N(time.Duration(try) * time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return storeError(ctx.Err())
	}
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

// withLastUsed calls read and returns its records for a caller of the ring, with the uses on this node. It reads once more
// if last-used times were written meanwhile.
func (r *Ring) withLastUsed(read func() ([]Record, error)) ([]Record, error) {
	for again := true; ; again = false {
		flushes := r.uses.flushed()
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

// Current returns the record of a verified key as it is stored now. The error wraps [ErrNotFound] if there is no such
// record in this ring's space, and [ErrConflict] if the key was refreshed after the record of v was read.
func (r *Ring) Current(ctx context.Context, v Verified) (Record, error) {
	if err := r.open(); err != nil {
		return Record{}, err
	}
	if v.IsZero() {
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

// Disable disables a key until Enable. A second call changes nothing. It returns an error wrapping [ErrInvalidated] for an
// invalidated key, and [ErrConflict] if each try met a concurrent change.
func (r *Ring) Disable(ctx context.Context, id string) error {
	return r.changeState(ctx, id, "disabled", func(rec *Record, now time.Time) (bool, error) {
		if rec.State(now) == StateInvalidated {
			return false, ErrInvalidated
		}
		if !rec.DisabledAt.IsZero() {
			return false, nil
		}
		rec.DisabledAt = now
		return true, nil
	})
}

// Enable enables a disabled key. Its errors are those of Disable.
func (r *Ring) Enable(ctx context.Context, id string) error {
	return r.changeState(ctx, id, "enabled", func(rec *Record, now time.Time) (bool, error) {
		if rec.State(now) == StateInvalidated {
			return false, ErrInvalidated
		}
		if rec.DisabledAt.IsZero() {
			return false, nil
		}
		rec.DisabledAt = time.Time{}
		return true, nil
	})
}

// Invalidate invalidates a key permanently, including its old value. A second call changes nothing and leaves the first
// time.
func (r *Ring) Invalidate(ctx context.Context, id string) error {
	err := r.changeState(ctx, id, "invalidated", func(rec *Record, now time.Time) (bool, error) {
		if rec.State(now) == StateInvalidated {
			return false, nil
		}
		rec.InvalidatedAt = now
		return true, nil
	})
	if errors.Is(err, ErrInvalidated) {
		return nil // by a concurrent call
	}
	return err
}

func (r *Ring) changeState(ctx context.Context, id, event string, edit func(*Record, time.Time) (bool, error)) error {
	if err := r.open(); err != nil {
		return err
	}
	_, err := r.change(ctx, id, event, edit)
	return err
}

// InvalidateUser invalidates all keys of a user permanently, in one step, and returns their number.
func (r *Ring) InvalidateUser(ctx context.Context, userID string) (int, error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	if err := checkText("user ID", userID, 1, maxName); err != nil {
		return 0, err
	}
	ended, err := r.store.InvalidateUser(ctx, r.space, userID, now())
	if err != nil {
		return 0, storeError(err)
	}
	for i := range ended {
		r.notify(&ended[i], "invalidated")
	}
	return len(ended), nil
}

// DropRole removes a role from all keys of all spaces, in one step, and returns their number. Call it when a role is
// deleted: spaces share the roles, and no key must get a new role that is saved later under the same appid.
func (r *Ring) DropRole(ctx context.Context, role string) (int, error) {
	if err := r.open(); err != nil {
		return 0, err
	}
	if err := checkText("role", role, 1, maxRole); err != nil {
		return 0, err
	}
	n, err := r.store.DropRole(ctx, role)
	if err != nil {
		return 0, storeError(err)
	}
	if n > 0 {
		r.notifyAll("role dropped")
	}
	return n, nil
}

// Remove deletes the record of an invalidated key. For any other key it returns an error wrapping [ErrRefused].
func (r *Ring) Remove(ctx context.Context, id string) error {
	if err := r.open(); err != nil {
		return err
	}
	rec, err := r.read(ctx, id)
	if err != nil {
		return err
	}
	err = r.store.Delete(ctx, r.space, id)
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("%w: only the record of an invalidated key can be removed", ErrRefused)
	}
	if err != nil {
		return storeError(err)
	}
	r.notify(&rec, "removed")
	return nil
}
