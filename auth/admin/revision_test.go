package admin_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// TestAKeyRevisionIsWhatPeopleDecideAbout changes one thing after the other.
func TestAKeyRevisionIsWhatPeopleDecideAbout(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	issued := w.custom(keys.Custom{Name: "a", Role: "editor"})
	id := issued.Record.ID
	seen := map[admin.Tag]string{admin.Revision(&issued.Record): "issue"}
	change := func(what string, do func() error) {
		t.Helper()
		require.NoError(t, do())
		rec, err := w.ring.Get(ctx, id)
		require.NoError(t, err)
		revision := admin.Revision(&rec)
		require.Empty(t, seen[revision], "%s is another revision", what)
		seen[revision] = what
	}
	set := func(f func(*keys.Settings)) func() error {
		return func() error {
			_, err := w.ring.Update(ctx, id, func(s *keys.Settings) error { f(s); return nil })
			return err
		}
	}
	change("name", set(func(s *keys.Settings) { s.Name = "b" }))
	change("role", set(func(s *keys.Settings) { s.Role = "viewer" }))
	change("scopes", set(func(s *keys.Settings) { s.Scopes = []string{"a", "b"} }))
	change("other scopes", set(func(s *keys.Settings) { s.Scopes = []string{"a"} }))
	change("networks", set(func(s *keys.Settings) { s.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }))
	change("expiry", set(func(s *keys.Settings) { s.ExpiresAt = in(time.Hour) }))
	change("disable", func() error { return w.ring.Disable(ctx, id) })
	_, err := w.ring.Update(ctx, id, func(s *keys.Settings) error { s.Name = "c"; return nil })
	require.NoError(t, err)
	change("enable", func() error { return w.ring.Enable(ctx, id) })

	var renewed keys.Issued
	change("refresh", func() (err error) {
		renewed, err = w.ring.Refresh(ctx, id, keys.Renewal{Overlap: time.Hour})
		return err
	})
	match := admin.Revision(&renewed.Record)
	w.holder(renewed) // the first use of the new value is written down, and is a new generation
	require.Eventually(t, func() bool {
		rec, err := w.ring.Get(ctx, id)
		return err == nil && rec.Generation > renewed.Record.Generation
	}, 5*time.Second, time.Millisecond)
	_, err = w.service.UpdateKey(ctx, w.root(), id, match, func(s *keys.Settings) error { s.Name = "d"; return nil })
	require.NoError(t, err, "no other caller has changed it")
	_, err = w.service.UpdateKey(ctx, w.root(), id, match, func(s *keys.Settings) error { s.Name = "e"; return nil })
	require.ErrorIs(t, err, admin.ErrChanged)
	change("invalidate", func() error { return w.ring.Invalidate(ctx, id) })
}
