package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"
)

// Kind is the kind of a key.
type Kind string

const (
	KindUser   Kind = "user"   // belongs to a user and has that user's current role
	KindCustom Kind = "custom" // belongs to no user and has its own name and role
)

// State is the state of a key. Only an active key is valid.
type State string

const (
	StateActive      State = "active"
	StateDisabled    State = "disabled"
	StateExpired     State = "expired"
	StateInvalidated State = "invalidated"
)

// A Record is the stored data of one key: everything but its value. Times are UTC with microsecond precision; a zero time
// means "not".
type Record struct {
	ID     string // UUIDv7 in canonical lower case; unique over all spaces
	Space  string // the tenant; "" for a host without tenants
	Kind   Kind
	Name   string
	UserID string // user keys only
	Role   string // custom keys only; "" allows nothing
	// ForeignID is the ID of an imported key in its former system, such as Cockpit's _id. It is unique in its space. It is
	// "" for keys that a ring issued.
	ForeignID string

	// Scopes are patterns that narrow the role. None means not narrowed. This package does not interpret them.
	Scopes []string
	// AllowedIPs are the only networks from which the key is valid. None means any.
	AllowedIPs []netip.Prefix

	Hint string // prefix and last four characters, for lists
	// Digest and Previous are for stores: a record that a [Ring] returns has neither.
	Digest Digest
	Legacy bool // imported: its value has no checksum
	Weak   bool // imported with less than 112 bits of strength
	// Sole asks the store to refuse a second key of this user that is not invalidated.
	Sole bool

	// Generation is 1 for a new record. Every change adds one, except a change of LastUsedAt.
	Generation uint64

	CreatedAt     time.Time
	CreatedBy     string
	RefreshedAt   time.Time
	ExpiresAt     time.Time // the first instant at which the key is not valid
	DisabledAt    time.Time
	InvalidatedAt time.Time
	LastUsedAt    time.Time

	// After a refresh with overlap the old value is valid until PreviousUntil. While Overlap is not zero the new value has
	// not been used yet; its first use brings PreviousUntil forward to that time plus Overlap.
	Previous      Digest
	PreviousUntil time.Time
	Overlap       time.Duration
}

// issuedAt returns when the current value was issued: at the last refresh, else when the key was made or, if that is not
// known of an imported key, at the import.
func (r *Record) issuedAt() time.Time {
	if !r.RefreshedAt.IsZero() {
		return r.RefreshedAt
	}
	return r.CreatedAt
}

// State returns the state of the key at time now. It does not know [Config.MaxAge]; the ExpiresAt of a record from a ring
// includes it.
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

// withoutDigests returns r without its digests, which callers of a ring never receive.
func (r Record) withoutDigests() Record {
	r.Digest, r.Previous = Digest{}, Digest{}
	return r
}

// clone returns a copy that shares no mutable memory with r.
func (r Record) clone() Record {
	r.Scopes = slices.Clone(r.Scopes)
	r.AllowedIPs = slices.Clone(r.AllowedIPs)
	return r
}

// encodedRecord is version 1 of a record's bytes. Its digests take the place of the record's, which do not marshal.
type encodedRecord struct {
	Version int `json:"v"`
	Record
	Digest, Previous encodedDigest
}

type encodedDigest struct {
	Algorithm string `json:",omitempty"`
	Sum       string `json:",omitempty"` // hex
}

// EncodeRecord returns all of r as bytes, for a [Store] over a key-value database; json.Marshal leaves the digests out.
// The bytes are JSON with a version, and are as secret as digests.
func EncodeRecord(r Record) ([]byte, error) {
	return json.Marshal(encodedRecord{1, r, encodeDigest(r.Digest), encodeDigest(r.Previous)})
}

// DecodeRecord returns the record that [EncodeRecord] encoded as data. It returns an error for any other data, including a
// later version.
func DecodeRecord(data []byte) (Record, error) {
	var e encodedRecord
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Record{}, fmt.Errorf("keys: not an encoded record: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Record{}, errors.New("keys: not an encoded record: it is followed by other data")
	}
	if e.Version != 1 {
		return Record{}, fmt.Errorf("keys: an encoded record of unknown version %d", e.Version)
	}
	r := e.Record
	var err, errPrevious error
	r.Digest, err = e.Digest.decode()
	r.Previous, errPrevious = e.Previous.decode()
	if err = errors.Join(err, errPrevious); err != nil {
		return Record{}, err
	}
	for _, at := range []*time.Time{&r.CreatedAt, &r.RefreshedAt, &r.ExpiresAt, &r.DisabledAt, &r.InvalidatedAt, &r.LastUsedAt,
		&r.PreviousUntil} {
		*at = inMicros(*at)
	}
	return r, nil
}

func encodeDigest(d Digest) encodedDigest {
	if d.IsZero() {
		return encodedDigest{}
	}
	algorithm, sum := d.Reveal()
	return encodedDigest{algorithm, hex.EncodeToString(sum[:])}
}

func (e encodedDigest) decode() (Digest, error) {
	if e == (encodedDigest{}) {
		return Digest{}, nil
	}
	sum, err := hex.DecodeString(e.Sum)
	if err != nil || len(sum) != 32 || e.Algorithm == "" {
		return Digest{}, errors.New("keys: not an encoded record: a digest needs an algorithm and 64 hex digits")
	}
	return NewDigest(e.Algorithm, [32]byte(sum)), nil
}
