package pgserver_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// open opens the database at dsn, for as long as the test runs.
func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestCommittedRowsSurviveACrash(t *testing.T) {
	ctx := context.Background()
	server := pgserver.Start(t)
	db := open(t, server.NewDatabase(t))
	var fsync string
	if err := db.QueryRowContext(ctx, "SHOW fsync").Scan(&fsync); err != nil || fsync != "on" {
		t.Fatalf("fsync is %q, error %v", fsync, err)
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE kept AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
	server.StopImmediate(t)
	if err := db.PingContext(ctx); err == nil {
		t.Fatal("a server that was stopped answers")
	}
	server.Restart(t)
	var n int
	for range 3 { // the pool may still have dead connections
		if err := db.QueryRowContext(ctx, "SELECT n FROM kept").Scan(&n); err == nil {
			break
		}
	}
	if n != 42 {
		t.Fatalf("read %d, want 42", n)
	}
}

func TestDatabasesOfOneServerAreApart(t *testing.T) {
	ctx := context.Background()
	server := pgserver.Shared(t)
	a, b := open(t, server.NewDatabase(t)), open(t, server.NewDatabase(t))
	for _, db := range []*sql.DB{a, b} {
		if _, err := db.ExecContext(ctx, "CREATE TABLE mine (n int)"); err != nil {
			t.Fatal(err)
		}
	}
}
