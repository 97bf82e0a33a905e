package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Migrate brings the schema in db to the version of this package. Each step is a transaction, so a process that dies
// in one leaves the schema of the step before. Several nodes may call it at once. It does nothing if the schema is
// current. A database that is newer than this package is refused and left unchanged.
//
// In PostgreSQL the tables go to the first schema of the connection's search_path.
func Migrate(ctx context.Context, db *sql.DB, d Dialect, opts ...Option) error {
	c, err := newSettings(d, opts)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for giveUp := time.Now().Add(retryFor); ; {
		done, err := c.step(ctx, db)
		if c.dialect == SQLite && busy(err) && ctx.Err() == nil && time.Now().Before(giveUp) {
			time.Sleep(retryEvery)
			continue
		}
		if err != nil || done {
			return storeError(ctx, "migrate", err)
		}
	}
}

// Schema returns what [Migrate] would run in an empty database, one text for each step, for hosts that migrate by goose,
// atlas or golang-migrate. A step that was released never changes. In PostgreSQL the tables go to the schema public. The
// options are those of [Open].
func Schema(d Dialect, opts ...Option) ([]string, error) {
	s, err := newSettings(d, opts)
	if err != nil {
		return nil, err
	}
	newest, err := s.newest(0)
	var steps []string
	for n := 1; n <= newest && err == nil; n++ {
		var text string
		text, err = s.migrationText(n)
		done := fmt.Sprintf("\nINSERT INTO latchkey_schema (version) VALUES (%d);\n", n)
		steps = append(steps, s.migration(text+done, "public"))
	}
	return steps, err
}

// Nodes that open a new SQLite file at once collide in the change of its journal mode, for which its busy_timeout
// does not wait. A failed step can be tried again.
const (
	retryFor   = 5 * time.Second
	retryEvery = 20 * time.Millisecond
)

// step applies the next migration. It reports whether there was none left.
func (s *settings) step(ctx context.Context, db *sql.DB) (done bool, err error) {
	t, err := s.beginMigration(ctx, db)
	if err != nil {
		return false, err
	}
	defer func() {
		if err != nil || done {
			t.rollback()
		}
		t.release()
	}()
	version, err := s.version(ctx, t.on)
	if err != nil {
		return false, err
	}
	newest, err := s.newest(version)
	if err != nil || version == newest {
		return true, err
	}
	if err := s.apply(ctx, t.on, version+1); err != nil {
		return false, fmt.Errorf("step %d: %w", version+1, err)
	}
	return false, t.commit()
}

// beginMigration begins a transaction that excludes other migrations.
func (s *settings) beginMigration(ctx context.Context, db *sql.DB) (*tx, error) {
	if s.dialect == SQLite {
		return beginImmediate(ctx, db, queueOf(db))
	}
	return beginLocked(ctx, db, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", s.prefix+"migrate")
}

// apply runs migration n.
func (s *settings) apply(ctx context.Context, on Executor, n int) error {
	text, err := s.migrationText(n)
	if err != nil {
		return err
	}
	schema := ""
	if s.dialect == PostgreSQL {
		if err := on.QueryRowContext(ctx, "SELECT quote_ident(current_schema())").Scan(&schema); err != nil {
			return fmt.Errorf("the connection has no current schema: %w", err)
		}
		if strings.ContainsAny(schema, `'$\`) { // functions contain it in quoted texts
			return errors.New(`the name of the schema has one of ' $ \ in it`)
		}
	}
	if _, err := on.ExecContext(ctx, s.migration(text, schema)); err != nil {
		return err
	}
	_, err = on.ExecContext(ctx, s.statement(`INSERT INTO latchkey_schema (version) VALUES (?1)`), n)
	return err
}

// version returns the number of the last applied migration: 0 for none.
func (s *settings) version(ctx context.Context, on Executor) (int, error) {
	exists := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1`
	if s.dialect == PostgreSQL {
		exists = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?1`
	}
	var n int
	if err := on.QueryRowContext(ctx, s.statement(exists), s.prefix+"schema").Scan(&n); err != nil || n == 0 {
		return 0, storeError(ctx, "read the schema's version", err)
	}
	err := on.QueryRowContext(ctx, s.statement(`SELECT coalesce(max(version), 0) FROM latchkey_schema`)).Scan(&n)
	return n, storeError(ctx, "read the schema's version", err)
}

// folder returns the folder of the migrations for the database in use.
func (s *settings) folder() string { return "migrations/" + strings.ToLower(s.dialect.String()) }

// newest returns the number of the newest migration, and an error if a database of this version is newer.
func (s *settings) newest(version int) (int, error) {
	files, err := migrationFiles.ReadDir(s.folder())
	if err != nil {
		return 0, err
	}
	if version > len(files) {
		return 0, fmt.Errorf("sqlstore: the database has schema %d and this program knows only %d: the program is too old", version, len(files))
	}
	return len(files), nil
}

// migrationText returns the text of migration n, counted from 1.
func (s *settings) migrationText(n int) (string, error) {
	files, err := migrationFiles.ReadDir(s.folder())
	if err != nil {
		return "", err
	}
	if n < 1 || n > len(files) || !strings.HasPrefix(files[n-1].Name(), fmt.Sprintf("%04d_", n)) {
		return "", errors.New("the migrations are not numbered one after the other")
	}
	text, err := migrationFiles.ReadFile(s.folder() + "/" + files[n-1].Name())
	return string(text), err
}
