package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// TestAKeyFromIssueToRemoval does to a custom key all that can be done, some of it twice.
func TestAKeyFromIssueToRemoval(t *testing.T) {
	w := newWorld(t, nil)
	ctx, by := t.Context(), w.root()
	issued, err := w.service.CreateKey(ctx, by, keys.Custom{Name: "Website", Role: "editor", ExpiresAt: in(time.Hour),
		Scopes: []string{"content/posts/**"}, AllowedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	id, seen := issued.Record.ID, admin.Revision(&issued.Record)
	require.Equal(t, "user:root", issued.Record.CreatedBy)
	rec, err := w.service.UpdateKey(ctx, by, id, seen, func(s *keys.Settings) error { s.Name, s.Scopes = "Website 2", nil; return nil })
	require.NoError(t, err)
	require.Equal(t, "Website 2", rec.Name)
	require.Equal(t, "editor", rec.Role, "what is not changed stays")
	_, err = w.service.UpdateKey(ctx, by, id, "", func(*keys.Settings) error { return nil })
	require.NoError(t, err)
	_, err = w.service.SetKeyState(ctx, by, id, "", keys.StateExpired)
	require.ErrorIs(t, err, admin.ErrInput)
	stop := errors.New("no edit")
	_, err = w.service.UpdateKey(ctx, by, id, "", func(*keys.Settings) error { return stop })
	require.ErrorIs(t, err, stop)

	type change = func(context.Context, auth.Principal, string, admin.Tag) (keys.Record, error)
	refresh := func(ctx context.Context, by auth.Principal, id string, match admin.Tag) (keys.Record, error) {
		issued, err := w.service.RefreshKey(ctx, by, id, match, keys.Renewal{})
		return issued.Record, err
	}
	set := func(to keys.State) change {
		return func(ctx context.Context, by auth.Principal, id string, match admin.Tag) (keys.Record, error) {
			return w.service.SetKeyState(ctx, by, id, match, to)
		}
	}
	disable, enable, invalidate := set(keys.StateDisabled), set(keys.StateActive), set(keys.StateInvalidated)
	for _, do := range []change{disable, enable, invalidate, refresh} {
		_, err := do(ctx, by, id, seen)
		require.ErrorIs(t, err, admin.ErrChanged)
	}
	require.ErrorIs(t, w.service.RemoveKey(ctx, by, id, seen), admin.ErrChanged)
	require.ErrorIs(t, w.service.RemoveKey(ctx, by, id, ""), admin.ErrConflict, "it is not invalidated")
	for _, step := range []struct {
		do   change
		want keys.State
	}{{disable, keys.StateDisabled}, {enable, keys.StateActive}, {refresh, keys.StateActive}, {invalidate, keys.StateInvalidated}} {
		for range 2 { // a second call succeeds
			rec, err := step.do(ctx, by, id, "")
			require.NoError(t, err)
			require.Equal(t, step.want, rec.State(time.Now()))
		}
	}
	for _, do := range []change{disable, enable, refresh} {
		_, err := do(ctx, by, id, "")
		require.ErrorIs(t, err, admin.ErrConflict)
	}
	_, err = w.service.UpdateKey(ctx, by, id, "", func(s *keys.Settings) error { s.Name = "x"; return nil })
	require.ErrorIs(t, err, admin.ErrConflict)
	require.NoError(t, w.service.RemoveKey(ctx, by, id, ""))
	require.ErrorIs(t, w.service.RemoveKey(ctx, by, id, ""), admin.ErrNotFound)
	_, err = w.service.Key(ctx, by, id)
	require.ErrorIs(t, err, admin.ErrNotFound)

	var done []string
	for _, r := range w.records() {
		require.Equal(t, id, r.Object)
		require.Equal(t, "user:root Root", r.Actor+" "+r.ActorName)
		done = append(done, r.Action)
	}
	require.Equal(t, []string{"key.remove", "key.invalidate", "key.refresh", "key.refresh", "key.enable", "key.disable", "key.update", "key.create"},
		done, "one record for each change, none where nothing changed")
	update := w.records()[6]
	require.Equal(t, "Website", update.Before["name"])
	require.Equal(t, "Website 2", update.After["name"])
	require.Equal(t, []any{"content/posts/**"}, update.Before["scopes"])
	require.NotContains(t, update.After, "scopes")
	for _, member := range []string{"kind", "hint", "state", "role", "allowed_ips", "expires_at"} {
		require.Contains(t, update.After, member)
	}
	require.Contains(t, w.heard.String(), "key.refresh")
	require.NotContains(t, w.heard.String()+fmt.Sprint(w.records()), issued.Key.Reveal()[4:], "no record and no log holds a key")
}

// TestAUserAndTheirKey needs no permission.
func TestAUserAndTheirKey(t *testing.T) {
	w := newWorld(t, nil)
	ctx, ada := t.Context(), w.user("ada")
	_, err := w.service.UserKey(ctx, ada, "ada")
	require.ErrorIs(t, err, admin.ErrNotFound)
	issued, err := w.service.CreateUserKey(ctx, ada, "ada", keys.User{Name: "laptop"})
	require.NoError(t, err)
	_, err = w.service.CreateUserKey(ctx, ada, "ada", keys.User{})
	require.ErrorIs(t, err, admin.ErrConflict, "she has one")
	by := w.holder(issued)
	rec, err := w.service.UserKey(ctx, by, "ada")
	require.NoError(t, err)
	require.Equal(t, issued.Record.ID, rec.ID)
	_, err = w.service.Key(ctx, by, rec.ID)
	require.NoError(t, err)
	_, err = w.service.RefreshKey(ctx, by, rec.ID, "", keys.Renewal{})
	require.NoError(t, err)
	n, err := w.service.InvalidateUserKeys(ctx, ada, "ada", "")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = w.service.InvalidateUserKeys(ctx, ada, "ada", "")
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = w.service.UserKey(ctx, ada, "ada")
	require.ErrorIs(t, err, admin.ErrNotFound)
	for _, id := range []string{"", "bob", strings.Repeat("x", 2000)} {
		_, err = w.service.InvalidateUserKeys(ctx, ada, id, "")
		require.ErrorIs(t, err, admin.ErrForbidden)
	}
	_, err = w.service.InvalidateUserKeys(ctx, w.root(), "", "")
	require.ErrorIs(t, err, admin.ErrNotFound)
	n, err = w.service.InvalidateUserKeys(ctx, w.root(), strings.Repeat("x", 2000), "")
	require.NoError(t, err, "no user can have this ID")
	require.Zero(t, n)
	var done []string
	for _, r := range w.records() {
		done = append(done, r.Actor+" "+r.Action)
	}
	require.Equal(t, []string{"user:ada userkey.invalidate_all", "user:ada userkey.refresh", "user:ada userkey.create"}, done)
}

// TestTheAuditLogNamesThePeer passes the address of a request to a change.
func TestTheAuditLogNamesThePeer(t *testing.T) {
	w := newWorld(t, nil)
	for peer, want := range map[string]string{"192.0.2.7:1234": "192.0.2.7", "nowhere": ""} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = peer
		_, err := w.service.CreateKey(w.service.Context(r), w.root(), keys.Custom{})
		require.NoError(t, err)
		require.Equal(t, want, w.records()[0].From)
	}
}

// TestInputThatIsNotValid names the field.
func TestInputThatIsNotValid(t *testing.T) {
	w := newWorld(t, nil)
	ctx, value := t.Context(), w.custom(keys.Custom{}).Key.Reveal()
	network := netip.MustParsePrefix("192.0.2.0/24")
	create := func(k keys.Custom) error { _, err := w.service.CreateKey(ctx, w.root(), k); return err }
	createOwn := func(k keys.User) error { _, err := w.service.CreateUserKey(ctx, w.user("bob"), "bob", k); return err }
	own, other := w.userKey("ada", keys.User{}).Record.ID, w.custom(keys.Custom{}).Record.ID
	update := func(id string, edit func(*keys.Settings)) error {
		_, err := w.service.UpdateKey(ctx, w.root(), id, "", func(s *keys.Settings) error { edit(s); return nil })
		return err
	}
	role := func(r roles.Role) error { return w.service.CreateRole(ctx, w.root(), r) }
	open := func(appid string) error {
		_, err := w.service.OpenPublic(ctx, w.root(), appid, admin.Confirmation{})
		return err
	}
	preview := func(appid string) error { _, err := w.service.PreviewPublic(ctx, w.root(), appid); return err }
	list := func(f keys.Filter) error { _, _, err := w.service.Keys(ctx, w.root(), f, ""); return err }
	for _, c := range []struct {
		field string
		err   error
	}{
		{"name", create(keys.Custom{Name: strings.Repeat("a", 201)})}, {"name", create(keys.Custom{Name: "a\nb"})},
		{"name", create(keys.Custom{Name: "\xff"})}, {"name", create(keys.Custom{Name: "x" + value + "x"})},
		{"scopes", create(keys.Custom{Scopes: make([]string, 65)})}, {"scopes", create(keys.Custom{Scopes: []string{"a b"}})},
		{"scopes", create(keys.Custom{Scopes: []string{"a/" + value}})},
		{"allowed_ips", create(keys.Custom{AllowedIPs: slices.Repeat([]netip.Prefix{network}, 65)})},
		{"allowed_ips", create(keys.Custom{AllowedIPs: []netip.Prefix{{}}})},
		{"allowed_ips", create(keys.Custom{AllowedIPs: []netip.Prefix{netip.MustParsePrefix("::ffff:192.0.2.0/120")}})},
		{"role", create(keys.Custom{Role: "ghost"})}, {"role", create(keys.Custom{Role: value})},
		{"expires_at", create(keys.Custom{ExpiresAt: in(-time.Hour)})},
		{"name", update(other, func(s *keys.Settings) { s.Name = "a\nb" })}, {"role", update(other, func(s *keys.Settings) { s.Role = "ghost" })},
		{"name", createOwn(keys.User{Name: value})},
		{"role", update(own, func(s *keys.Settings) { s.Role = "editor" })},
		{"appid", role(roles.Role{AppID: "ADMIN"})}, {"appid", role(roles.Role{AppID: "a b"})}, {"appid", role(roles.Role{AppID: value})},
		{"name", role(roles.Role{AppID: "x", Name: value})}, {"info", role(roles.Role{AppID: "x", Info: "see " + value})},
		{"inherits", role(roles.Role{AppID: "x", Inherits: []string{value}})},
		{"permissions", role(roles.Role{AppID: "x", Permissions: roles.Grants{"a/" + value: true}})},
		{"role", open("ghost")}, {"role", open("")}, {"role", open("Admin")}, {"role", preview("ghost")}, {"role", preview("admin")},
		{"kind", list(keys.Filter{Kind: "x"})}, {"state", list(keys.Filter{State: "x"})},
	} {
		var refused *admin.Error
		require.ErrorAs(t, c.err, &refused, c.field)
		require.ErrorIs(t, c.err, admin.ErrInput)
		require.Equal(t, c.field, refused.Field, c.err)
		require.NotContains(t, c.err.Error(), value[4:], "a key is not repeated")
	}
	_, err := w.service.RefreshKey(ctx, w.root(), own, "", keys.Renewal{ExpiresAt: in(-time.Hour)})
	require.ErrorContains(t, err, "admin: expires_at is not possible")
	_, err = w.service.RefreshKey(ctx, w.root(), own, "", keys.Renewal{Overlap: -1})
	require.ErrorContains(t, err, "admin: overlap is not possible")
	most := keys.Custom{Name: strings.Repeat("a", 200), Scopes: slices.Repeat([]string{"content/posts/read"}, 64), AllowedIPs: slices.Repeat([]netip.Prefix{network}, 64)}
	require.NoError(t, create(most))
	require.Len(t, w.records(), 1)
}
