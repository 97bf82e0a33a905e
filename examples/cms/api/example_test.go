package api_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/api"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// The same addresses over keys in memory and fixed roles; the program itself has both in its database.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, content.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}
	store := content.New(db)
	if _, err := store.AddModel(ctx, content.Model{Name: "pages", Type: content.Tree}); err != nil {
		log.Fatal(err)
	}
	policy := roles.MustCompile(
		roles.Role{AppID: "public", Permissions: roles.Grants{"content/pages/read": true}},
		roles.Role{AppID: "writer", Permissions: roles.Grants{"content/pages/create": true}},
	)
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	writer, err := ring.IssueCustom(ctx, keys.Custom{Name: "Writer", Role: "writer"})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("public")})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	api.Register(mux, guard, store, api.Dialect{})
	site := guard.Identify(mux)

	for _, c := range []struct{ method, path, key, body string }{
		{"POST", "/api/content/item/pages", writer.Key.Reveal(), `{"data": {"title": "Home", "url": "/"}}`},
		{"POST", "/api/content/item/pages", "", `{"data": {"title": "Mine"}}`},
		{"GET", "/api/content/items/pages", writer.Key.Reveal(), ""},
		{"GET", "/api/pages/menus", "", ""},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.key != "" {
			r.Header.Set("api-key", c.key)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(c.method, c.path, w.Code)
		if c.path == "/api/pages/menus" {
			fmt.Print(w.Body)
		}
	}
	// Output:
	// POST /api/content/item/pages 200
	// POST /api/content/item/pages 401
	// GET /api/content/items/pages 403
	// GET /api/pages/menus 200
	// [{"name":"pages","links":[{"title":"Home","url":"/","children":[]}]}]
}
