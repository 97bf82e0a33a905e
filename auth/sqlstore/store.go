package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/latchkey-go/latchkey/internal/fresh"
	"github.com/latchkey-go/latchkey/keys"
)

// A Store is an open database. It is safe for concurrent use.
type Store struct {
	*settings
	statements
	db       *sql.DB
	queue    queue // of those who write to db; nil for PostgreSQL
	prepared []*sql.Stmt

	watchers  fresh.Listeners[struct{}] // caches
	followers fresh.Listeners[struct{}]

	seen atomic.Pointer[keys.Revision] // of the latest poll; nil: none yet
}

// Open returns the stores in db. It refuses a database whose schema is not the one of this package, an older one
// (call [Migrate]) or a newer one, and settings that answer before a change is on disk; see the package comment. The
// database stays the caller's to close, after the store.
func Open(ctx context.Context, db *sql.DB, d Dialect, opts ...Option) (*Store, error) {
	c, err := newSettings(d, opts)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, storeError(ctx, "open", err)
	}
	defer conn.Close()
	if err := c.check(ctx, conn); err != nil {
		return nil, err
	}
	version, err := c.version(ctx, conn)
	if err != nil {
		return nil, err
	}
	newest, err := c.newest(version)
	if err != nil {
		return nil, err
	}
	if version < newest {
		return nil, fmt.Errorf("sqlstore: the database has schema %d and this program needs %d: call Migrate first", version, newest)
	}
	conn.Close() // db may have one connection
	s := &Store{settings: c, db: db}
	if d == SQLite {
		s.queue = queueOf(db)
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// check returns an error if conn answers before a change is on disk, or with what was there before it waited.
func (s *settings) check(ctx context.Context, conn *sql.Conn) error {
	if s.dialect == PostgreSQL {
		var mode, isolation string
		const text = "SELECT current_setting('synchronous_commit'), current_setting('default_transaction_isolation')"
		if err := conn.QueryRowContext(ctx, text).Scan(&mode, &isolation); err != nil {
			return storeError(ctx, "read synchronous_commit", err)
		}
		if isolation != "read committed" && isolation != "read uncommitted" {
			return fmt.Errorf("sqlstore: default_transaction_isolation is %s, with which a change does not see those that it waited for: "+
				"set read committed", isolation)
		}
		return errors.Join(s.durableCommit(mode), s.locks(ctx, conn))
	}
	var synchronous int
	var journal string
	if err := conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return storeError(ctx, "read PRAGMA synchronous", err)
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return storeError(ctx, "read PRAGMA journal_mode", err)
	}
	return s.durable(synchronous, journal)
}

// locks returns an error if the database only looks like PostgreSQL: the order of changes depends on advisory locks, and
// there are engines that accept them and lock nothing.
func (s *settings) locks(ctx context.Context, conn *sql.Conn) error {
	t, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return storeError(ctx, "begin", err)
	}
	defer t.Rollback()
	var held int
	if _, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", s.prefix+"check"); err != nil {
		return storeError(ctx, "take an advisory lock", err)
	}
	const text = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
	if err := t.QueryRowContext(ctx, text).Scan(&held); err != nil {
		return storeError(ctx, "read pg_locks", err)
	}
	if held == 0 {
		return errors.New("sqlstore: this database has no advisory locks, so changes of several nodes would have no order: use PostgreSQL")
	}
	return nil
}

// Close frees what the store has prepared. The database stays open.
func (s *Store) Close() error {
	var errs []error
	for _, p := range s.prepared {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// changed calls the listeners after a change made with ctx: now, or when its transaction is committed.
func (s *Store) changed(ctx context.Context) {
	if t := s.tx(ctx); t != nil {
		t.changed.Store(true)
	} else {
		s.Wake()
	}
}

// Touch moves the revision for a change of the host's own tables, so that every node hears of it. In
// [Store.InTx] it does so when, and if, the transaction is committed.
func (s *Store) Touch(ctx context.Context) error {
	_, err := s.exec(ctx, &s.touch)
	s.changed(ctx)
	return storeError(ctx, "touch", err)
}

var errNoRevision = errors.New("the database has lost its revision")

// pair reads a revision.
func (s *Store) pair(ctx context.Context, st *statement) (keys.Revision, error) {
	var number, tag int64
	_, err := s.one(ctx, st, nil, &number, &tag)
	if err == nil && number <= 0 {
		err = errNoRevision
	}
	return keys.Revision{Number: uint64(number), Tag: uint64(tag)}, storeError(ctx, "read the revision", err)
}
