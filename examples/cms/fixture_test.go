package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// keyOf reads the fixture's keys by the name of the custom key or the user.
func keyOf(t *testing.T) func(name string) string {
	text, err := os.ReadFile(fixture)
	require.NoError(t, err)
	var f struct {
		Users []struct{ User, APIKey string }
		Keys  []struct{ Name, Key string } `json:"api_keys"`
	}
	require.NoError(t, json.Unmarshal(text, &f))
	byName := map[string]string{"": ""}
	for _, u := range f.Users {
		byName[u.User] = u.APIKey
	}
	for _, k := range f.Keys {
		byName[k.Name] = k.Key
	}
	return func(name string) string {
		key, ok := byName[name]
		require.True(t, ok, name)
		return key
	}
}

// The status for each key of the fixture on: posts, the secret collection, the settings, the menu, and writing a
// post.
func TestTheFixture(t *testing.T) {
	const write = `{"data":{"title":"new"}}`
	onEach(t, func(t *testing.T, c config) {
		c.load = fixture
		r, key := start(t, c), keyOf(t)
		require.Len(t, r.printed, 4, "it brings keys, so none are made, but a password: %q", r.printed)
		for _, c := range []struct {
			name                                string
			posts, secret, settings, menu, post int
		}{
			{"", 200, 401, 401, 200, 401}, // the public role is web
			{"root2", 200, 200, 200, 200, 200},
			{"ed", 200, 403, 200, 403, 200},
			{"rea", 200, 403, 403, 403, 403},
			{"dead", 401, 401, 401, 401, 401}, // inactive
			{"deadadmin", 401, 401, 401, 401, 401},
			{"ghost", 403, 403, 403, 403, 403}, // its role was removed
			{"emp", 403, 403, 403, 403, 403},
			{"dra", 200, 403, 403, 403, 200},
			{"pubrole", 200, 403, 403, 200, 403},
			{"orphan", 403, 403, 403, 403, 403},
			{"k-editor", 200, 403, 200, 403, 200},
			{"k-reader", 200, 403, 403, 403, 403},
			{"k-admin", 200, 200, 200, 200, 200},
			{"k-null", 403, 403, 403, 403, 403}, // less than no key
			{"k-empty-string", 403, 403, 403, 403, 403},
			{"k-gone", 403, 403, 403, 403, 403},
			{"k-empty", 403, 403, 403, 403, 403},
			{"k-menu", 200, 403, 403, 200, 403},
			{"k-drafter", 200, 403, 403, 403, 200},
			{"k-plain", 200, 403, 403, 403, 403},
			{"k-case", 200, 403, 403, 403, 403},
			{"k-space", 200, 403, 403, 403, 403},
			{"k-utf8", 200, 403, 403, 403, 403},
			{"k-orphan", 403, 403, 403, 403, 403},
			{"public", 401, 401, 401, 401, 401}, // a role's name is not a key
		} {
			got := [5]int{
				r.status(t, "GET", "/api/content/items/posts", key(c.name)),
				r.status(t, "GET", "/api/content/items/secret", key(c.name)),
				r.status(t, "GET", "/api/content/item/settings", key(c.name)),
				r.status(t, "GET", "/api/pages/menus", key(c.name)),
				r.status(t, "POST", "/api/content/item/posts", key(c.name), write),
			}
			require.Equal(t, [5]int{c.posts, c.secret, c.settings, c.menu, c.post}, got, "%q", c.name)
		}
		require.Equal(t, 401, r.status(t, "GET", "/api/content/items/posts", strings.ToLower(key("k-case"))))
		require.Equal(t, 401, r.status(t, "GET", "/api/content/items/posts", "API-bad"))

		log := r.problems.String()
		for _, want := range []string{
			`"k-plain": it is weak`, `"k-case": it is weak`, `"k-space": it is weak`, `"k-utf8": it is weak`,
			`"ghost": there is no role "user"`, `"orphan": there is no role "vanished"`, `"k-orphan": there is no role "vanished"`,
			"added 5 roles, 12 users, 24 keys, 4 models and 10 items",
		} {
			require.Contains(t, log, want)
		}
		require.NotContains(t, log, "refused")
		weak, err := anotherNode(t, c).lk.Keys.List(t.Context(), keys.Filter{Limit: 1000})
		require.NoError(t, err)
		flagged := map[string]bool{}
		for _, record := range weak {
			require.True(t, record.Legacy)
			if record.Weak {
				flagged[record.Name] = true
			}
		}
		require.Equal(t, map[string]bool{"k-plain": true, "k-case": true, "k-space": true, "k-utf8": true}, flagged)
	})
}

// No key of the file is printed or stored anywhere.
func TestNoKeyIsKept(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = fixture
		r := start(t, c)
		written := strings.Join(r.printed, "\n") + r.problems.String()
		n := anotherNode(t, c)
		for _, table := range []string{"latchkey_keys", "latchkey_roles", "cms_users", "cms_items", "cms_models", "cms_settings"} {
			written += dump(t, n, table)
		}
		if n.db.File != "" {
			r.stop()
			for _, suffix := range []string{"", "-wal"} {
				file, err := os.ReadFile(n.db.File + suffix)
				require.NoError(t, err)
				written += string(file)
			}
		}
		require.Contains(t, written, "k-plain", "it looks where keys are")
		text, err := os.ReadFile(fixture)
		require.NoError(t, err)
		var f struct {
			Users []struct{ APIKey string }
			Keys  []struct{ Key string } `json:"api_keys"`
		}
		require.NoError(t, json.Unmarshal(text, &f))
		seen := 0
		for _, u := range f.Users {
			if u.APIKey != "" {
				require.NotContains(t, written, u.APIKey)
				seen++
			}
		}
		for _, k := range f.Keys {
			if k.Key != "public" {
				require.NotContains(t, written, k.Key)
				seen++
			}
		}
		require.Equal(t, 24, seen)
	})
}

// dump returns the contents of a table as text.
func dump(t *testing.T, n *node, table string) string {
	rows, err := n.db.QueryContext(t.Context(), "SELECT * FROM "+table)
	require.NoError(t, err, table)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var all strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new([]byte)
		}
		require.NoError(t, rows.Scan(values...), table)
		for _, value := range values {
			all.Write(*value.(*[]byte))
			all.WriteByte('\n')
		}
	}
	require.NoError(t, rows.Err())
	return all.String()
}

// Loading again, with the same flags, changes nothing and brings nothing back.
func TestLoadingAgain(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = fixture
		r, key := start(t, c), keyOf(t)
		n := anotherNode(t, c)
		refreshed, err := n.lk.Keys.Refresh(t.Context(), recordOf(t, n, "k-editor").ID, keys.Renewal{})
		require.NoError(t, err)
		require.NoError(t, n.lk.Keys.Invalidate(t.Context(), recordOf(t, n, "k-reader").ID))
		removed := recordOf(t, n, "k-menu").ID
		require.NoError(t, n.lk.Keys.Invalidate(t.Context(), removed))
		require.NoError(t, n.lk.Keys.Remove(t.Context(), removed))
		deactivate(t, n, "rea")
		require.NoError(t, n.lk.Public.Disable(t.Context(), "test"))
		require.Equal(t, 200, r.status(t, "DELETE", "/api/content/item/posts/6b048abb686c8206c7f925f9", key("root2")))
		r.stop()

		again := start(t, c)
		require.Contains(t, again.problems.String(), "added 0 roles, 0 users, 0 keys, 0 models and 1 items", "a deleted item does come back")
		for name, want := range map[string]int{"k-editor": 401, "k-reader": 401, "k-menu": 401, "rea": 401, "": 401, "ed": 200, "k-plain": 200} {
			require.Equal(t, want, again.status(t, "GET", "/api/content/items/posts", key(name)), "%q", name)
		}
		require.Equal(t, 200, again.status(t, "GET", "/api/content/items/posts", refreshed.Key.Reveal()))
	})
}

func recordOf(t *testing.T, n *node, name string) keys.Record {
	t.Helper()
	all, err := n.lk.Keys.List(t.Context(), keys.Filter{Limit: 1000})
	require.NoError(t, err)
	for _, record := range all {
		if record.Name == name {
			return record
		}
	}
	t.Fatalf("no key %q", name)
	return keys.Record{}
}

// deactivate changes the users' table, as a host with the same database can.
func deactivate(t *testing.T, n *node, login string) {
	t.Helper()
	require.NoError(t, n.store.InTx(t.Context(), func(ctx context.Context) error {
		_, err := n.store.Executor(ctx).ExecContext(ctx, `UPDATE cms_users SET active = 0 WHERE login = $1`, login)
		if err != nil {
			return err
		}
		return n.store.Touch(ctx)
	}))
}

// Requests that a real Cockpit has answered get the same answer here without its profile, except for the shape of
// refusals.
func TestRecordedReads(t *testing.T) {
	t.Parallel()
	differences := map[string]int{
		"addr-nokey/unknown-model":  401, // permission is checked first
		"addr-rea/unknown-model":    403,
		"addr-nokey/items-nomodels": 400, // does not depend on the caller
		"addr-rea/items-nomodels":   400,
	}
	r := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: fixture})
	count := 0
	for _, e := range recorded(t) {
		key := e.Request.Headers["api-key"]
		if e.Request.Method != http.MethodGet || len(e.Request.Headers) > 1 || e.State.Public != "role web" ||
			strings.HasPrefix(e.Request.Path, "/api/gql") || strings.HasPrefix(e.ID, "l") { // skip exchanges after a change
			continue
		}
		count++
		want, differs := differences[e.ID]
		switch {
		case differs:
			require.NotEqual(t, want, e.Response.Status, e.ID)
		case e.Response.Status == 412, e.Response.Status == 403 && key == "":
			want = 401
		default:
			want = e.Response.Status
		}
		status, body := r.ask(t, "GET", e.Request.Path, key)
		require.Equal(t, want, status, "%s: %v", e.ID, body)
		if status == 200 {
			text, err := json.Marshal(body)
			require.NoError(t, err)
			require.JSONEq(t, e.Response.Body, string(text), e.ID)
		}
	}
	require.Equal(t, 98, count)
}
