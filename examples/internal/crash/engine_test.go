package crash

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(jobVariable); job != "" {
		os.Exit(runChild(job))
	}
	goleak.VerifyTestMain(withServer{m})
}

type withServer struct{ m *testing.M }

func (w withServer) Run() int { return pgserver.Main(w.m) }

// times is the number of rounds: short, or long with LATCHKEY_LONG=1. The race detector makes SQLite, which is C
// translated to Go, ten times as slow, and needs to see each path only once: it gets a fifth of short.
func times(short, long int) int {
	switch {
	case os.Getenv("LATCHKEY_LONG") != "":
		return long
	case raceDetector:
		return max(1, short/5)
	}
	return short
}

// An engine is a kind of database, for tests and their child processes alike.
type engine struct {
	driver  string
	dialect sqlstore.Dialect
}

var (
	sqlite   = engine{"sqlite", sqlstore.SQLite}
	postgres = engine{"pgx", sqlstore.PostgreSQL}
	engines  = []engine{sqlite, postgres}
)

func (e engine) String() string {
	if e == sqlite {
		return "SQLite"
	}
	return "PostgreSQL"
}

// newDatabase returns the DSN of a new, empty database that is dropped after the test. For SQLite it is a file.
func (e engine) newDatabase(t *testing.T) string {
	t.Helper()
	if e == postgres {
		return pgserver.Shared(t).NewDatabase(t)
	}
	return filepath.Join(t.TempDir(), "keys.db")
}

// source returns the driver's data source name. SQLite gets the pragmas of a server with several nodes, and the given
// ones.
func (e engine) source(dsn string, pragmas ...string) string {
	if e == postgres {
		return dsn
	}
	settings := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}, pragmas...),
		"_txlock": {"immediate"},
	}
	return "file:" + dsn + "?" + settings.Encode()
}

// connect opens the database.
func (e engine) connect(dsn string, pragmas ...string) (*sql.DB, error) {
	db, err := sql.Open(e.driver, e.source(dsn, pragmas...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	return db, nil
}

// open opens store and database, with the current schema, until the test ends.
func (e engine) open(t *testing.T, dsn string, pragmas ...string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	store, db, end := e.openFor(t, dsn, pragmas...)
	t.Cleanup(end)
	return store, db
}

// openFor is open for a shorter time: until end is called.
func (e engine) openFor(t *testing.T, dsn string, pragmas ...string) (_ *sqlstore.Store, _ *sql.DB, end func()) {
	t.Helper()
	db, err := e.connect(dsn, pragmas...)
	require.NoError(t, err)
	require.NoError(t, sqlstore.Migrate(t.Context(), db, e.dialect))
	store, err := sqlstore.Open(t.Context(), db, e.dialect)
	require.NoError(t, err)
	return store, db, func() {
		require.NoError(t, store.Close())
		require.NoError(t, db.Close())
	}
}

// checkSchema lets the engine itself check that the database is intact.
func (e engine) checkSchema(t *testing.T, db *sql.DB) {
	t.Helper()
	if e == sqlite {
		var verdict string
		require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict))
		require.Equal(t, "ok", verdict)
	}
	require.NoError(t, sqlstore.Migrate(t.Context(), db, e.dialect), "a schema that is whole needs nothing")
	store, err := sqlstore.Open(t.Context(), db, e.dialect)
	require.NoError(t, err, "the schema's version")
	require.NoError(t, store.Close())
}

// ring opens a ring that ends with the test.
func ring(t *testing.T, c keys.Config) *keys.Ring {
	t.Helper()
	r, err := keys.Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close(context.Background())) })
	return r
}
