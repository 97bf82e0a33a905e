package admin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

var errDisk = errors.New("disk /dev/sdz is full")

// brokenLog is an audit log that takes nothing.
type brokenLog struct{ audit.Log }

func (brokenLog) Append(context.Context, audit.Record) error { return errDisk }

// TestAStoreErrorIsNoVerdict has each part fail.
func TestAStoreErrorIsNoVerdict(t *testing.T) {
	ctx := t.Context()
	check := func(w *world, want error, calls ...func() error) {
		t.Helper()
		for i, call := range calls {
			err := call()
			require.ErrorIs(t, err, want, "%d", i)
			for _, verdict := range []error{admin.ErrForbidden, admin.ErrNotFound, admin.ErrInput, admin.ErrConflict, admin.ErrChanged} {
				require.NotErrorIs(t, err, verdict, "%d", i)
			}
		}
	}
	create := func(w *world) func() error {
		return func() error { _, err := w.service.CreateKey(ctx, w.root(), keys.Custom{}); return err }
	}
	w := newWorld(t, nil, func(c *admin.Config) { c.Audit = brokenLog{} })
	check(w, errDisk, create(w), func() error { return w.service.CreateRole(ctx, w.root(), roles.Role{AppID: "x"}) })

	w = newWorld(t, nil)
	preview, err := w.service.PreviewPublic(ctx, w.root(), "viewer")
	require.NoError(t, err)
	w.names = func() (map[string][]string, error) { return nil, errDisk }
	check(w, errDisk, func() error { _, err := w.service.Permissions(ctx, w.root()); return err },
		func() error { _, _, _, err := w.service.Matrix(ctx, w.root()); return err },
		func() error { _, err := w.service.PreviewPublic(ctx, w.root(), "viewer"); return err },
		func() error {
			_, err := w.service.OpenPublic(ctx, w.root(), "viewer", admin.Confirmation{Token: preview.Token})
			return err
		})

	w = newWorld(t, nil, func(c *admin.Config) {
		c.InTx = func(ctx context.Context, f func(context.Context) error) error { return errors.Join(f(ctx), errDisk) }
	})
	check(w, errDisk, create(w))

	w = newWorld(t, nil)
	now, err := w.rows.Revision(ctx)
	require.NoError(t, err)
	require.NoError(t, w.rows.Save(ctx, roles.Role{AppID: "a b"}, now))
	require.Error(t, create(w)(), "the stored roles do not compile")

	w = newWorld(t, nil)
	by := w.root()
	w.users.fail(errDisk)
	check(w, errDisk, func() error { _, err := w.service.CreateKey(ctx, by, keys.Custom{}); return err },
		func() error { _, err := w.service.RoleUsage(ctx, by, "editor"); return err },
		func() error { _, _, err := w.service.Users(ctx, by, admin.UserFilter{}); return err })

	w = newWorld(t, nil, func(c *admin.Config) {
		c.Timeout = 20 * time.Millisecond
		c.InTx = func(ctx context.Context, _ func(context.Context) error) error { <-ctx.Done(); return ctx.Err() }
	})
	check(w, context.DeadlineExceeded, create(w))
}

// TestTheActorIsWhoTheyAreNow changes who asks while a request of theirs is under way.
func TestTheActorIsWhoTheyAreNow(t *testing.T) {
	w := newWorld(t, nil)
	create := func(by auth.Principal) error {
		_, err := w.service.CreateKey(t.Context(), by, keys.Custom{Role: "editor"})
		return err
	}
	gone := func(by auth.Principal) {
		t.Helper()
		var refusal *auth.Refusal
		require.ErrorAs(t, create(by), &refusal)
		require.Equal(t, 401, refusal.Status)
	}
	for name, end := range map[string]func(id string) error{
		"disabled":    func(id string) error { return w.ring.Disable(t.Context(), id) },
		"invalidated": func(id string) error { return w.ring.Invalidate(t.Context(), id) },
		"refreshed":   func(id string) error { _, err := w.ring.Refresh(t.Context(), id, keys.Renewal{}); return err },
	} {
		issued := w.custom(keys.Custom{Name: name, Role: "keeper"})
		by := w.holder(issued)
		require.NoError(t, create(by))
		require.NoError(t, end(issued.Record.ID))
		gone(by)
	}
	w.users.set(auth.User{ID: "ken", Role: "keeper", Active: true})
	ken := w.user("ken")
	require.NoError(t, create(ken))
	w.users.set(auth.User{ID: "ken", Role: "viewer", Active: true})
	require.ErrorIs(t, create(ken), admin.ErrForbidden)
	w.users.set(auth.User{ID: "ken", Role: "keeper"})
	gone(ken)

	// What they still hold would cover it; the permission for it is gone.
	w.users.set(auth.User{ID: "max", Role: roles.Admin, Active: true})
	max, custom, bobs := w.user("max"), w.custom(keys.Custom{Role: "viewer"}), w.userKey("bob", keys.User{})
	w.users.set(auth.User{ID: "max", Role: "editor", Active: true})
	viewer, _ := w.roles.Policy().Role("viewer")
	viewer.Name = "Another name"
	_, created := w.service.CreateKey(t.Context(), max, keys.Custom{Role: "viewer"})
	_, refreshed := w.service.RefreshKey(t.Context(), max, custom.Record.ID, "", keys.Renewal{})
	_, others := w.service.RefreshKey(t.Context(), max, bobs.Record.ID, "", keys.Renewal{})
	_, renamed := w.service.UpdateKey(t.Context(), max, custom.Record.ID, "", func(s *keys.Settings) error { s.Name = "x"; return nil })
	_, disabled := w.service.SetKeyState(t.Context(), max, custom.Record.ID, "", keys.StateDisabled)
	_, ended := w.service.InvalidateUserKeys(t.Context(), max, "bob", "")
	_, opened := w.service.OpenPublic(t.Context(), max, "viewer", admin.Confirmation{})
	_, closed := w.service.ClosePublic(t.Context(), max, "")
	for i, err := range []error{created, refreshed, others, renamed, disabled, ended, opened, closed,
		w.service.RemoveKey(t.Context(), max, custom.Record.ID, ""), w.service.UpdateRole(t.Context(), max, viewer, admin.Confirmation{}),
		w.service.CreateRole(t.Context(), max, roles.Role{AppID: "x"}), w.service.DeleteRole(t.Context(), max, "warden", admin.Confirmation{})} {
		require.ErrorIs(t, err, admin.ErrForbidden, "%d", i)
	}

	for _, narrow := range []func(*keys.Settings) error{
		func(s *keys.Settings) error { s.Role = ""; return nil },
		func(s *keys.Settings) error { s.Role = "viewer"; return nil },
		func(s *keys.Settings) error { s.Scopes = []string{admin.ManageAPI}; return nil },
	} {
		issued := w.custom(keys.Custom{Role: "keeper"})
		by := w.holder(issued)
		_, err := w.ring.Update(t.Context(), issued.Record.ID, narrow)
		require.NoError(t, err)
		require.ErrorIs(t, create(by), admin.ErrForbidden)
	}

	var refusal *auth.Refusal
	require.ErrorAs(t, create(auth.Principal{}), &refusal)
	other := newWorld(t, nil)
	require.ErrorIs(t, create(other.as("admin")), admin.ErrForbidden, "a principal belongs to its guard")
}

// TestNothingIsShownThatIsNotDurable has the commit fail after the key was made.
func TestNothingIsShownThatIsNotDurable(t *testing.T) {
	w := newWorld(t, nil, func(c *admin.Config) { c.Audit = brokenLog{} })
	issued, err := w.service.CreateKey(t.Context(), w.root(), keys.Custom{})
	require.ErrorIs(t, err, errDisk)
	require.Zero(t, issued)
	issued, err = w.service.CreateUserKey(t.Context(), w.root(), "ada", keys.User{})
	require.ErrorIs(t, err, errDisk)
	require.Zero(t, issued)
}

// TestAnEditIsJudgedByWhatItChanges has the host change a key past the service, between the checks and the write.
func TestAnEditIsJudgedByWhatItChanges(t *testing.T) {
	w := newWorld(t, nil)
	for role, want := range map[string]error{roles.Admin: admin.ErrForbidden, "viewer": nil} {
		id, edits := w.custom(keys.Custom{Role: "editor"}).Record.ID, 0
		after, err := w.service.UpdateKey(t.Context(), w.as("keeper"), id, "", func(s *keys.Settings) error {
			if edits++; edits == 1 {
				_, err := w.ring.Update(t.Context(), id, func(s *keys.Settings) error { s.Role = role; return nil })
				require.NoError(t, err)
			}
			s.Name = "Mine"
			return nil
		})
		require.ErrorIs(t, err, want)
		rec, err := w.ring.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, role, rec.Role, "the host's change stays")
		require.Equal(t, want == nil, rec.Name == "Mine")
		require.Equal(t, want == nil, after.Name == "Mine")
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	_, err := admin.New(admin.Config{Timeout: -1})
	for _, name := range []string{"Keys", "Roles", "RoleStore", "Guard", "Audit", "Timeout"} {
		require.ErrorContains(t, err, "Config."+name)
	}
}

// TestNoUserOfAFailedQueryIsNoVerdict has the query of the caller fail with an error that also says that there is no such
// user.
func TestNoUserOfAFailedQueryIsNoVerdict(t *testing.T) {
	w := newWorld(t, nil)
	by := w.user("ada")
	w.users.fail(errors.Join(auth.ErrNoUser, keys.ErrStore))
	_, err := w.service.CreateUserKey(t.Context(), by, "ada", keys.User{})
	require.ErrorIs(t, err, keys.ErrStore)
	require.NotErrorIs(t, err, auth.ErrNoUser)
	var refusal *auth.Refusal
	require.False(t, errors.As(err, &refusal), "the caller is not refused")
	w.users.fail(nil)
	_, err = w.service.CreateUserKey(t.Context(), by, "ada", keys.User{})
	require.NoError(t, err)
}
