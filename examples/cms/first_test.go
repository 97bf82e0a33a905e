package main

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

// logTo writes a node's log to the test's log.
func logTo(t *testing.T) *log.Logger { return log.New(testWriter{t}, "", 0) }

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}

var (
	customLine = regexp.MustCompile(`^custom key (API-[0-9a-f]{40}) \(role (\w+); shown once\)$`)
	userLine   = regexp.MustCompile(`^user key (USR-[0-9a-f]{40}) \(Ada, role reader; shown once\)$`)
)

func TestAStrangersFirstMinute(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r := start(t, c)
		require.Len(t, r.printed, 6, "address, two keys, a password, database, empty line: %q", r.printed)
		require.Regexp(t, `^listening on http://127\.0\.0\.1:[0-9]+$`, r.printed[0])
		require.Regexp(t, customLine, r.printed[1])
		require.Regexp(t, userLine, r.printed[2])
		editor, ada := customLine.FindStringSubmatch(r.printed[1])[1], userLine.FindStringSubmatch(r.printed[2])[1]
		wrong := editor[:43] + string('0'+(editor[43]+1)%8)

		for _, c := range []struct {
			about, method, path, key, body string
			want                           int
		}{
			{"the navigation is public", "GET", "/api/pages/menus", "", "", 200},
			{"so are pages", "GET", "/api/content/items/pages", "", "", 200},
			{"posts are not", "GET", "/api/content/items/posts", "", "", 401},
			{"a user may read", "GET", "/api/content/items/posts", ada, "", 200},
			{"a user may not write", "POST", "/api/content/item/posts", ada, `{"data":{"title":"x"}}`, 403},
			{"the custom key may", "POST", "/api/content/item/posts", editor, `{"data":{"title":"x"}}`, 200},
			{"anonymous", "POST", "/api/content/item/posts", "", `{"data":{"title":"x"}}`, 401},
			{"a mistyped key is refused where none is needed", "GET", "/api/pages/menus", wrong, "", 401},
			{"a draft is not there", "GET", "/api/content/item/posts/plans", ada, "", 404},
			{"an address that is none", "GET", "/api/nothing", "", "", 404},
		} {
			status, body := r.ask(t, c.method, c.path, c.key, c.body)
			require.Equal(t, c.want, status, "%s: %v", c.about, body)
		}
		_, menus := r.ask(t, "GET", "/api/pages/menus", "")
		require.Equal(t, []any{map[string]any{"name": "pages", "links": []any{
			map[string]any{"title": "Home", "url": "/", "children": []any{}},
			map[string]any{"title": "About", "url": "/about", "children": []any{
				map[string]any{"title": "Team", "url": "/about/team", "children": []any{}},
			}},
		}}}, menus)

		r.stop()
		again := start(t, c)
		require.Len(t, again.printed, 3, "no keys are made the second time: %q", again.printed)
		require.Equal(t, 200, again.status(t, "GET", "/api/content/items/posts", ada))
		require.Equal(t, 200, again.status(t, "GET", "/api/pages/menus", ""))
	})
}

// A file without keys would leave no caller with access, so an admin's key is made.
func TestAFileWithoutKeys(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, `{"models": [{"name": "posts", "type": "collection"}], "items": {"posts": [{"_state": 1, "title": "A"}]}}`)
		r := start(t, c)
		found := customLine.FindStringSubmatch(r.printed[1])
		require.NotNil(t, found, "%q", r.printed)
		require.Equal(t, "admin", found[2])
		require.Equal(t, []any{"A"}, r.titles(t, "/api/content/items/posts", found[1], "title"))
		require.Equal(t, 401, r.status(t, "GET", "/api/pages/menus", ""), "the public API is closed")
		r.stop()

		again := start(t, c)
		require.Len(t, again.printed, 3, "%q", again.printed)
		require.Equal(t, []any{"A"}, again.titles(t, "/api/content/items/posts", found[1], "title"), "loaded once, with an _id or without")
	})
}

func file(t *testing.T, text string) string {
	name := filepath.Join(t.TempDir(), "documents.json")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

func TestThePepper(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		c := config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db")}
		start(t, c).stop()
		info, err := os.Stat(c.db + ".pepper")
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		secret, err := os.ReadFile(c.db + ".pepper")
		require.NoError(t, err)
		require.Len(t, secret, 65, "64 hex digits and a newline")

		require.NoError(t, os.Remove(c.db+".pepper"))
		_, err = open(t.Context(), c, logTo(t))
		require.ErrorContains(t, err, "pepper", "without it every key would be refused")
		require.NoFileExists(t, c.db+".pepper", "and a new one would not help")
		require.NoError(t, os.WriteFile(c.db+".pepper", []byte("another one, long enough"), 0o600))
		_, err = open(t.Context(), c, logTo(t))
		require.ErrorContains(t, err, "not the pepper")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		c := config{addr: "127.0.0.1:0", db: pgserver.Shared(t).NewDatabase(t)}
		n, err := open(t.Context(), c, logTo(t))
		require.NoError(t, err, "a database without peppered keys needs none")
		require.NoError(t, n.close(context.Background()))
		c.load = fixture
		_, err = open(t.Context(), c, logTo(t))
		require.ErrorContains(t, err, "-pepper")
		c.pepper = filepath.Join(t.TempDir(), "pepper")
		start(t, c).stop()
		c.load, c.pepper = "", ""
		_, err = open(t.Context(), c, logTo(t))
		require.ErrorContains(t, err, "-pepper", "its keys need it now")
	})
}
