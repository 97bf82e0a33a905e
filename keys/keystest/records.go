package keystest

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey-go/latchkey/keys"
)

// noon is the time at which the checks take place.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// custom returns a new, plain custom key. IDs ascend in the order of the calls.
func custom() keys.Record {
	return keys.Record{
		ID:         uuid.Must(uuid.NewV7()).String(),
		Kind:       keys.KindCustom,
		Name:       "Website build",
		Role:       "editor",
		Hint:       "API-…0f3a",
		Digest:     digest(),
		Generation: 1,
		CreatedAt:  noon,
	}
}

// ofUser returns a new, plain user key.
func ofUser(userID string) keys.Record {
	r := custom()
	r.Kind, r.UserID, r.Role, r.Hint = keys.KindUser, userID, "", "USR-…0f3a"
	return r
}

// soleOf returns a new user key that has to be the only one of its user.
func soleOf(userID string) keys.Record {
	r := ofUser(userID)
	r.Sole = true
	return r
}

// in returns r in another space.
func in(space string, r keys.Record) keys.Record {
	r.Space = space
	return r
}

// ended returns r as invalidated.
func ended(r keys.Record) keys.Record {
	r.InvalidatedAt = noon
	return r
}

// nextEnded returns r as the next generation, invalidated.
func nextEnded(r keys.Record) keys.Record {
	r.Generation++
	return ended(r)
}

// ofEachKind returns a new key of each kind, by name.
func ofEachKind() map[string]keys.Record {
	imported := custom()
	imported.Legacy = true
	return map[string]keys.Record{"a custom key": custom(), "a user key": ofUser("ada"), "an imported key": imported}
}

// inStates returns a new key of this user in each state, by name.
func inStates(userID string) map[string]keys.Record {
	active, disabled, expired, both := ofUser(userID), ofUser(userID), ofUser(userID), ofUser(userID)
	disabled.DisabledAt = noon
	expired.ExpiresAt = noon
	both.DisabledAt, both.ExpiresAt = noon, noon
	return map[string]keys.Record{"active": active, "disabled": disabled, "expired": expired, "disabled and expired": both}
}

// digest returns a new digest.
func digest() keys.Digest {
	var sum [32]byte
	rand.Read(sum[:])
	return keys.NewDigest(keys.SHA256, sum)
}

// full returns two records that between them leave no field of a Record zero. Two calls with different n
// agree in no field that an Update may change, flags aside.
func full(n int) (user, own keys.Record) {
	at := func(hours int) time.Time { return noon.Add(time.Duration(100*n+hours) * time.Hour) }
	text := func(s string) string { return fmt.Sprintf("%s %d", s, n) }
	_, sum := digest().Reveal()
	r := keys.Record{
		Space:         "acme",
		Name:          text("Website build"),
		ForeignID:     text("65f1c0ffee"),
		Scopes:        []string{text("content/posts/read"), "assets/**"},
		AllowedIPs:    []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n), 0, 0}), 16), netip.MustParsePrefix("2001:db8::/32")},
		Hint:          text("API-…"),
		Digest:        keys.NewDigest(fmt.Sprintf("hmac-sha256:pepper-%d", n), sum),
		Legacy:        n%2 == 1,
		Weak:          n%2 == 1,
		Sole:          n%2 == 1,
		Generation:    1,
		CreatedAt:     at(1),
		CreatedBy:     text("root"),
		RefreshedAt:   at(2),
		ExpiresAt:     at(3),
		DisabledAt:    at(4),
		InvalidatedAt: at(5),
		LastUsedAt:    at(6),
		Previous:      digest(),
		PreviousUntil: at(7),
		Overlap:       time.Duration(n) * 36 * time.Hour,
	}
	user, own = r, r
	user.ID, user.Kind, user.UserID = uuid.Must(uuid.NewV7()).String(), keys.KindUser, text("user")
	own.ID, own.Kind, own.Role, own.Sole = uuid.Must(uuid.NewV7()).String(), keys.KindCustom, fmt.Sprintf("editor-%d", n), false
	own.Digest, own.Previous, own.ForeignID = digest(), digest(), text("65f1decade")
	return user, own
}
