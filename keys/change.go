package keys

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
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
		if !rec.Previous.IsZero() && !at.Before(rec.PreviousUntil) {
			clearPrevious(&rec) // so that the digest of an expired value does not stay stored
		}
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
	select {
	case <-time.After(rand.N(time.Duration(try) * time.Millisecond)):
		return nil
	case <-ctx.Done():
		return storeError(ctx.Err())
	}
}

// Settings are the properties of a key that can be changed without a new value.
type Settings struct {
	Name       string
	Role       string // custom keys only
	Scopes     []string
	AllowedIPs []netip.Prefix
	ExpiresAt  time.Time // a time in the past ends the key now; see also [Config.MaxAge]
	Generation uint64    // of the record before the change; read-only
}

// Update reads a key's settings, calls edit to change them, and writes them. If the record was changed meanwhile, it starts
// again, so edit may be called more than once. An error of edit is returned unchanged. Other errors wrap [ErrNotFound],
// [ErrInvalidated], [ErrRefused], [ErrStore], or [ErrConflict] if each try met a concurrent change. If edit changes nothing,
// nothing is written.
func (r *Ring) Update(ctx context.Context, id string, edit func(*Settings) error) (Record, error) {
	if err := r.open(); err != nil {
		return Record{}, err
	}
	return r.change(ctx, id, "updated", func(rec *Record, now time.Time) (bool, error) {
		if rec.State(now) == StateInvalidated {
			return false, ErrInvalidated
		}
		old := *rec
		s := Settings{
			Name: old.Name, Role: old.Role, ExpiresAt: r.expiryOf(&old), Generation: old.Generation,
			Scopes: slices.Clone(old.Scopes), AllowedIPs: slices.Clone(old.AllowedIPs),
		}
		if err := edit(&s); err != nil {
			return false, err
		}
		rec.Name, rec.Role = s.Name, s.Role
		if at := inMicros(s.ExpiresAt); !at.Equal(r.expiryOf(&old)) {
			rec.ExpiresAt = at
		}
		rec.Scopes, rec.AllowedIPs = slices.Clone(s.Scopes), s.AllowedIPs
		if err := checkRecord(rec, r.space); err != nil {
			return false, err
		}
		if rec.Role != old.Role {
			if err := r.permit(ctx, rec.withoutDigests()); err != nil {
				return false, err
			}
		}
		rec.AllowedIPs = masked(rec.AllowedIPs)
		if err := r.checkExpiry(rec, &old); err != nil {
			return false, err
		}
		return rec.Name != old.Name || rec.Role != old.Role || !rec.ExpiresAt.Equal(old.ExpiresAt) ||
			!slices.Equal(rec.Scopes, old.Scopes) || !slices.Equal(rec.AllowedIPs, old.AllowedIPs), nil
	})
}

// checkExpiry refuses an edit that would keep a value valid for longer than MaxAge, counted from its issue and not from the
// edit, or it could be prolonged without end. An earlier expiry is always allowed.
func (r *Ring) checkExpiry(rec, old *Record) error {
	if r.maxAge == 0 || rec.ExpiresAt.Equal(old.ExpiresAt) {
		return nil
	}
	last := inMicros(old.issuedAt().Add(r.maxAge))
	if rec.ExpiresAt.IsZero() {
		rec.ExpiresAt = last
	}
	if rec.ExpiresAt.After(last) && (old.ExpiresAt.IsZero() || rec.ExpiresAt.After(old.ExpiresAt)) {
		return fmt.Errorf("%w: a key may live for %v at most; refresh it", ErrRefused, r.maxAge)
	}
	return nil
}

// Disable disables a key until Enable. A second call changes nothing. It returns an error wrapping [ErrInvalidated] for an
// invalidated key, and [ErrConflict] if each try met a concurrent change.
func (r *Ring) Disable(ctx context.Context, id string) error {
	return r.setDisabled(ctx, id, "disabled", true)
}

// Enable enables a disabled key. Its errors are those of Disable.
func (r *Ring) Enable(ctx context.Context, id string) error {
	return r.setDisabled(ctx, id, "enabled", false)
}

func (r *Ring) setDisabled(ctx context.Context, id, event string, disabled bool) error {
	return r.changeState(ctx, id, event, func(rec *Record, now time.Time) (bool, error) {
		if rec.State(now) == StateInvalidated {
			return false, ErrInvalidated
		}
		if disabled == !rec.DisabledAt.IsZero() {
			return false, nil
		}
		rec.DisabledAt = time.Time{}
		if disabled {
			rec.DisabledAt = now
		}
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
		r.watchers.Call(Change{What: "role dropped"}, r.watcherPanicked) // of all spaces
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
