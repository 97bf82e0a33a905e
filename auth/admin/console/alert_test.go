package console_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
)

// A broken store fails when it is told to.
type broken struct {
	keys.Store
	now atomic.Bool
}

func (b *broken) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	if b.now.Load() {
		return nil, errors.New("disk of db7 is full")
	}
	return b.Store.List(ctx, space, f)
}

func (b *broken) Insert(ctx context.Context, r keys.Record) error {
	if b.now.Load() {
		return errors.New("disk of db7 is full")
	}
	return b.Store.Insert(ctx, r)
}

func TestStoreError(t *testing.T) {
	store := &broken{Store: keys.NewMemoryStore()}
	w := newWorldOver(t, store, func(*admin.Config) {})
	store.now.Store(true)
	for _, a := range []answer{
		w.get("kay", "/api"), w.get("bob", "/users/user"), w.get("ada", "/users/roles/role/editor"),
		w.send("kay", "POST", "/api/create", url.Values{"do": {"create"}, "name": {"x"}, "role": {"-"}}), w.send("bob", "POST", "/users/user", url.Values{"do": {"create"}}),
	} {
		w.expect(a, 503, "This cannot be answered now")
		require.NotContains(t, a.body, "db7")
		require.Equal(t, "1", a.header.Get("Retry-After"))
		require.Empty(t, keyIn.FindString(a.body))
	}
	store.now.Store(false)
	w.expect(w.get("bob", "/users/user"), 200, "No API key yet")
}

func TestRateLimit(t *testing.T) {
	w := newWorld(t)
	w.limited = true
	a := w.expect(w.get("ada", "/users/user"), 429, "That was too fast")
	require.Equal(t, "2", a.header.Get("Retry-After"))
}

func TestWhatTheHostDoesNotHave(t *testing.T) {
	w := newWorldOver(t, keys.NewMemoryStore(), func(c *admin.Config) {
		c.Public, c.Users = nil, nil
		c.Audit = audit.Slog(slog.New(slog.NewTextHandler(io.Discard, nil)))
	})
	own := w.expect(w.get("ada", "/users/user"), 200).body
	require.NotContains(t, own, `href="../api/public"`)
	require.NotContains(t, own, `href="../users"`)
	require.Contains(t, own, `href="../api"`)
	w.expect(w.get("ada", "/users/user/bob"), 404)
	w.expect(w.get("ada", "/api/public"), 404, "The public API is not managed here")
	w.expect(w.get("ada", "/users"), 404, "Users are not listed here")
	w.expect(w.get("ada", "/audit"), 404, "This log is written elsewhere")
	w.expect(w.get("ada", "/users/roles/create"), 200, "The application lists no permissions.")
	w.expect(w.get("ada", "/users/roles/role/viewer"), 200, "content/posts/read\n</textarea>")
	w.expect(w.get("ada", "/users/roles/matrix"), 200, "Addresses")
}

// TestNoKeyOnAnyOtherPage makes keys in every way, and looks for them everywhere else.
func TestNoKeyOnAnyOtherPage(t *testing.T) {
	w := newWorld(t)
	var shown []string
	see := func(a answer) {
		key := keyIn.FindString(w.expect(a, 200).body)
		require.NotEmpty(t, key)
		shown = append(shown, key)
	}
	see(w.post("ada", "/users/user", "create", nil))
	see(w.post("ada", "/users/user", "refresh", nil))
	see(w.post("ada", "/users/user/bob", "create", nil))
	see(w.post("ada", "/api/create", "create", url.Values{"name": {"Build"}, "role": {"-"}}))
	v, err := w.ring.Verify(t.Context(), shown[len(shown)-1])
	require.NoError(t, err)
	see(w.post("ada", "/api/key/"+v.ID(), "refresh", nil))

	pages := []string{"/users/roles", "/users/roles/role/viewer", "/users/roles/matrix"}
	for path := range everyPage(v.ID()) {
		pages = append(pages, path)
	}
	for _, path := range pages {
		a := w.expect(w.get("ada", path), 200)
		require.NotRegexp(t, keyIn, a.body, path)
		for _, key := range shown {
			require.NotContains(t, a.body, key[4:], path)
		}
	}
}
