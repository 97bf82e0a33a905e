package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// The old value of a refreshed key may be used until it ends, but it manages nothing.
func TestAnOldValueManagesNothing(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	other := w.custom(keys.Custom{Role: "editor"}).Record.ID
	for name, issued := range map[string]keys.Issued{"custom": w.custom(keys.Custom{Role: roles.Admin}), "user": w.userKey("root", keys.User{})} {
		t.Run(name, func(t *testing.T) {
			id, revision := issued.Record.ID, w.records()
			before := w.holder(issued)
			renewed, err := w.ring.Refresh(ctx, id, keys.Renewal{Overlap: time.Hour})
			require.NoError(t, err)
			by := w.holder(issued)
			require.True(t, by.Key().Previous())
			for what, do := range map[string]func() error{
				"refresh itself":      func() error { _, err := w.service.RefreshKey(ctx, by, id, "", keys.Renewal{}); return err },
				"refresh another":     func() error { _, err := w.service.RefreshKey(ctx, by, other, "", keys.Renewal{}); return err },
				"find a user's":       func() error { _, err := w.service.UserKey(ctx, by, "root"); return err },
				"invalidate itself":   func() error { _, err := w.service.SetKeyState(ctx, by, id, "", keys.StateInvalidated); return err },
				"create":              func() error { _, err := w.service.CreateKey(ctx, by, keys.Custom{}); return err },
				"create a user's":     func() error { _, err := w.service.CreateUserKey(ctx, by, "root", keys.User{}); return err },
				"invalidate a user's": func() error { _, err := w.service.InvalidateUserKeys(ctx, by, "root", ""); return err },
				"disable":             func() error { _, err := w.service.SetKeyState(ctx, by, other, "", keys.StateDisabled); return err },
				"enable":              func() error { _, err := w.service.SetKeyState(ctx, by, other, "", keys.StateActive); return err },
				"update": func() error {
					_, err := w.service.UpdateKey(ctx, by, id, "", func(*keys.Settings) error { return nil })
					return err
				},
				"remove":         func() error { return w.service.RemoveKey(ctx, by, other, "") },
				"look at itself": func() error { _, err := w.service.Key(ctx, by, id); return err },
				"look at a user": func() error { _, err := w.service.User(ctx, by, "root"); return err },
				"list keys":      func() error { _, _, err := w.service.Keys(ctx, by, keys.Filter{}, ""); return err },
				"list users":     func() error { _, _, err := w.service.Users(ctx, by, admin.UserFilter{}); return err },
				"create a role":  func() error { return w.service.CreateRole(ctx, by, roles.Role{AppID: "mine"}) },
				"update a role":  func() error { return w.service.UpdateRole(ctx, by, roles.Role{AppID: "editor"}, admin.Confirmation{}) },
				"delete a role":  func() error { return w.service.DeleteRole(ctx, by, "editor", admin.Confirmation{}) },
				"list roles":     func() error { _, err := w.service.Roles(ctx, by); return err },
				"open":           func() error { _, err := w.service.OpenPublic(ctx, by, "viewer", admin.Confirmation{}); return err },
				"preview":        func() error { _, err := w.service.PreviewPublic(ctx, by, "viewer"); return err },
				"close":          func() error { _, err := w.service.ClosePublic(ctx, by, ""); return err },
				"read the log":   func() error { _, err := w.service.Audit(ctx, by, audit.Filter{}); return err },
				"read the table": func() error { _, _, _, err := w.service.Matrix(ctx, by); return err },
			} {
				var refused *admin.Error
				require.ErrorAs(t, do(), &refused, what)
				require.Equal(t, admin.ErrForbidden, refused.Err, what)
				require.Contains(t, refused.Error(), "old value of a key that was refreshed", what)
				require.Contains(t, refused.Error(), "have an operator refresh the key again", what)
			}
			require.Equal(t, revision, w.records(), "nothing was done")

			// The value that was current when the request came in, and is not any more.
			_, err = w.service.CreateKey(ctx, before, keys.Custom{})
			require.Error(t, err)

			// The new value refreshes, and an operator does.
			_, err = w.service.RefreshKey(ctx, w.holder(renewed), id, "", keys.Renewal{})
			require.NoError(t, err)
			_, err = w.service.RefreshKey(ctx, w.root(), id, "", keys.Renewal{})
			require.NoError(t, err)
		})
	}
}
