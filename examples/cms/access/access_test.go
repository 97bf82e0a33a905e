package access_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/access"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

var (
	posts = content.Model{Name: "posts", Type: content.Collection}
	notes = content.Model{Name: "notes", Type: content.Tree}
)

// Each verb allows its own operation only, and only on its own model.
func TestVerbs(t *testing.T) {
	store := opened(t)
	c := access.New(store)
	everything := map[string]func(context.Context, content.Model) error{
		"items": func(ctx context.Context, m content.Model) error {
			_, _, err := c.Items(ctx, m, content.Query{})
			return err
		},
		"first": func(ctx context.Context, m content.Model) error {
			_, err := c.First(ctx, m, content.Query{})
			return err
		},
		"item": func(ctx context.Context, m content.Model) error {
			_, err := c.Item(ctx, m, "one", content.Query{})
			return err
		},
		"tree": func(ctx context.Context, m content.Model) error {
			_, err := c.Tree(ctx, m, "", content.Query{})
			return err
		},
		"aggregate": func(ctx context.Context, m content.Model) error {
			_, err := c.Aggregate(ctx, m, content.Pipeline{}, content.Query{})
			return err
		},
		"create": func(ctx context.Context, m content.Model) error {
			_, err := c.Save(ctx, m, content.Item{"title": "x"})
			return err
		},
		"update": func(ctx context.Context, m content.Model) error {
			_, err := c.Save(ctx, m, content.Item{"_id": "one", "title": "x"})
			return err
		},
		"delete": func(ctx context.Context, m content.Model) error { return c.Delete(ctx, m, "nothing") },
	}
	reads := []string{"items", "first", "item", "tree", "aggregate"}
	opens := map[string][]string{
		content.Read: reads, content.Create: {"create"}, content.Update: {"update"}, content.Delete: {"delete"},
		content.Publish: nil, content.Manage: nil,
	}
	for verb, may := range opens {
		as := caller(t, content.Permission("posts", verb))
		for name, do := range everything {
			err := do(as, posts)
			var refusal *auth.Refusal
			if refused := errors.As(err, &refusal); refused {
				require.Equal(t, 403, refusal.Status)
				require.NotContains(t, may, name, "%s opens %s", verb, name)
			} else {
				require.NoError(t, err, "%s with %s", name, verb)
				require.Contains(t, may, name, "%s opens %s", verb, name)
			}
			require.ErrorAs(t, do(as, notes), &refusal, "%s of another model with %s", name, verb)
			require.ErrorAs(t, do(t.Context(), posts), &refusal, "%s without a caller", name)
			require.Equal(t, 401, refusal.Status)
		}
	}
}

// A user who may write but not read an item gets back only the written fields, also of a singleton.
func TestSavingShowsNothingElse(t *testing.T) {
	store := opened(t)
	for _, m := range []content.Model{{Name: "list", Type: content.Collection}, {Name: "settings", Type: content.Singleton}} {
		made, err := store.Create(t.Context(), m, content.Item{"_state": 0, "secret": "draft", "title": "x"}, content.Writer{})
		require.NoError(t, err)
		writes := caller(t, content.Permission(m.Name, content.Create), content.Permission(m.Name, content.Update))
		c := access.New(store)
		item, err := c.Save(writes, m, content.Item{"_id": made.ID(), "title": "y", "_cby": "me", "_created": 5, "_model": "posts", "_pid": "z"})
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"_id", "title", "_modified", "_mby"}, slices.Collect(maps.Keys(item)), m.Name)
		item, err = c.Save(writes, m, content.Item{"title": "z"})
		require.NoError(t, err)
		require.NotContains(t, item, "secret")
		_, err = c.Save(writes, m, content.Item{"_id": "one", "title": "y"})
		require.ErrorIs(t, err, content.ErrNotFound, "an _id of another model")
	}
}

func opened(t *testing.T) *content.Store {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "cms.db")+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), content.Schema(sqlstore.SQLite))
	require.NoError(t, err)
	store := content.New(db)
	for _, m := range []content.Model{posts, notes} {
		_, err = store.AddItems(t.Context(), m, []content.Item{{"_id": "one", "_state": 1}})
		require.NoError(t, err)
	}
	return store
}

// caller is the context of a caller with these permissions.
func caller(t *testing.T, permissions ...string) context.Context {
	grants := roles.Grants{}
	for _, p := range permissions {
		grants[p] = true
	}
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { ring.Close(context.Background()) })
	guard, err := auth.New(auth.Config{Keys: ring, Roles: roles.MustCompile(roles.Role{AppID: "role", Permissions: grants})})
	require.NoError(t, err)
	return auth.NewContext(t.Context(), guard.PrincipalForRole("role"))
}

// Permissions are those of the caller in the context, put there by a request or, as here, by the host itself.
func Example() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, content.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	guard, err := auth.New(auth.Config{Keys: ring, Roles: roles.MustCompile(
		roles.Role{AppID: "writer", Permissions: roles.Grants{"content/posts/create": true}})})
	if err != nil {
		log.Fatal(err)
	}
	posts := access.New(content.New(db))
	writer := auth.NewContext(ctx, guard.PrincipalForRole("writer"))
	item, err := posts.Save(writer, content.Model{Name: "posts", Type: content.Collection}, content.Item{"title": "Hello", "_state": 0})
	fmt.Println(item["title"], item["_state"], err)
	_, _, err = posts.Items(writer, content.Model{Name: "posts", Type: content.Collection}, content.Query{})
	fmt.Println(err)
	// Output:
	// Hello 0 <nil>
	// Permission denied
}
