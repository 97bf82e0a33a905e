package engines_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
)

var sparesFolder string

func TestMain(m *testing.M) {
	var err error
	if sparesFolder, err = os.MkdirTemp("", "latchkey"); err != nil {
		panic(err)
	}
	code := pgserver.Main(m)
	os.RemoveAll(sparesFolder)
	os.Exit(code)
}

// An engine is a kind of database and how to get a new, empty place in one.
type engine struct {
	name    string
	dialect sqlstore.Dialect
	open    func(testing.TB) place
}

// A place is where one test has its tables.
type place struct {
	db      *sql.DB
	options []sqlstore.Option
	prefix  string
}

var engines = []engine{
	{"SQLite", sqlstore.SQLite, func(tb testing.TB) place {
		return place{openSQLite(tb, filepath.Join(tb.TempDir(), "keys.db"), safe...), nil, "latchkey_"}
	}},
	{"PostgreSQL", sqlstore.PostgreSQL, func(tb testing.TB) place {
		// One database for all: tables of its own are quicker to make than a database.
		prefix := fmt.Sprintf("test%d_", prefixes.Add(1))
		return place{postgres(tb), []sqlstore.Option{sqlstore.Prefix(prefix)}, prefix}
	}},
}

var prefixes atomic.Int64

// onEach runs a test on each engine.
func onEach(t *testing.T, test func(t *testing.T, e engine)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { test(t, e) })
	}
}

// safe are the pragmas of a host that wants its changes on disk, and look-ups that stay quick among a million keys.
var safe = []string{"journal_mode(WAL)", "synchronous(FULL)", "mmap_size(2147483648)"}

// sqliteDSN is what opens a file with these pragmas on each connection.
func sqliteDSN(file string, pragmas ...string) string {
	return "file:" + file + "?" + url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}.Encode()
}

// openSQLite opens a file for as long as the test runs.
func openSQLite(tb testing.TB, file string, pragmas ...string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", sqliteDSN(file, pragmas...))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

var (
	postgresOnce sync.Once
	postgresDB   *sql.DB
	postgresDSN  string
)

// postgres returns the one database that tests share.
func postgres(tb testing.TB) *sql.DB {
	tb.Helper()
	server := pgserver.Shared(tb)
	postgresOnce.Do(func() {
		postgresDSN = server.NewDatabase(tb)
		db, err := sql.Open("pgx", postgresDSN)
		if err != nil {
			tb.Fatal(err)
		}
		db.SetMaxOpenConns(32)
		db.SetMaxIdleConns(32)
		postgresDB = db
	})
	return postgresDB
}

// store migrates the place and opens the stores in it.
func (e engine) store(tb testing.TB, p place, more ...sqlstore.Option) *sqlstore.Store {
	tb.Helper()
	if err := sqlstore.Migrate(tb.Context(), p.db, e.dialect, p.options...); err != nil {
		tb.Fatal(err)
	}
	s, err := sqlstore.Open(tb.Context(), p.db, e.dialect, append(more, p.options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// fresh returns stores in a new place.
func (e engine) fresh(tb testing.TB) (*sqlstore.Store, place) {
	tb.Helper()
	p := e.open(tb)
	return e.store(tb, p), p
}

// spares are stores that were emptied, by engine: most tests need no new one, and a new one takes its time.
var spares = map[string]chan spare{"SQLite": make(chan spare, 64), "PostgreSQL": make(chan spare, 64)}

type spare struct {
	*sqlstore.Store
	place
}

// empty is fresh, but what it returns may have been used before.
func (e engine) empty(t *testing.T) *sqlstore.Store {
	t.Helper()
	var s spare
	select {
	case s = <-spares[e.name]:
	default:
		s = e.spare(t)
	}
	t.Cleanup(func() {
		for _, text := range []string{"DELETE FROM latchkey_keys", "DELETE FROM latchkey_roles", "DELETE FROM latchkey_audit",
			"UPDATE latchkey_public_api SET role = '', changed_at = NULL, changed_by = '', revision = 0",
			"UPDATE latchkey_public_api SET tag = 0"} {
			s.exec(t, text)
		}
		spares[e.name] <- s
	})
	return s.Store
}

// spare makes a store that outlives the test.
func (e engine) spare(t *testing.T) spare {
	t.Helper()
	var p place
	if e.dialect == sqlstore.PostgreSQL {
		p = e.open(t)
	} else {
		db, err := sql.Open("sqlite", sqliteDSN(filepath.Join(sparesFolder, fmt.Sprintf("%d.db", prefixes.Add(1))), safe...))
		if err != nil {
			t.Fatal(err)
		}
		p = place{db: db, prefix: "latchkey_"}
	}
	if err := sqlstore.Migrate(t.Context(), p.db, e.dialect, p.options...); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.Open(t.Context(), p.db, e.dialect, p.options...)
	if err != nil {
		t.Fatal(err)
	}
	return spare{s, p}
}

// revisionOf returns the revision of the store's keys.
func revisionOf(tb testing.TB, s *sqlstore.Store) keys.Revision {
	tb.Helper()
	changes, err := s.Keys().Changes(tb.Context(), keys.Revision{})
	if err != nil {
		tb.Fatal(err)
	}
	return changes.Revision
}

// exec runs an operator's own statement, which names tables with the default prefix.
func (p place) exec(tb testing.TB, text string, args ...any) {
	tb.Helper()
	if _, err := p.db.ExecContext(context.Background(), p.text(text), args...); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
}

// text names the tables of the place.
func (p place) text(text string) string { return strings.ReplaceAll(text, "latchkey_", p.prefix) }
