package keys

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"
)

// User describes a new user key. All fields are optional.
type User struct {
	Name       string
	Scopes     []string       // patterns that narrow the role of the user; none means not narrowed
	AllowedIPs []netip.Prefix // the only networks from which the key is valid; none means any
	ExpiresAt  time.Time      // the first instant at which it is not valid; zero means never, or [Config.MaxAge]
	CreatedBy  string         // for the record
}

// Custom describes a new custom key. All fields are optional.
type Custom struct {
	Name       string
	Role       string         // "" allows nothing
	Scopes     []string       // patterns that narrow the role; none means not narrowed
	AllowedIPs []netip.Prefix // the only networks from which the key is valid; none means any
	ExpiresAt  time.Time      // the first instant at which it is not valid; zero means never, or [Config.MaxAge]
	CreatedBy  string         // for the record
}

// Issued is a new key and its record.
type Issued struct {
	Key    Key // shown to its owner once
	Record Record
}

// IssueUser makes a key for a user. It returns an error wrapping [ErrExists] if the user already has a key that is not
// invalidated, unless [Config.SeveralPerUser] is set, and one wrapping [ErrRefused] if u is not valid. Whether there is such
// a user is for [Config.Check].
func (r *Ring) IssueUser(ctx context.Context, userID string, u User) (Issued, error) {
	return r.issue(ctx, Record{
		Kind: KindUser, UserID: userID, Name: u.Name, Scopes: u.Scopes, AllowedIPs: u.AllowedIPs,
		ExpiresAt: u.ExpiresAt, CreatedBy: u.CreatedBy,
	})
}

// IssueCustom makes a custom key. It returns an error wrapping [ErrRefused] if c is not valid. Whether there is such a role is
// for [Config.Check].
func (r *Ring) IssueCustom(ctx context.Context, c Custom) (Issued, error) {
	return r.issue(ctx, Record{
		Kind: KindCustom, Name: c.Name, Role: c.Role, Scopes: c.Scopes, AllowedIPs: c.AllowedIPs,
		ExpiresAt: c.ExpiresAt, CreatedBy: c.CreatedBy,
	})
}

func (r *Ring) issue(ctx context.Context, rec Record) (Issued, error) {
	if err := r.open(); err != nil {
		return Issued{}, err
	}
	rec.CreatedAt = now()
	var err error
	if rec.ExpiresAt, err = r.expiry(rec.ExpiresAt, rec.CreatedAt); err != nil {
		return Issued{}, err
	}
	text, err := r.format.generate(rec.Kind, r.random)
	if err != nil {
		return Issued{}, err
	}
	if err := r.permit(ctx, rec); err != nil {
		return Issued{}, err
	}
	rec.Digest, rec.Hint = r.digester.current(text), r.format.hint(text)
	if rec, err = r.insert(ctx, rec); err != nil {
		return Issued{}, err
	}
	r.notify(&rec, "issued")
	return Issued{newKey(text, rec.Hint), rec.withoutDigests()}, nil
}

// insert checks a new record, completes it and stores it.
func (r *Ring) insert(ctx context.Context, rec Record) (Record, error) {
	if err := checkRecord(&rec, r.space); err != nil {
		return Record{}, err
	}
	id, err := uuid.NewV7FromReader(r.random)
	if err != nil {
		return Record{}, fmt.Errorf("keys: random source: %w", err)
	}
	rec = rec.clone()
	rec.ID, rec.Space, rec.Generation = id.String(), r.space, 1
	rec.Sole = rec.Kind == KindUser && r.sole
	rec.AllowedIPs = masked(rec.AllowedIPs)
	if err := r.store.Insert(ctx, rec.clone()); err != nil {
		return Record{}, storeError(err)
	}
	return rec, nil
}

// expiry returns when a value that is issued at issuedAt expires, if the caller asks for at. Zero means never.
func (r *Ring) expiry(at, issuedAt time.Time) (time.Time, error) {
	at = inMicros(at)
	switch last := inMicros(issuedAt.Add(r.maxAge)); {
	case !at.IsZero() && !at.After(now()):
		return at, fmt.Errorf("%w: the expiry is in the past", ErrRefused)
	case r.maxAge == 0:
		return at, nil
	case at.IsZero():
		return last, nil
	case at.After(last):
		return at, fmt.Errorf("%w: a key may live for %v at most", ErrRefused, r.maxAge)
	}
	return at, nil
}

// masked returns a new slice of the networks without their host bits.
func masked(networks []netip.Prefix) []netip.Prefix {
	networks = slices.Clone(networks)
	for i, p := range networks {
		networks[i] = p.Masked()
	}
	return networks
}
