package pages_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/pages"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A visitor without a session is redirected to the sign-in, even if the API is public.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "pages-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "cms.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := sqlstore.Migrate(ctx, db, sqlstore.SQLite); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if _, err := db.ExecContext(ctx, users.Schema(sqlstore.SQLite)+sessions.Schema+content.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}
	table, ring := users.New(store), keys.NewRing(store.Keys())
	defer ring.Close(ctx)
	login, password, err := table.First(ctx)
	if err != nil {
		log.Fatal(err)
	}
	all := sessions.New(store, table, false)
	guard, err := auth.New(auth.Config{
		Keys: ring, Users: table, SignedIn: all.User, Anonymous: publicapi.Fixed("public"),
		Roles: roles.MustCompile(roles.Role{AppID: "public", Permissions: roles.Grants{"content/**": true}}),
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	(&pages.Pages{
		Guard: guard, Sessions: all, Content: content.New(db),
		Users: &users.Manager{Table: table, Store: store, Audit: audit.NewMemoryLog(0)},
	}).Register(mux)
	site := guard.Identify(mux)

	ask := func(r *http.Request) *http.Response {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(r.Method, r.URL, w.Code, w.Header().Get("Location"))
		return w.Result()
	}
	ask(httptest.NewRequest("GET", "/content", nil))
	form := url.Values{"login": {login}, "password": {password}, "next": {"/content"}}
	post := httptest.NewRequest("POST", "/login", strings.NewReader(form.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cookie := ask(post).Cookies()[0]
	get := httptest.NewRequest("GET", "/content", nil)
	get.AddCookie(cookie)
	ask(get)
	// Output:
	// GET /content 303 /login?next=%2Fcontent
	// POST /login 303 /content
	// GET /content 200
}
