package keys

import (
	"net/netip"
	"slices"
	"time"
)

// Kind says what sort of key a record is about.
type Kind string

const (
	KindUser   Kind = "user"   // belongs to a user and carries that user's role of the moment
	KindCustom Kind = "custom" // belongs to nobody and has a name and a role of its own
)

// State is what has become of a key. Only an active one is good.
type State string

const (
	StateActive      State = "active"
	StateDisabled    State = "disabled"
	StateExpired     State = "expired"
	StateInvalidated State = "invalidated"
)

// A Record is what is kept about one key: everything but the key. Times are UTC with microsecond precision;
// a zero time means "not".
type Record struct {
	ID     string // UUIDv7 in canonical lower case; unique over all spaces
	Space  string // the tenant; "" is the one of a host without tenants
	Kind   Kind
	Name   string
	UserID string // user keys only
	Role   string // custom keys only; "" may do nothing
	// ForeignID says where an imported key comes from, such as Cockpit's _id. It is unique in its space unless it
	// is "", as for our own.
	ForeignID string

	// Scopes narrow what the role allows, as patterns. None means not narrowed. They are opaque here.
	Scopes []string
	// AllowedIPs are the only networks the key is good from. None means any.
	AllowedIPs []netip.Prefix

	Hint string // what lists show: prefix and last four characters
	// Digest and Previous are for stores: a record that a [Ring] returns has neither.
	Digest Digest
	Legacy bool // imported: its text has no checksum of ours
	Weak   bool // imported with less than 112 bits of strength
	// Sole asks the store to refuse a second key of this user that is not invalidated.
	Sole bool

	// Generation is 1 for a new record and grows by one with every change but that of LastUsedAt.
	Generation uint64

	CreatedAt     time.Time
	CreatedBy     string
	RefreshedAt   time.Time
	ExpiresAt     time.Time // the first instant at which the key is no longer good
	DisabledAt    time.Time
	InvalidatedAt time.Time
	LastUsedAt    time.Time

	// After a refresh with overlap the old value lives until PreviousUntil. While Overlap is not zero the
	// new value has not been used yet; its first use brings PreviousUntil forward to that time plus Overlap.
	Previous      Digest
	PreviousUntil time.Time
	Overlap       time.Duration
}

// born returns when the current value was issued: at the last refresh, else when the record was made or, if it is not
// known when an imported key was, at the import.
func (r *Record) born() time.Time {
	if !r.RefreshedAt.IsZero() {
		return r.RefreshedAt
	}
	return r.CreatedAt
}

// State says what has become of the key at time now. It does not know [Config.MaxAge]; records that come from a ring
// have an ExpiresAt that does.
func (r *Record) State(now time.Time) State {
	switch {
	case !r.InvalidatedAt.IsZero():
		return StateInvalidated
	case !r.DisabledAt.IsZero():
		return StateDisabled
	case !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt):
		return StateExpired
	}
	return StateActive
}

// withoutDigests returns r as callers of a ring get it.
func (r Record) withoutDigests() Record {
	r.Digest, r.Previous = Digest{}, Digest{}
	return r
}

// Clone returns a copy that shares no memory that can change.
func (r Record) Clone() Record {
	r.Scopes = slices.Clone(r.Scopes)
	r.AllowedIPs = slices.Clone(r.AllowedIPs)
	return r
}
