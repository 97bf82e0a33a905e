package admin_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func TestARoleIsJudgedByItsHeirsToo(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: "base", Permissions: roles.Grants{"content/secret/**": false}}))
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: "heir", Inherits: []string{"base"}, Permissions: roles.Grants{"content/**": true}}))
	err := w.service.UpdateRole(t.Context(), w.as("rolemaker"), roles.Role{AppID: "base"}, admin.Confirmation{})
	require.ErrorIs(t, err, admin.ErrForbidden, "the deny kept the heir from what the editor does not hold")
	require.NoError(t, w.service.UpdateRole(t.Context(), w.as("admin"), roles.Role{AppID: "base"}, admin.Confirmation{}))
}

func TestNoCallerRaisesTheirOwnRole(t *testing.T) {
	w := newWorld(t, nil)
	own, _ := w.roles.Policy().Role("rolemaker")
	own.Permissions["content/secret/delete"] = true
	var refused *admin.Error
	require.ErrorAs(t, w.service.UpdateRole(t.Context(), w.as("rolemaker"), own, admin.Confirmation{}), &refused)
	require.Equal(t, admin.ErrForbidden, refused.Err)
	require.Equal(t, []string{"content/secret/delete"}, refused.Missing)
	delete(own.Permissions, "content/secret/delete")
	own.Name = "Another name"
	require.NoError(t, w.service.UpdateRole(t.Context(), w.as("rolemaker"), own, admin.Confirmation{}))
	own.Inherits = []string{"keeper"}
	require.ErrorIs(t, w.service.UpdateRole(t.Context(), w.as("rolemaker"), own, admin.Confirmation{}), admin.ErrForbidden)
	own.Inherits = []string{"editor"}
	own.Permissions = roles.Grants{}
	require.NoError(t, w.service.UpdateRole(t.Context(), w.as("rolemaker"), own, admin.Confirmation{}), "every caller may give away their own rights")
	require.ErrorIs(t, w.service.UpdateRole(t.Context(), w.as("rolemaker"), own, admin.Confirmation{}), admin.ErrForbidden)
}

func TestKeysMadeWithAKey(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	tomorrow := in(24 * time.Hour).UTC().Truncate(time.Microsecond)
	net := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	limited := w.custom(keys.Custom{Role: roles.Admin, ExpiresAt: tomorrow})
	by := w.holder(limited)

	issued, err := w.service.CreateKey(ctx, by, keys.Custom{Role: "editor"})
	require.NoError(t, err)
	require.Equal(t, tomorrow, issued.Record.ExpiresAt, "it ends with its maker")
	_, err = w.service.CreateKey(ctx, by, keys.Custom{Role: "editor", ExpiresAt: in(48 * time.Hour)})
	require.ErrorIs(t, err, admin.ErrForbidden)
	_, err = w.service.CreateKey(ctx, by, keys.Custom{Role: "editor", ExpiresAt: in(time.Hour)})
	require.NoError(t, err)

	endless := w.custom(keys.Custom{Role: "editor"})
	issued, err = w.service.RefreshKey(ctx, by, endless.Record.ID, "", keys.Renewal{})
	require.NoError(t, err)
	require.Equal(t, tomorrow, issued.Record.ExpiresAt, "its new value is known to who ends tomorrow")
	_, err = w.service.RefreshKey(ctx, by, limited.Record.ID, "", keys.Renewal{ExpiresAt: in(48 * time.Hour)})
	require.ErrorIs(t, err, admin.ErrForbidden, "nor does a key prolong itself")
	_, err = w.service.UpdateKey(ctx, by, limited.Record.ID, "", func(s *keys.Settings) error { s.ExpiresAt = in(48 * time.Hour); return nil })
	require.ErrorIs(t, err, admin.ErrForbidden)
	rec, err := w.service.UpdateKey(ctx, by, limited.Record.ID, "", func(s *keys.Settings) error { s.ExpiresAt = time.Time{}; return nil })
	require.NoError(t, err)
	require.Equal(t, tomorrow, rec.ExpiresAt)

	scoped := w.holder(w.custom(keys.Custom{Role: roles.Admin, Scopes: []string{"app/**", "content/posts/read"}}))
	_, err = w.service.CreateKey(ctx, scoped, keys.Custom{Role: "editor"})
	require.ErrorIs(t, err, admin.ErrForbidden)
	_, err = w.service.CreateKey(ctx, scoped, keys.Custom{Role: "viewer"})
	require.NoError(t, err)

	bound := w.custom(keys.Custom{Role: roles.Admin, AllowedIPs: net})
	r, err := w.guard.CheckCall(ctx, auth.Call{Header: map[string][]string{"Api-Key": {bound.Key.Reveal()}}, Peer: netip.MustParseAddr("192.0.2.7")})
	require.NoError(t, err)
	issued, err = w.service.CreateKey(ctx, r, keys.Custom{Role: "editor"})
	require.NoError(t, err)
	require.Equal(t, net, issued.Record.AllowedIPs, "it is good from where its maker is")
	_, err = w.service.CreateKey(ctx, r, keys.Custom{Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.0.0/16")}})
	require.ErrorIs(t, err, admin.ErrForbidden)
	_, err = w.service.CreateKey(ctx, r, keys.Custom{Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25")}})
	require.NoError(t, err)
	for network, may := range map[string]bool{
		"192.0.2.0/24": true, "192.0.2.0/25": true, "192.0.2.255/32": true,
		"192.0.2.0/23": false, "192.0.2.0/0": false, // begins within, and ends outside
		"192.0.1.0/24": false, "192.0.3.0/24": false, "2001:db8::/32": false,
	} {
		_, err = w.service.CreateKey(ctx, r, keys.Custom{Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix(network)}})
		require.Equal(t, may, err == nil, "%s: %v", network, err)
		require.True(t, may || errors.Is(err, admin.ErrForbidden), network)
	}
	_, err = w.service.RefreshKey(ctx, r, endless.Record.ID, "", keys.Renewal{})
	require.ErrorIs(t, err, admin.ErrForbidden, "a value that is good from anywhere")
}

func TestABroaderKeyStaysAsItIs(t *testing.T) {
	w := newWorld(t, nil)
	broad := w.custom(keys.Custom{Name: "Operations", Role: roles.Admin})
	keeper := w.as("keeper")
	for _, edit := range []func(*keys.Settings) error{
		func(s *keys.Settings) error { s.Name = "Mine"; return nil },
		func(s *keys.Settings) error { s.Role = "editor"; return nil },
		func(s *keys.Settings) error { s.Scopes = []string{"content/posts/read"}; return nil },
	} {
		_, err := w.service.UpdateKey(t.Context(), keeper, broad.Record.ID, "", edit)
		var refused *admin.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, admin.ErrForbidden, refused.Err)
		require.Equal(t, []string{"**"}, refused.Missing)
	}
	_, err := w.service.SetKeyState(t.Context(), keeper, broad.Record.ID, "", keys.StateInvalidated)
	require.NoError(t, err, "ending it grants nothing")
}

func TestOnesOwnKeyIsNotOnesOwnToManage(t *testing.T) {
	w := newWorld(t, nil)
	own := w.userKey("bob", keys.User{})
	bob := w.user("bob")
	require.NoError(t, w.ring.Disable(t.Context(), own.Record.ID))
	_, err := w.service.SetKeyState(t.Context(), bob, own.Record.ID, "", keys.StateActive)
	require.ErrorIs(t, err, admin.ErrForbidden, "another user paused it")
	_, err = w.service.SetKeyState(t.Context(), bob, own.Record.ID, "", keys.StateDisabled)
	require.ErrorIs(t, err, admin.ErrForbidden)
	_, err = w.service.UpdateKey(t.Context(), bob, own.Record.ID, "", func(*keys.Settings) error { return nil })
	require.ErrorIs(t, err, admin.ErrForbidden)
	_, err = w.service.SetKeyState(t.Context(), bob, own.Record.ID, "", keys.StateInvalidated)
	require.NoError(t, err)
	require.ErrorIs(t, w.service.RemoveKey(t.Context(), bob, own.Record.ID, ""), admin.ErrForbidden)
}

func TestUserKeysCarryTheirUsersRole(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	warden := w.user("wanda")
	_, err := w.service.CreateUserKey(ctx, warden, "bob", keys.User{})
	require.NoError(t, err, "a viewer's rights are among an editor's")
	_, err = w.service.CreateUserKey(ctx, warden, "root", keys.User{})
	require.ErrorIs(t, err, admin.ErrForbidden, "the caller would know the key")
	_, err = w.service.CreateUserKey(ctx, warden, "no-one", keys.User{})
	require.ErrorIs(t, err, admin.ErrNotFound)
	_, err = w.service.CreateUserKey(ctx, w.user("bob"), "ada", keys.User{})
	require.ErrorIs(t, err, admin.ErrForbidden)

	root := w.userKey("root", keys.User{})
	_, err = w.service.RefreshKey(ctx, warden, root.Record.ID, "", keys.Renewal{})
	require.ErrorIs(t, err, admin.ErrForbidden)
	_, err = w.service.SetKeyState(ctx, warden, root.Record.ID, "", keys.StateDisabled)
	require.NoError(t, err, "taking away needs no cover")
	_, err = w.service.SetKeyState(ctx, warden, root.Record.ID, "", keys.StateActive)
	require.ErrorIs(t, err, admin.ErrForbidden)
	n, err := w.service.InvalidateUserKeys(ctx, warden, "root", "")
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// TestAKeyThatEndsRaisesNothingForGood has a key until tomorrow raise a key that never expires.
func TestAKeyThatEndsRaisesNothingForGood(t *testing.T) {
	w := newWorld(t, nil)
	ctx, tomorrow := t.Context(), in(24*time.Hour)
	by := w.holder(w.custom(keys.Custom{Role: roles.Admin, ExpiresAt: tomorrow}))
	net := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	endless := w.custom(keys.Custom{Role: "editor", Scopes: []string{"content/posts/read"}, AllowedIPs: net}).Record.ID
	try := func(edit func(*keys.Settings)) error {
		_, err := w.service.UpdateKey(ctx, by, endless, "", func(s *keys.Settings) error { edit(s); return nil })
		return err
	}
	for name, wider := range map[string]func(*keys.Settings){
		"role": func(s *keys.Settings) { s.Role = roles.Admin; s.Scopes = nil }, "scopes": func(s *keys.Settings) { s.Scopes = nil },
		"networks": func(s *keys.Settings) { s.AllowedIPs = nil },
	} {
		require.ErrorIs(t, try(wider), admin.ErrForbidden, name)
		rec, err := w.ring.Get(ctx, endless)
		require.NoError(t, err)
		require.EqualValues(t, 1, rec.Generation)
	}
	require.NoError(t, try(func(s *keys.Settings) { s.Name = "Renamed" }))
	require.NoError(t, try(func(s *keys.Settings) { s.Role = "viewer" }), "narrower")
	require.NoError(t, try(func(s *keys.Settings) { s.Role, s.Scopes, s.ExpiresAt = "editor", nil, in(time.Hour) }), "wider, and not for long")

	paused := w.custom(keys.Custom{Role: "editor"}).Record.ID
	require.NoError(t, w.ring.Disable(ctx, paused))
	_, err := w.service.SetKeyState(ctx, by, paused, "", keys.StateActive)
	require.ErrorIs(t, err, admin.ErrForbidden)
	short := w.custom(keys.Custom{Role: "editor", ExpiresAt: in(time.Hour)}).Record.ID
	require.NoError(t, w.ring.Disable(ctx, short))
	_, err = w.service.SetKeyState(ctx, by, short, "", keys.StateActive)
	require.NoError(t, err)
}

// TestTheKeyOfAUserWhoIsGoneIsNotPrepared widens a key for the day when its user comes back.
func TestTheKeyOfAUserWhoIsGoneIsNotPrepared(t *testing.T) {
	w := newWorld(t, nil)
	ctx, warden := t.Context(), w.as("warden")
	id := w.userKey("left", keys.User{Scopes: []string{"content/posts/read"}}).Record.ID
	_, err := w.service.UpdateKey(ctx, warden, id, "", func(s *keys.Settings) error { s.Scopes = nil; return nil })
	require.ErrorIs(t, err, admin.ErrConflict)
	_, err = w.service.SetKeyState(ctx, warden, id, "", keys.StateDisabled)
	require.NoError(t, err)
	_, err = w.service.SetKeyState(ctx, warden, id, "", keys.StateActive)
	require.ErrorIs(t, err, admin.ErrConflict)
	_, err = w.service.RefreshKey(ctx, warden, id, "", keys.Renewal{})
	require.ErrorIs(t, err, admin.ErrNotFound)
	_, err = w.service.SetKeyState(ctx, warden, id, "", keys.StateInvalidated)
	require.NoError(t, err)
	require.NoError(t, w.service.RemoveKey(ctx, warden, id, ""))
}
