package admin_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func TestRoles(t *testing.T) {
	w := newWorld(t, nil)
	ctx, by := t.Context(), w.root()
	role := roles.Role{AppID: "temp", Name: "Temp", Permissions: roles.Grants{"content/pages/read": true}}
	require.NoError(t, w.service.CreateRole(ctx, by, role))
	require.True(t, w.roles.Policy().Has("temp"), "the next request meets what was saved")
	require.ErrorIs(t, w.service.CreateRole(ctx, by, role), admin.ErrConflict)
	seen := admin.Confirmation{Match: admin.Revision(role)}
	role.Name = "Temp 2"
	require.NoError(t, w.service.UpdateRole(ctx, by, role, seen))
	require.NoError(t, w.service.UpdateRole(ctx, by, role, admin.Confirmation{}), "it is so already")
	require.ErrorIs(t, w.service.UpdateRole(ctx, by, role, seen), admin.ErrChanged)
	require.ErrorIs(t, w.service.DeleteRole(ctx, by, "temp", seen), admin.ErrChanged)
	require.ErrorIs(t, w.service.UpdateRole(ctx, by, roles.Role{AppID: "ghost"}, admin.Confirmation{}), admin.ErrNotFound)
	stored, err := w.service.Role(ctx, by, "temp")
	require.NoError(t, err)
	require.Equal(t, role, stored)
	all, err := w.service.Roles(ctx, by)
	require.NoError(t, err)
	require.Len(t, all, len(theRoles)+1)
	require.NoError(t, w.service.DeleteRole(ctx, by, "temp", admin.Confirmation{Match: admin.Revision(role)}))
	require.ErrorIs(t, w.service.DeleteRole(ctx, by, "temp", admin.Confirmation{}), admin.ErrNotFound)
	_, err = w.service.Role(ctx, by, "temp")
	require.ErrorIs(t, err, admin.ErrNotFound)
	_, err = w.service.RoleUsage(ctx, by, "temp")
	require.ErrorIs(t, err, admin.ErrNotFound)
	var done []string
	for _, r := range w.records() {
		done = append(done, r.Action)
	}
	require.Equal(t, []string{"role.delete", "role.update", "role.create"}, done)
	update := w.records()[1]
	require.Equal(t, "Temp", update.Before["name"])
	require.Equal(t, "Temp 2", update.After["name"])
	require.Equal(t, map[string]any{"content/pages/read": true}, update.After["permissions"])
	require.Nil(t, w.records()[0].After)
}

func TestDeletingARoleShowsWhatItTouches(t *testing.T) {
	w := newWorld(t, nil)
	ctx, by := t.Context(), w.root()
	require.ErrorIs(t, w.service.DeleteRole(ctx, by, "editor", admin.Confirmation{}), admin.ErrConflict, "others inherit from it")
	kept := w.custom(keys.Custom{Name: "Site", Role: "viewer"}).Record.ID
	ended := w.custom(keys.Custom{Role: "viewer"}).Record.ID
	require.NoError(t, w.ring.Invalidate(ctx, ended))
	require.NoError(t, w.open(by, "viewer"))
	usage, err := w.service.RoleUsage(ctx, by, "viewer")
	require.NoError(t, err)
	require.Equal(t, []any{1, 1, true, true}, []any{usage.KeyCount, usage.UserCount, usage.Public, usage.Touches})
	require.Equal(t, kept, usage.Keys[0].ID)
	require.Equal(t, "bob", usage.Users[0].ID)
	of, err := w.service.RoleUsage(ctx, by, "editor")
	require.NoError(t, err)
	require.Equal(t, []string{"keeper", "rolemaker", "warden"}, of.Heirs)

	var used *admin.Error
	err = w.service.DeleteRole(ctx, by, "viewer", admin.Confirmation{})
	require.ErrorAs(t, err, &used)
	require.ErrorIs(t, err, admin.ErrConflict)
	require.EqualError(t, err, `admin: role "viewer" is in use: its deletion has to be confirmed`)
	require.Equal(t, usage, *used.Usage)
	w.users.set(auth.User{ID: "eve", Role: "viewer", Active: true})
	require.ErrorAs(t, w.service.DeleteRole(ctx, by, "viewer", admin.Confirmation{Token: usage.Confirm}), &used)
	require.NotEqual(t, usage.Confirm, used.Usage.Confirm, "another user has the role")
	require.True(t, w.roles.Policy().Has("viewer"))
	require.NoError(t, w.service.DeleteRole(ctx, by, "viewer", admin.Confirmation{Token: used.Usage.Confirm}))
	require.False(t, w.roles.Policy().Has("viewer"))
	rec, err := w.ring.Get(ctx, kept)
	require.NoError(t, err)
	require.Empty(t, rec.Role)
	setting, _, err := w.service.Public(ctx, by)
	require.NoError(t, err)
	require.Empty(t, setting.Role)
	require.Equal(t, []any{2.0, 2.0, true}, []any{w.records()[0].Before["keys"], w.records()[0].Before["users"], w.records()[0].Before["public"]},
		"of all states")
	for _, appid := range []string{"x1", "x2", "x3"} { // each alone makes a confirmation necessary
		require.NoError(t, w.service.CreateRole(ctx, by, roles.Role{AppID: appid}))
	}
	w.custom(keys.Custom{Role: "x1"})
	w.users.set(auth.User{ID: "eve", Role: "x2", Active: true})
	require.NoError(t, w.open(by, "x3"))
	for _, appid := range []string{"x1", "x2", "x3"} {
		require.ErrorIs(t, w.service.DeleteRole(ctx, by, appid, admin.Confirmation{}), admin.ErrConflict, appid)
	}
}

// TestAUsageListsOnlyWhatTheCallerManages asks with the permission to manage roles alone, and with more.
func TestAUsageListsOnlyWhatTheCallerManages(t *testing.T) {
	w := newWorld(t, nil)
	w.custom(keys.Custom{Role: "viewer"})
	for scopes, sees := range map[string]struct{ keys, users int }{
		admin.ManageRoles: {}, admin.ManageRoles + " " + admin.ManageAPI: {keys: 1}, admin.ManageRoles + " " + admin.ManageUsers: {users: 1},
	} {
		by := w.holder(w.custom(keys.Custom{Role: roles.Admin, Scopes: append(strings.Fields(scopes), "content/posts/read")}))
		usage, err := w.service.RoleUsage(t.Context(), by, "viewer")
		require.NoError(t, err)
		var used *admin.Error
		require.ErrorAs(t, w.service.DeleteRole(t.Context(), by, "viewer", admin.Confirmation{}), &used)
		for _, u := range []admin.Usage{usage, *used.Usage} {
			require.Equal(t, []int{1, 1, sees.keys, sees.users}, []int{u.KeyCount, u.UserCount, len(u.Keys), len(u.Users)}, scopes)
			require.NotEmpty(t, u.Confirm)
		}
	}
}

// TestUsersOfADeletedRoleHaveNone deletes a role and saves another one under its appid.
func TestUsersOfADeletedRoleHaveNone(t *testing.T) {
	broken := true
	var w *world
	w = newWorld(t, nil, func(c *admin.Config) {
		c.DropRole = func(_ context.Context, appid string) error {
			if broken {
				return errDisk
			}
			w.users.drop(appid)
			return nil
		}
	})
	remove := func() error {
		usage, err := w.service.RoleUsage(t.Context(), w.root(), "viewer")
		require.NoError(t, err)
		return w.service.DeleteRole(t.Context(), w.root(), "viewer", admin.Confirmation{Token: usage.Confirm})
	}
	require.ErrorIs(t, remove(), errDisk)
	require.True(t, w.roles.Policy().Has("viewer"))
	broken = false
	require.NoError(t, remove())
	require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: "viewer", Permissions: roles.Grants{"content/**": true}}))
	require.Empty(t, w.user("bob").Role(), "the new role is another one")
	require.Equal(t, "editor", w.user("ada").Role())
}

// TestUsersThatRepeat has the host's list of users go on for ever.
func TestUsersThatRepeat(t *testing.T) {
	w := newWorld(t, nil, func(c *admin.Config) { c.Users = repeating{c.Users} })
	_, err := w.service.RoleUsage(t.Context(), w.root(), "viewer")
	require.ErrorContains(t, err, "another user than the one requested")
}

// repeating answers each question for users with the first page.
type repeating struct{ admin.Users }

func (r repeating) List(ctx context.Context, f admin.UserFilter) ([]auth.User, error) {
	users, err := r.Users.List(ctx, admin.UserFilter{Limit: 1})
	return slices.Repeat(users, f.Limit), err
}
