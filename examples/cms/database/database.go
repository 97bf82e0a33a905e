// Package database opens the database of the example CMS, a SQLite file or a PostgreSQL database, with the library's
// tables and the program's own. It also finds the pepper of its keys.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// A Database is an open database and its engine.
type Database struct {
	*sql.DB
	Dialect sqlstore.Dialect
	DSN     string // PostgreSQL only
	File    string // SQLite only
	Name    string // to print

	readOnly bool
}

// Open opens the database that the flag -db names: a postgres:// DSN or a SQLite file, which is created if missing.
// "" is a file in a new temporary folder.
func Open(name string) (*Database, error) {
	if isPostgreSQL(name) {
		db, err := sql.Open("pgx", name)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(32)
		return &Database{DB: db, Dialect: sqlstore.PostgreSQL, DSN: name, Name: "on PostgreSQL"}, nil
	}
	if strings.Contains(name, "://") || strings.Contains(name, "password=") { // this would create a file with the password in its name
		return nil, errors.New("-db is neither a postgres:// address nor the name of a file")
	}
	if name == "" {
		folder, err := os.MkdirTemp("", "latchkey-cms-")
		if err != nil {
			return nil, err
		}
		name = filepath.Join(folder, "cms.db")
	}
	file, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	// A transaction takes the write lock when it begins, so that none fails half way because it has read first.
	source := url.URL{Scheme: "file", Path: file, RawQuery: "_txlock=immediate" +
		"&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(16)
	return &Database{DB: db, Dialect: sqlstore.SQLite, File: file, Name: file}, nil
}

// Uploads returns the folder of uploaded files that a flag names; "" is one beside the SQLite file. With PostgreSQL and no
// flag it returns "": there are no assets.
func (d *Database) Uploads(flag string) string {
	if flag == "" && d.File != "" {
		return d.File + ".uploads"
	}
	return flag
}

func isPostgreSQL(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// settingsSchema creates the table of the program's own settings.
const settingsSchema = `
CREATE TABLE IF NOT EXISTS cms_settings (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);
`

// Prepare creates missing tables and opens the store. Several nodes may call it at once: InTx runs one at a time. In
// a database from [Look] it creates nothing, so an older schema is an error.
func (d *Database) Prepare(ctx context.Context) (*sqlstore.Store, error) {
	if d.readOnly {
		return sqlstore.Open(ctx, d.DB, d.Dialect)
	}
	if err := sqlstore.Migrate(ctx, d.DB, d.Dialect); err != nil {
		return nil, err
	}
	store, err := sqlstore.Open(ctx, d.DB, d.Dialect)
	if err != nil {
		return nil, err
	}
	err = store.InTx(ctx, func(ctx context.Context) error {
		for _, schema := range []string{settingsSchema, users.Schema(d.Dialect), sessions.Schema, content.Schema(d.Dialect), assets.Schema} {
			if _, err := store.Executor(ctx).ExecContext(ctx, schema); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		store.Close()
		return nil, fmt.Errorf("creating the tables: %w", err)
	}
	return store, nil
}

// Claim stores a setting unless it has a value. It returns the current value, and whether this call stored it.
func (d *Database) Claim(ctx context.Context, name, value string) (now string, mine bool, err error) {
	result, err := d.ExecContext(ctx, `INSERT INTO cms_settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, value)
	if err != nil {
		return "", false, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return "", false, err
	}
	now, err = d.setting(ctx, name)
	return now, n > 0, err
}

// setting returns the value of a setting, or "".
func (d *Database) setting(ctx context.Context, name string) (value string, err error) {
	err = d.QueryRowContext(ctx, `SELECT value FROM cms_settings WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return value, err
}
