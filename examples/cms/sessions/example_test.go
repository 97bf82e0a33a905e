package sessions_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// A session from sign-in to sign-out, over the host's own tables. The host brings the driver.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "sessions-")
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
	if _, err := db.ExecContext(ctx, users.Schema(sqlstore.SQLite)+sessions.Schema); err != nil {
		log.Fatal(err)
	}
	table := users.New(store)
	login, password, err := table.First(ctx)
	if err != nil {
		log.Fatal(err)
	}
	all := sessions.New(store, table, false)

	id, epoch, err := table.SignIn(ctx, login, password)
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := all.Begin(w, httptest.NewRequest("POST", "/login", nil), id, epoch); err != nil {
		log.Fatal(err)
	}
	cookie := w.Result().Cookies()[0]
	fmt.Println("HttpOnly:", cookie.HttpOnly, "SameSite=Lax:", cookie.SameSite == http.SameSiteLaxMode)

	r := httptest.NewRequest("GET", "/content", nil)
	who, err := all.User(r)
	fmt.Printf("without the cookie: %q %v\n", who, err)
	r.AddCookie(cookie)
	who, err = all.User(r)
	fmt.Println("with it:", who == id, err)
	if err := all.End(httptest.NewRecorder(), r); err != nil {
		log.Fatal(err)
	}
	who, err = all.User(r)
	fmt.Printf("signed out: %q %v\n", who, err)
	// Output:
	// HttpOnly: true SameSite=Lax: true
	// without the cookie: "" <nil>
	// with it: true <nil>
	// signed out: "" <nil>
}
