package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

type config struct {
	db        string
	staleness time.Duration
	listen    bool
}

// A node holds everything between the database and the handler.
type node struct {
	db     *sql.DB
	store  *sqlstore.Store
	ring   *keys.Ring
	roles  *roles.Directory
	public *publicapi.Service
	table  *userTable
	users  *auth.UserCache
	guard  *auth.Guard
	reads  atomic.Int64 // of keys and users in the database

	unfollow func()
	listener *listener
}

// open connects everything. If it fails, it closes what it has opened.
func open(ctx context.Context, c config) (_ *node, err error) {
	n := &node{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close(context.WithoutCancel(ctx)))
		}
	}()
	driver, dialect, dsn := database(c.db)
	if n.db, err = sql.Open(driver, dsn); err != nil {
		return nil, err
	}
	if err = sqlstore.Migrate(ctx, n.db, dialect); err != nil {
		return nil, err
	}
	if n.store, err = sqlstore.Open(ctx, n.db, dialect); err != nil {
		return nil, err
	}
	n.table = &userTable{store: n.store, reads: &n.reads}
	if err = n.table.create(ctx); err != nil {
		return nil, err
	}
	n.users = auth.CacheUsers(n.table, c.staleness)
	n.ring, err = keys.Open(keys.Config{
		Store:    countedStore{n.store.Keys(), &n.reads},
		LastUsed: n.store.Keys(), Feed: n.store.Keys(), Staleness: c.staleness, OnError: logError,
	})
	if err != nil {
		return nil, err
	}
	n.roles, err = roles.Open(ctx, roles.Config{Store: n.store.Roles(), Staleness: c.staleness, OnError: logError})
	if err != nil {
		return nil, err
	}
	n.public, err = publicapi.New(publicapi.Config{Store: n.store.PublicAPI(), Directory: n.roles, Staleness: c.staleness})
	if err != nil {
		return nil, err
	}
	n.guard, err = auth.New(auth.Config{Keys: n.ring, Roles: n.roles, Anonymous: n.public, Users: n.users})
	if err != nil {
		return nil, err
	}
	n.unfollow = n.store.Follow(func() { n.users.Forget() }, n.roles.Reload, n.public.Reload)
	if c.listen && dialect == sqlstore.PostgreSQL {
		n.listener = &listener{dsn: dsn, channel: n.store.Channel(), wake: n.store.Wake}
		return n, n.listener.restore()
	}
	return n, nil
}

// database returns the driver and DSN for -db. In SQLite a commit is on disk before it is answered, nodes wait for
// one another, and a transaction that will write takes the lock at its beginning.
func database(db string) (driver string, dialect sqlstore.Dialect, dsn string) {
	if strings.HasPrefix(db, "postgres://") || strings.HasPrefix(db, "postgresql://") {
		return "pgx", sqlstore.PostgreSQL, db
	}
	settings := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: db}).EscapedPath(), RawQuery: settings.Encode()}
	return "sqlite", sqlstore.SQLite, file.String()
}

// close closes everything in reverse order.
func (n *node) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var errs []error
	if n.listener != nil {
		n.listener.cut()
	}
	if n.unfollow != nil {
		n.unfollow()
	}
	if n.public != nil {
		errs = append(errs, n.public.Close(ctx))
	}
	if n.roles != nil {
		errs = append(errs, n.roles.Close(ctx))
	}
	if n.ring != nil {
		errs = append(errs, n.ring.Close(ctx)) // saves the last-used times
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	if n.db != nil {
		errs = append(errs, n.db.Close())
	}
	return errors.Join(errs...)
}

// handler serves the only route. Each answer says in Database-Reads how many database look-ups of keys and users
// there had been when the request arrived, which shows the cache at work.
func (n *node) handler() http.Handler {
	mux := http.NewServeMux()
	n.guard.Handle(mux, "GET /posts", "content/posts/read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `[{"title":"Hello"}]`)
	}))
	guarded := n.guard.Identify(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Database-Reads", strconv.FormatInt(n.reads.Load(), 10))
		guarded.ServeHTTP(w, r)
	})
}

// countedStore counts the look-ups that the cache did not answer.
type countedStore struct {
	keys.Store
	reads *atomic.Int64
}

func (s countedStore) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	s.reads.Add(1)
	return s.Store.Find(ctx, space, digests)
}

func logError(err error) { log.Print(err) }
