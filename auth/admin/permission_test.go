package admin_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// TestEveryPermissionIsNeeded calls each operation with each of the permissions of management alone.
func TestEveryPermissionIsNeeded(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	for _, appid := range []string{"empty", "spare"} {
		require.NoError(t, w.roles.Save(ctx, roles.Role{AppID: appid}))
	}
	w.users.set(auth.User{ID: "new", Active: true}) // without a role, so every caller covers it
	custom, owned := w.custom(keys.Custom{}).Record.ID, w.userKey("new", keys.User{}).Record.ID
	edit := func(*keys.Settings) error { return nil }
	s := w.service
	type op = func(auth.Principal) error
	ofKey := func(id, needs string) map[string]op {
		return map[string]op{
			"key " + needs:     func(by auth.Principal) error { _, err := s.Key(ctx, by, id); return err },
			"update " + needs:  func(by auth.Principal) error { _, err := s.UpdateKey(ctx, by, id, "", edit); return err },
			"refresh " + needs: func(by auth.Principal) error { _, err := s.RefreshKey(ctx, by, id, "", keys.Renewal{}); return err },
			"disable " + needs: func(by auth.Principal) error {
				_, err := s.SetKeyState(ctx, by, id, "", keys.StateDisabled)
				return err
			},
			"enable " + needs: func(by auth.Principal) error { _, err := s.SetKeyState(ctx, by, id, "", keys.StateActive); return err },
			"remove " + needs: func(by auth.Principal) error { return s.RemoveKey(ctx, by, id, "") },
			"invalidate " + needs: func(by auth.Principal) error {
				_, err := s.SetKeyState(ctx, by, "no key", "", keys.StateInvalidated)
				return errors.Join(err, s.RemoveKey(ctx, by, id, ""))
			},
		}
	}
	any := strings.Join([]string{admin.ManageAPI, admin.ManageRoles, admin.ManageUsers}, " ")
	all := map[string]op{
		"keys " + admin.ManageAPI: func(by auth.Principal) error { _, _, err := s.Keys(ctx, by, keys.Filter{}, ""); return err },
		"user keys " + admin.ManageUsers: func(by auth.Principal) error {
			_, _, err := s.Keys(ctx, by, keys.Filter{Kind: keys.KindUser}, "")
			return err
		},
		"create " + admin.ManageAPI:              func(by auth.Principal) error { _, err := s.CreateKey(ctx, by, keys.Custom{}); return err },
		"create a user's " + admin.ManageUsers:   func(by auth.Principal) error { _, err := s.CreateUserKey(ctx, by, "new", keys.User{}); return err },
		"a user's key " + admin.ManageUsers:      func(by auth.Principal) error { _, err := s.UserKey(ctx, by, "new"); return err },
		"end a user's keys " + admin.ManageUsers: func(by auth.Principal) error { _, err := s.InvalidateUserKeys(ctx, by, "none", ""); return err },
		"users " + admin.ManageUsers:             func(by auth.Principal) error { _, _, err := s.Users(ctx, by, admin.UserFilter{}); return err },
		"user " + admin.ManageUsers:              func(by auth.Principal) error { _, err := s.User(ctx, by, "new"); return err },
		"roles " + any:                           func(by auth.Principal) error { _, err := s.Roles(ctx, by); return err },
		"role " + any:                            func(by auth.Principal) error { _, err := s.Role(ctx, by, "empty"); return err },
		"permissions " + any:                     func(by auth.Principal) error { _, err := s.Permissions(ctx, by); return err },
		"matrix " + any:                          func(by auth.Principal) error { _, _, _, err := s.Matrix(ctx, by); return err },
		"explain " + any:                         func(by auth.Principal) error { _, _, err := s.Explain(ctx, by, "x", "x"); return err },
		"usage " + admin.ManageRoles:             func(by auth.Principal) error { _, err := s.RoleUsage(ctx, by, "empty"); return err },
		"create a role " + admin.ManageRoles:     func(by auth.Principal) error { return s.CreateRole(ctx, by, roles.Role{AppID: "other"}) },
		"update a role " + admin.ManageRoles: func(by auth.Principal) error {
			return s.UpdateRole(ctx, by, roles.Role{AppID: "empty", Name: "x"}, admin.Confirmation{})
		},
		"delete a role " + admin.ManageRoles: func(by auth.Principal) error { return s.DeleteRole(ctx, by, "spare", admin.Confirmation{}) },
		"public " + admin.ManageAPI:          func(by auth.Principal) error { _, _, err := s.Public(ctx, by); return err },
		"preview " + admin.ManageAPI:         func(by auth.Principal) error { _, err := s.PreviewPublic(ctx, by, ""); return err },
		"open " + admin.ManageAPI:            func(by auth.Principal) error { return w.open(by, "empty") },
		"close " + admin.ManageAPI:           func(by auth.Principal) error { _, err := s.ClosePublic(ctx, by, ""); return err },
		"audit " + admin.ReadLogs:            func(by auth.Principal) error { _, err := s.Audit(ctx, by, audit.Filter{}); return err },
	}
	maps.Copy(all, ofKey(custom, admin.ManageAPI))
	maps.Copy(all, ofKey(owned, admin.ManageUsers))
	for _, held := range []string{admin.ManageAPI, admin.ManageRoles, admin.ManageUsers, admin.ReadLogs, "content/**"} {
		by := w.holder(w.custom(keys.Custom{Role: roles.Admin, Scopes: []string{held}}))
		for what, do := range all {
			err := do(by)
			if !strings.Contains(what, held) {
				require.ErrorIs(t, err, admin.ErrForbidden, "%s with %s", what, held)
				continue
			}
			ok := err == nil || errors.Is(err, admin.ErrNotFound) || errors.Is(err, admin.ErrConflict) // in no order, so some come too late
			require.True(t, ok, "%s with %s: %v", what, held, err)
		}
	}
	logs := w.holder(w.custom(keys.Custom{Role: roles.Admin, Scopes: []string{admin.ReadLogs}}))
	_, none := s.Key(ctx, logs, "nothing")
	for _, id := range []string{custom, owned} {
		_, err := s.Key(ctx, logs, id)
		require.Equal(t, none, err, "a caller who manages no keys learns nothing about them")
	}
	for what, do := range all {
		var refusal *auth.Refusal
		require.ErrorAs(t, do(auth.Principal{}), &refusal, what)
	}
}

// TestSpacesNeverMeet has the administrator of one tenant reach for the keys of another.
func TestSpacesNeverMeet(t *testing.T) {
	w := newWorld(t, nil)
	ctx, other := t.Context(), w.ring.In("other")
	custom, err := other.IssueCustom(ctx, keys.Custom{Name: "Theirs", Role: "editor"})
	require.NoError(t, err)
	owned, err := other.IssueUser(ctx, "ada", keys.User{})
	require.NoError(t, err)
	for _, issued := range []keys.Issued{custom, owned} {
		id := issued.Record.ID
		_, read := w.service.Key(ctx, w.root(), id)
		_, updated := w.service.UpdateKey(ctx, w.root(), id, "", func(*keys.Settings) error { return nil })
		_, refreshed := w.service.RefreshKey(ctx, w.root(), id, "", keys.Renewal{})
		_, disabled := w.service.SetKeyState(ctx, w.root(), id, "", keys.StateDisabled)
		_, enabled := w.service.SetKeyState(ctx, w.root(), id, "", keys.StateActive)
		_, invalidated := w.service.SetKeyState(ctx, w.root(), id, "", keys.StateInvalidated)
		for i, err := range []error{read, updated, refreshed, disabled, enabled, invalidated, w.service.RemoveKey(ctx, w.root(), id, "")} {
			require.ErrorIs(t, err, admin.ErrNotFound, "%d", i)
		}
		_, err := other.Verify(ctx, issued.Key.Reveal())
		require.NoError(t, err)
	}
	_, err = w.service.UserKey(ctx, w.root(), "ada")
	require.ErrorIs(t, err, admin.ErrNotFound)
	n, err := w.service.InvalidateUserKeys(ctx, w.root(), "ada", "")
	require.NoError(t, err)
	require.Zero(t, n)
	require.Empty(t, w.records())
}
