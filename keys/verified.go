package keys

import (
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Verified is the record of a valid key at the time when the key was verified. It is one pointer to a record that never
// changes: comparable (==), cheap to copy and safe for concurrent use. The zero Verified belongs to no key: it has no ID
// and is valid from no address.
type Verified struct{ e *entry }

// Format writes "key" and the ID, whatever the verb.
func (v Verified) Format(s fmt.State, _ rune) { io.WriteString(s, "key "+v.ID()) }

// Used records that the key was used: call it once after each [Ring.Verify] or [Ring.Recheck], when the request was
// authorized. The use becomes the record's LastUsedAt, and the first use of a new value starts the overlap of the old one.
// It neither blocks nor fails, and does nothing for the zero Verified.
func (v Verified) Used() {
	if v.e == nil || !v.e.due.Load() {
		return
	}
	if k := v.e.ring.Load(); k != nil {
		k.recordUse(v.e, time.Now())
	}
}

// Previous reports whether the credential is the old value of a key that was refreshed with an overlap. It is valid until
// the overlap ends, but should not manage keys, as in auth/admin: if it leaked, it could refresh the key and so end the new
// value.
func (v Verified) Previous() bool { return v.e != nil && v.e.previous }

func (v Verified) record() *Record {
	if v.e == nil {
		return &Record{}
	}
	return v.e.rec
}

// ID returns the record's ID.
func (v Verified) ID() string { return v.record().ID }

// Kind returns whether this is a user key or a custom key.
func (v Verified) Kind() Kind { return v.record().Kind }

// Name returns the key's name.
func (v Verified) Name() string { return v.record().Name }

// UserID returns the ID of the user that the key belongs to; "" for a custom key.
func (v Verified) UserID() string { return v.record().UserID }

// Role returns the role of a custom key; "" for a user key, which has the user's current role.
func (v Verified) Role() string { return v.record().Role }

// ExpiresAt returns the first instant at which the credential is not valid; zero if it does not expire. An old value ends
// with its overlap, which the first use of the new value may bring forward.
func (v Verified) ExpiresAt() time.Time {
	rec := v.record()
	end := rec.ExpiresAt
	if v.e == nil {
		return end
	}
	if k := v.e.ring.Load(); k != nil {
		end = k.expiryOf(rec)
	}
	if v.e.previous && (end.IsZero() || rec.PreviousUntil.Before(end)) {
		return rec.PreviousUntil
	}
	return end
}

// Record returns a copy of the record, without digests. Its LastUsedAt may be out of date.
func (v Verified) Record() Record { return v.record().clone().withoutDigests() }

// Scopes returns the patterns that narrow the key. None means not narrowed.
func (v Verified) Scopes() iter.Seq[string] { return slices.Values(v.record().Scopes) }

// AllowsAddr reports whether the key is valid from addr. A key without AllowedIPs is valid from any. An IPv4 address in
// IPv6 form is compared as IPv4. A zone is ignored, since it has a meaning only on this host. An invalid address is in no
// network.
func (v Verified) AllowsAddr(addr netip.Addr) bool {
	if v.e == nil {
		return false
	}
	networks := v.e.rec.AllowedIPs
	if len(networks) == 0 {
		return true
	}
	addr = addr.Unmap().WithZone("") // a Prefix contains no address with a zone
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// An entry is the record of a digest. Only its atomics change, so requests share it. It does not hold the digest: a Verified
// points to an entry, and must not point to a digest that could be printed.
type entry struct {
	// The fields that a request with a valid key needs lie in one cache line.
	space   string               // that of rec, so that a look-up need not read rec
	until   atomic.Int64         // Unix microseconds: valid until then without reading rec; 0: not known
	used    atomic.Int64         // Unix microseconds of the latest recorded use
	ring    atomic.Pointer[core] // the last one that verified it: several may share one MemoryStore
	due     atomic.Bool          // the next use must be recorded
	visited atomic.Bool          // since the cache last considered it for eviction
	rec     *Record              // never changed after the entry is made

	previous  bool        // digest is rec.Previous
	shared    bool        // later requests find it too; set before they can
	queued    atomic.Bool // is in the ring's list of pending uses
	recording atomic.Bool // the first use of a new value is being recorded (overlap)
}

// unconfirmed reports whether this is the new value of an overlap and its first use is not recorded yet.
func (e *entry) unconfirmed() bool { return e.rec.Overlap > 0 && !e.previous }

// slot is the index of e among its record's entries: 0 for the current value, 1 for the previous one.
func (e *entry) slot() int {
	if e.previous {
		return 1
	}
	return 0
}

// digest returns the digest by which e was found.
func (e *entry) digest() Digest {
	if e.previous {
		return e.rec.Previous
	}
	return e.rec.Digest
}

// An indexed is an entry with its digest, in one allocation, so that a look-up reads both in one place. Make it with
// newIndexed.
type indexed struct {
	by rawDigest
	entry
}

// newIndexed returns an entry of rec for by, which is one of rec's digests.
func newIndexed(rec *Record, by rawDigest, previous bool) *indexed {
	return &indexed{by: by, entry: entry{rec: rec, space: rec.Space, previous: previous}}
}

// found returns x's entry, or nil for a nil x.
func (x *indexed) found() *entry {
	if x == nil {
		return nil
	}
	return &x.entry
}
