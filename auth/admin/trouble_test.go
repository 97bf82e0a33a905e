package admin_test

import (
	"context"
	"errors"
	"net/http"
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

// TestTrouble has stores fail. It is never a verdict, and what they say stays inside.
func TestTrouble(t *testing.T) {
	check := func(t *testing.T, w *world, method, path string, body any) {
		t.Helper()
		r := w.expect(503, w.call(root, method, path, body))
		require.NotContains(t, r.text, "sdz")
		require.NotEmpty(t, r.header.Get("Retry-After"))
		require.Empty(t, r.string("key"))
	}
	t.Run("audit", func(t *testing.T) {
		w := newWorld(t, nil, func(c *admin.Config) { c.Audit = brokenLog{} })
		check(t, w, "POST", "/keys", aKey)
		check(t, w, "POST", "/me/key", nil)
		check(t, w, "POST", "/roles", map[string]any{"appid": "x"})
	})
	t.Run("audit that cannot be listed", func(t *testing.T) {
		w := newWorld(t, nil, func(c *admin.Config) { c.Audit = audit.Slog(quiet) })
		check(t, w, "GET", "/audit", nil)
	})
	t.Run("names", func(t *testing.T) {
		w := newWorld(t, nil)
		opening := w.opening("viewer")
		w.names = func() (map[string][]string, error) { return nil, errDisk }
		check(t, w, "GET", "/permissions", nil)
		check(t, w, "GET", "/matrix", nil)
		check(t, w, "GET", "/public/preview?role=viewer", nil)
		check(t, w, "PUT", "/public", opening)
	})
	t.Run("transaction", func(t *testing.T) {
		w := newWorld(t, nil, func(c *admin.Config) {
			c.InTx = func(ctx context.Context, f func(context.Context) error) error { return errors.Join(f(ctx), errDisk) }
		})
		check(t, w, "POST", "/keys", aKey)
	})
	t.Run("roles", func(t *testing.T) {
		w := newWorld(t, nil)
		now, err := w.rows.Revision(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.rows.Save(t.Context(), roles.Role{AppID: "a b"}, now))
		check(t, w, "POST", "/keys", aKey) // what is stored makes no sense: nothing can be judged by it
	})
	t.Run("users", func(t *testing.T) {
		w := newWorld(t, nil)
		by := w.root()
		w.users.fail(errDisk)
		_, err := w.service.CreateKey(t.Context(), by, keys.Custom{})
		require.ErrorIs(t, err, errDisk)
		_, err = w.service.RoleUsage(t.Context(), by, "editor")
		require.ErrorIs(t, err, errDisk)
	})
	t.Run("sign-in", func(t *testing.T) { // of a host that is asked whether somebody is signed in besides
		for name, signedIn := range map[string]func(*http.Request) (string, error){
			"fails": func(*http.Request) (string, error) { return "", errDisk }, "panics": func(*http.Request) (string, error) { panic(errDisk) },
			"hangs": func(r *http.Request) (string, error) { <-t.Context().Done(); return "", nil },
		} {
			w := newWorld(t, nil, func(c *admin.Config) {
				guard, err := auth.New(auth.Config{Keys: c.Keys, Roles: c.Roles, Users: c.Users, SignedIn: signedIn, Timeout: 50 * time.Millisecond})
				require.NoError(t, err)
				c.Guard = guard
			})
			key := credential(w.custom(keys.Custom{Role: "admin"}).Key.Reveal())
			r := w.expect(503, w.call(key, "POST", "/keys", aKey))
			require.NotContains(t, r.text, "sdz", name)
			require.Empty(t, w.records(), name)
		}
	})
	t.Run("time", func(t *testing.T) {
		w := newWorld(t, nil, func(c *admin.Config) {
			c.Timeout = 20 * time.Millisecond
			c.InTx = func(ctx context.Context, _ func(context.Context) error) error { <-ctx.Done(); return ctx.Err() }
		})
		check(t, w, "POST", "/keys", aKey)
	})
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
	_, disabled := w.service.DisableKey(t.Context(), max, custom.Record.ID, "")
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

	var nobody auth.Principal
	var refusal *auth.Refusal
	require.ErrorAs(t, create(nobody), &refusal)
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
