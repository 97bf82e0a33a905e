package keys

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Settings is what can be changed of a key without touching its value.
type Settings struct {
	Name       string
	Role       string // custom keys only
	Scopes     []string
	AllowedIPs []netip.Prefix
	ExpiresAt  time.Time // a time that is over ends the key now; see also [Config.MaxAge]
	Generation uint64    // of the record that is about to be changed; to read only
}

// Update reads a key's settings, lets edit change them and writes them back, if nobody else changed the record in
// between; otherwise it starts again, so edit may be called more than once. What edit returns as an error is
// returned as it is. Other errors wrap [ErrNotFound], [ErrInvalidated], [ErrRefused], [ErrStore], or [ErrConflict]
// if others kept changing the record. Settings left as they were are not written.
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
		rec.AllowedIPs = masked(rec.AllowedIPs)
		if err := r.checkExpiry(rec, &old); err != nil {
			return false, err
		}
		return rec.Name != old.Name || rec.Role != old.Role || !rec.ExpiresAt.Equal(old.ExpiresAt) ||
			!slices.Equal(rec.Scopes, old.Scopes) || !slices.Equal(rec.AllowedIPs, old.AllowedIPs), nil
	})
}

// checkExpiry sees to it that no edit makes a value live longer than it may. Its life is counted from its
// birth, not from the edit, or it could be prolonged for ever. Bringing the end forward is always fine.
func (r *Ring) checkExpiry(rec, old *Record) error {
	if r.maxAge == 0 || rec.ExpiresAt.Equal(old.ExpiresAt) {
		return nil
	}
	last := inMicros(old.born().Add(r.maxAge))
	if rec.ExpiresAt.IsZero() {
		rec.ExpiresAt = last
	}
	if rec.ExpiresAt.After(last) && (old.ExpiresAt.IsZero() || rec.ExpiresAt.After(old.ExpiresAt)) {
		return fmt.Errorf("%w: a key may live for %v at most; refresh it", ErrRefused, r.maxAge)
	}
	return nil
}
