package adminapi_test

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

// TestAStoreErrorIsNoVerdict has stores fail. The answer is 503, without the text of the error.
func TestAStoreErrorIsNoVerdict(t *testing.T) {
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
	t.Run("sign-in", func(t *testing.T) { // the host is asked whether a user is signed in as well
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
