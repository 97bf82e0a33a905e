// Durable is a whole server in one file: SQLite, users who sign in, the JSON API under /admin, the console under /system.
//
//	go run ./examples/durable -db durable.db
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/crypto/bcrypt"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	file := flag.String("db", "durable.db", "the SQLite file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	db, err := sql.Open("sqlite", "file:"+*file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	check(err)
	users, sessions := users{db}, scs.New()
	users.prepare(ctx)
	lk, err := setup.Open(ctx, setup.Config{
		DB: db, Dialect: sqlstore.SQLite, Users: users, Keys: keys.Config{SeveralPerUser: true}, Guard: auth.Config{Profile: console.Profile(auth.Problem)},
		SignedIn: func(r *http.Request) (string, error) { return sessions.GetString(r.Context(), "user"), nil },
		Start: setup.Start{
			Roles:         []roles.Role{{AppID: "customer", Permissions: roles.Grants{"notes/read-own": true}}},
			Administrator: "Operator", Key: keys.NewKey(os.Getenv("LATCHKEY_ADMIN_KEY")),
			Show: func(k keys.Key) { fmt.Println("first key:", k.Reveal()) },
		},
	})
	check(err)
	mux := http.NewServeMux()
	lk.MountAPI(mux, "/admin")
	lk.MountConsole(mux, "/system", console.Config{SignIn: "/login"})
	lk.Guard.HandleOpen(mux, "/login", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.PostFormValue("name")
		if r.Method != "POST" || !users.password(r.Context(), id, r.PostFormValue("password")) || sessions.RenewToken(r.Context()) != nil {
			fmt.Fprint(w, `<!doctype html><form method="post"><input name="name"><input name="password" type="password"><button>Sign in</button></form>`)
			return
		}
		sessions.Put(r.Context(), "user", id)
		http.Redirect(w, r, "/system/", http.StatusSeeOther)
	}))
	// The permission says that a customer reads its own notes, and the principal says whose they are.
	lk.Guard.Handle(mux, "GET /notes", "notes/read-own", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		fmt.Fprintf(w, "the notes of %q\n", p.UserID())
	}))
	// A customer leaves: all its keys end, on every node.
	lk.Guard.Handle(mux, "DELETE /customers/{id}", "customers/remove", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := lk.UserRemoved(r.Context(), r.PathValue("id")); err != nil {
			lk.Guard.Refuse(w, r, err)
		}
	}))
	handler := http.NewCrossOriginProtection().Handler(sessions.LoadAndSave(lk.Guard.Identify(mux)))
	server := &http.Server{Addr: *addr, Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	fmt.Println("listening on http://" + *addr)
	log.Print(server.ListenAndServe())
	check(errors.Join(server.Shutdown(context.Background()), lk.Close(context.Background()), db.Close()))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// users is the host's own table.
type users struct{ db *sql.DB }

// prepare makes the table and, in a new one, an administrator and a customer.
func (u users) prepare(ctx context.Context) {
	password := rand.Text()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	check(err)
	_, err = u.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, role TEXT, active BOOLEAN, password TEXT)`)
	check(err)
	result, err := u.db.ExecContext(ctx, `INSERT INTO users VALUES ('ada', 'admin', TRUE, $1), ('bob', 'customer', TRUE, $1) ON CONFLICT DO NOTHING`, string(hash))
	check(err)
	if n, err := result.RowsAffected(); err == nil && n > 0 {
		fmt.Println("sign in at /login as ada or bob with", password)
	}
}

// User implements [auth.Users].
func (u users) User(ctx context.Context, id string) (auth.User, error) {
	found := auth.User{ID: id, Name: id}
	row := sqlstore.ExecutorFrom(ctx, u.db).QueryRowContext(ctx, `SELECT role, active FROM users WHERE id = ?`, id)
	err := row.Scan(&found.Role, &found.Active)
	if errors.Is(err, sql.ErrNoRows) {
		err = auth.ErrNoUser
	}
	return found, err
}

func (u users) password(ctx context.Context, id, password string) bool {
	var hash string
	err := u.db.QueryRowContext(ctx, `SELECT password FROM users WHERE id = ? AND active`, id).Scan(&hash)
	return err == nil && bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}
