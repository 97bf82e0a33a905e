package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

// Look opens the same database as Open, but read-only; the database itself refuses writes. It returns an error
// wrapping [fs.ErrNotExist] if there is no such database, or if it has none of this program's tables.
func Look(ctx context.Context, name string) (*Database, error) {
	d, err := look(name)
	if err != nil {
		return nil, err
	}
	there := `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'cms_settings'`
	if d.Dialect == sqlstore.PostgreSQL {
		there = `SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'cms_settings'`
	}
	var n int
	if err = d.QueryRowContext(ctx, there).Scan(&n); err == nil && n == 0 {
		err = fmt.Errorf("%s has no tables of this program: %w", d.Name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func look(name string) (*Database, error) {
	if isPostgreSQL(name) {
		dsn, err := url.Parse(name)
		if err != nil {
			return nil, errors.New("the DSN is not a URL") // the DSN may hold a password
		}
		settings := dsn.Query()
		settings.Set("default_transaction_read_only", "on")
		dsn.RawQuery = settings.Encode()
		db, err := sql.Open("pgx", dsn.String())
		if err != nil {
			return nil, err
		}
		return &Database{DB: db, Dialect: sqlstore.PostgreSQL, DSN: name, Name: "on PostgreSQL", readOnly: true}, nil
	}
	file, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	source := url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)&_pragma=synchronous(FULL)"}
	if _, err := os.Stat(file + "-wal"); errors.Is(err, fs.ErrNotExist) {
		source.RawQuery += "&immutable=1" // the file is not in use; without this SQLite would leave files beside it
	}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	return &Database{DB: db, Dialect: sqlstore.SQLite, File: file, Name: file, readOnly: true}, nil
}
