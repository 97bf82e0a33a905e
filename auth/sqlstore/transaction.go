package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"weak"
)

// An Executor runs statements: a database or a transaction. It has the methods of the DBTX that sqlc generates. In SQLite a
// prepared statement does not wait in the queue of those who write.
type Executor interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// InTx calls f with a context that carries a transaction. The stores of s, and [Store.Executor], use it when they get
// that context, so all their changes become durable and visible in one step when f returns nil. If f returns an error
// or panics, nothing is changed; InTx returns the error unchanged and lets the panic continue. The context must not
// be used after f has returned.
//
// From its beginning a transaction blocks all other changes through a store, on every node, so the data that f reads
// does not change until it has written. A method that is called within f with another context waits for the
// transaction to end. Be quick. If one part of the host locks one of its own tables before it calls InTx, every part
// must lock that table first, or transactions deadlock.
//
// A call within f joins the transaction; if the inner function fails, the whole transaction fails. After a statement
// that made the database end the transaction, such as an interrupted one, nothing more is done.
//
// If f succeeded and InTx returns an error, the commit may have failed: the changes may be stored or not.
func (s *Store) InTx(ctx context.Context, f func(context.Context) error) error {
	if t := s.tx(ctx); t != nil {
		ok := false
		defer func() {
			if !ok {
				t.aborted.Store(true)
			}
		}()
		err := f(ctx)
		ok = err == nil
		return err
	}
	return s.transact(ctx, f)
}

// Join returns a context in which the stores of s and [Store.Executor] use t, a transaction on the same database that the
// host has begun and will end. As [Store.InTx] does, it keeps all other changes out from now on. If a call in it fails, roll
// t back. When t has ended, call done, with whether it was committed: this node then acts on the changes at once, otherwise
// within the staleness.
//
// PostgreSQL's isolation level must be READ COMMITTED. In SQLite t must have begun IMMEDIATE, as the driver's option
// _txlock=immediate has it: one that has read before another wrote is refused, and while t is open, writers outside of it
// get errors after the busy_timeout instead of waiting in the queue.
func (s *Store) Join(ctx context.Context, t *sql.Tx) (_ context.Context, done func(committed bool), err error) {
	if s.tx(ctx) != nil {
		return nil, nil, errors.New("sqlstore: join: the context carries a transaction already")
	}
	if s.dialect == PostgreSQL {
		var isolation string
		err := t.QueryRowContext(ctx, "SELECT current_setting('transaction_isolation')").Scan(&isolation)
		if err == nil && isolation != "read committed" {
			err = fmt.Errorf("the isolation level is %s: begin with read committed", isolation)
		}
		if err != nil {
			return nil, nil, storeError(ctx, "join", err)
		}
	}
	if _, err := t.ExecContext(ctx, s.lock.text); err != nil {
		if busy(err) {
			err = fmt.Errorf("begin the transaction IMMEDIATE: %w", err)
		}
		return nil, nil, storeError(ctx, "join", err)
	}
	joined := &tx{on: t, release: func() {}}
	joined.over, joined.stop = context.WithCancel(ctx)
	done = func(committed bool) {
		_ = joined.end(func() error { return nil })
		if committed && joined.changed.Load() {
			s.Wake()
		}
	}
	return joined.context(s), done, nil
}

// Executor returns the transaction that ctx carries, else the database, for the host's own tables. In SQLite its
// writes wait in the same queue as all other writes; see the package comment.
func (s *Store) Executor(ctx context.Context) Executor {
	if t := s.tx(ctx); t != nil {
		return t
	}
	if s.queue != nil {
		return queuedExecutor{s.db, s.queue}
	}
	return s.db
}

// ExecutorFrom is [Store.Executor] for code that has the database and no store: it finds the transaction of any store over
// db that ctx carries.
func ExecutorFrom(ctx context.Context, db *sql.DB) Executor {
	if t, ok := ctx.Value(dbKey{db}).(*tx); ok {
		return t
	}
	if q, ok := queues.Load(weak.Make(db)); ok {
		return queuedExecutor{db, q.(queue)}
	}
	return db
}

// atomically calls f in the transaction that ctx carries, else in a new one. An error of f does not end the
// transaction it joined.
func (s *Store) atomically(ctx context.Context, f func(context.Context) error) error {
	if s.tx(ctx) != nil {
		return f(ctx)
	}
	return s.transact(ctx, f)
}

// txKey is the context key of the transaction of one store.
type txKey struct{ *Store }

// dbKey is the context key of the transaction on one database.
type dbKey struct{ *sql.DB }

func (s *Store) tx(ctx context.Context) *tx {
	t, _ := ctx.Value(txKey{s}).(*tx)
	return t
}

var (
	errAborted = errors.New("sqlstore: a nested InTx failed, so nothing was done")
	errEnded   = errors.New("sqlstore: the transaction has ended")
	errLost    = errors.New("sqlstore: the database has ended the transaction")
)

func (s *Store) transact(ctx context.Context, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := s.begin(ctx)
	if err != nil {
		return storeError(ctx, "begin", err)
	}
	committed := false
	defer func() {
		if !committed { // an error, a panic, or runtime.Goexit
			t.end(t.rollback)
		}
	}()
	defer t.stop()
	if err := f(t.context(s)); err != nil {
		return err
	}
	if t.aborted.Load() {
		return errAborted
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	committed = true
	err = t.end(t.commit)
	if t.changed.Load() {
		s.Wake()
	}
	return storeError(ctx, "commit", err)
}

// A tx is one transaction. Once it has ended it runs no statement: its connection may be in use by another caller.
type tx struct {
	on               Executor
	commit, rollback func() error
	release          func()
	changed, aborted atomic.Bool

	// alive reports whether the database still has the transaction. Nil: the database refuses statements in a failed
	// one.
	alive func() bool

	over context.Context // done when the transaction is over, which closes open rows
	stop context.CancelFunc

	mu       sync.Mutex
	ended    bool
	prepared map[string]*sql.Stmt // statements of this package, by text; nil for PostgreSQL
	handed   []*sql.Stmt          // to the host
}

// context returns the context that carries t.
func (t *tx) context(s *Store) context.Context {
	return context.WithValue(context.WithValue(t.over, txKey{s}, t), dbKey{s.db}, t)
}

// usable returns an error if t can run no more statements.
func (t *tx) usable() error {
	switch {
	case t.ended:
		return errEnded
	case t.alive != nil && !t.alive():
		return errLost
	}
	return nil
}

// end ends t, once. No statement begins afterwards.
func (t *tx) end(how func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	for _, prepared := range slices.AppendSeq(t.handed, maps.Values(t.prepared)) {
		prepared.Close() // first: a rollback may close the connection
	}
	err := how()
	t.stop()
	t.release()
	return err
}

// prepare returns a statement of this package for t. To compile one costs SQLite as much as to run it, and an import runs a
// few of them for each key, so each is prepared once. PostgreSQL's driver caches them itself. The lock is held.
func (t *tx) prepare(ctx context.Context, text string) (runnable, error) {
	conn, ok := t.on.(*sql.Conn)
	if !ok {
		return unprepared{t.on, text}, nil
	}
	if t.prepared[text] == nil {
		prepared, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		t.prepared[text] = prepared
	}
	return t.prepared[text], nil
}

// within returns ctx, done at the latest when t is over.
func (t *tx) within(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(t.over, cancel)
	return ctx
}

// PrepareContext implements [Executor]. The statement is closed with the transaction.
func (t *tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	prepared, err := t.on.PrepareContext(ctx, query)
	if err == nil {
		t.handed = append(t.handed, prepared)
	}
	return prepared, err
}

// ExecContext implements [Executor].
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	return t.on.ExecContext(ctx, query, args...)
}

// QueryContext implements [Executor].
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	return t.on.QueryContext(t.within(ctx), query, args...)
}

// QueryRowContext implements [Executor].
func (t *tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx = t.within(ctx)
	if err := t.usable(); err != nil {
		ctx = failedContext{ctx, err}
	}
	return t.on.QueryRowContext(ctx, query, args...)
}

// begin begins a transaction that blocks all other changes.
func (s *Store) begin(ctx context.Context) (t *tx, err error) {
	if s.dialect == SQLite {
		t, err = beginImmediate(ctx, s.db, s.queue)
	} else {
		t, err = beginLocked(ctx, s.db, s.lock.text)
	}
	if err == nil {
		t.over, t.stop = context.WithCancel(ctx)
	}
	return t, err
}

// beginLocked begins a PostgreSQL transaction and runs lock, which waits for a lock. A snapshot from before the wait would
// lack the changes of the transaction that held the lock, so the isolation level is READ COMMITTED.
func beginLocked(ctx context.Context, db *sql.DB, lock string, args ...any) (*tx, error) {
	t, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, err
	}
	if _, err := t.ExecContext(ctx, lock, args...); err != nil {
		t.Rollback()
		return nil, err
	}
	return &tx{on: t, commit: t.Commit, rollback: t.Rollback, release: func() {}}, nil
}

// beginImmediate begins a SQLite transaction in its turn, which it keeps until it is released. It writes from the
// start, so it never has to give up because another connection wrote after its first read. Package database/sql
// cannot ask for that, and would return a connection to the pool that a failed COMMIT left in its transaction.
func beginImmediate(ctx context.Context, db *sql.DB, q queue) (_ *tx, err error) {
	if err := q.enter(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			q.leave()
		}
	}()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	run := func(query string) error { // to its end, even if ctx is done
		_, err := conn.ExecContext(context.WithoutCancel(ctx), query)
		return err
	}
	rollback := func() error {
		err := run("ROLLBACK")
		if err != nil {
			conn.Raw(func(any) error { return driver.ErrBadConn }) // removes the connection from the pool
		}
		return err
	}
	lost := false
	commit := func() error {
		err := errLost
		if !lost {
			err = run("COMMIT")
		}
		if err != nil {
			rollback() // it may still be open
		}
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		if ctx.Err() != nil {
			rollback() // it may have begun
		}
		conn.Close()
		return nil, err
	}
	// An interrupted statement, or a full disk, may end the whole transaction. The statements after it would run each by
	// itself. BEGIN fails as long as this transaction is open, so alive costs one failed BEGIN before each statement.
	alive := func() bool {
		if lost {
			return false
		}
		err := run("BEGIN")
		if err == nil {
			err = run("ROLLBACK")
		}
		lost = err == nil || !strings.Contains(err.Error(), "within a transaction")
		return !lost
	}
	release := func() {
		conn.Close()
		q.leave()
	}
	return &tx{on: conn, commit: commit, rollback: rollback, release: release, alive: alive, prepared: map[string]*sql.Stmt{}}, nil
}
