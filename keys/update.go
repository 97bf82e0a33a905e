package keys

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

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
