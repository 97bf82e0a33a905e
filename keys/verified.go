package keys

import (
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Verified is a valid key's record as it was when the key was verified. It is one pointer to a record that never
// changes: small, comparable (==), cheap to copy and safe for concurrent use. The zero Verified belongs to no key:
// it has no ID and is valid from no address.
type Verified struct{ e *entry }

// IsZero reports whether v is nothing.
func (v Verified) IsZero() bool { return v.e == nil }

// Format writes "key" and the ID, whatever the verb.
func (v Verified) Format(s fmt.State, _ rune) { io.WriteString(s, "key "+v.ID()) }

// LogValue logs the ID.
func (v Verified) LogValue() slog.Value { return slog.StringValue("key " + v.ID()) }

// Used records that the key was used: call it once after each [Ring.Verify] or [Ring.Recheck], when everything else
// has let the request pass. The use becomes the record's LastUsedAt, and the first one of a new value ends the overlap
// of the old value in time. It neither blocks nor fails, and does nothing for the zero Verified.
func (v Verified) Used() {
	if v.e == nil || !v.e.due.Load() {
		return
	}
	if k := v.e.ring.Load(); k != nil {
		k.use(v.e, time.Now())
	}
}

// Previous reports whether the value that was presented is the old one of a key that was refreshed with an overlap. It
// may be used until it ends, but it should manage nothing, as in auth/admin: it may have leaked, and could refresh the
// key and so end the new value.
func (v Verified) Previous() bool { return v.e != nil && v.e.previous }

func (v Verified) record() *Record {
	if v.e == nil {
		return &Record{}
	}
	return v.e.rec
}

// ID returns the record's ID.
func (v Verified) ID() string { return v.record().ID }

// Kind says whether this is a user's key or a custom one.
func (v Verified) Kind() Kind { return v.record().Kind }

// Name returns the key's name.
func (v Verified) Name() string { return v.record().Name }

// UserID returns whose key this is; "" for a custom key.
func (v Verified) UserID() string { return v.record().UserID }

// Role returns the role of a custom key; "" for a user's, whose role is the user's of the moment.
func (v Verified) Role() string { return v.record().Role }

// Space returns the tenant.
func (v Verified) Space() string { return v.record().Space }

// Hint returns what may be shown of the key.
func (v Verified) Hint() string { return v.record().Hint }

// ExpiresAt returns the first instant at which the value that was shown is no longer good; zero if it does not
// expire. An old value, after a refresh with overlap, ends with its overlap, and that may yet become sooner.
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

// Record returns a copy of the record as it was, without digests. It may lag behind in LastUsedAt.
func (v Verified) Record() Record { return v.record().Clone().withoutDigests() }

// HasScopes reports whether the key is narrowed by scopes.
func (v Verified) HasScopes() bool { return len(v.record().Scopes) > 0 }

// Scopes returns the patterns that narrow the key. None means not narrowed.
func (v Verified) Scopes() iter.Seq[string] { return slices.Values(v.record().Scopes) }

// HasAllowedIPs reports whether the key is bound to networks.
func (v Verified) HasAllowedIPs() bool { return len(v.record().AllowedIPs) > 0 }

// AllowsAddr reports whether the key is valid from addr: always, if it is bound to no networks. An IPv4
// address in IPv6 form is compared as IPv4, and an address with a zone without the zone, which only has a meaning on
// this host. An invalid address is in no network.
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
