package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"runtime"
	"sync"
	"time"
	"weak"
)

// A queue lets one writer at a time into a SQLite database, in the order in which they came. SQLite has no queue: its
// busy handler sleeps and tries again, so under load some writers wait for seconds and then fail.
//
// The order is that of the runtime: blocked senders of a channel continue in the order in which they blocked. The nil
// queue, which PostgreSQL has, lets all writers in.
type queue chan struct{}

// maxWait bounds each wait. A method that is called within [Store.InTx] without the context of the transaction waits
// for that transaction, which waits for the method.
const maxWait = time.Minute

var errWait = errors.New("another writer has held the database for too long " +
	"(within InTx, use the context that its function gets)")

// enter waits for the caller's turn. If it returns nil, the caller must call leave.
func (q queue) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil || q == nil {
		return err
	}
	select {
	case q <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(maxWait):
		return errWait
	}
}

func (q queue) leave() {
	if q != nil {
		<-q
	}
}

// queues holds the queue of each SQLite database in use, which its stores share, by weak.Pointer[sql.DB]: it keeps no
// database alive.
var queues sync.Map

// queueOf returns the queue of db.
func queueOf(db *sql.DB) queue {
	key := weak.Make(db)
	q, known := queues.LoadOrStore(key, make(queue, 1))
	if !known {
		runtime.AddCleanup(db, func(key weak.Pointer[sql.DB]) { queues.Delete(key) }, key)
	}
	return q.(queue)
}

// enter waits for the caller's turn to write, unless ctx carries a transaction, which has its turn already. If it
// returns nil, the caller must call leave with the same ctx.
func (s *Store) enter(ctx context.Context) error {
	if s.tx(ctx) != nil {
		return nil
	}
	return s.queue.enter(ctx)
}

func (s *Store) leave(ctx context.Context) {
	if s.tx(ctx) == nil {
		s.queue.leave()
	}
}

// A queuedExecutor runs statements outside of a transaction. Those that may write wait for their turn.
type queuedExecutor struct {
	db *sql.DB
	queue
}

// PrepareContext implements [Executor].
func (q queuedExecutor) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return q.db.PrepareContext(ctx, query)
}

// ExecContext implements [Executor].
func (q queuedExecutor) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := q.enter(ctx); err != nil {
		return nil, err
	}
	defer q.leave()
	return q.db.ExecContext(ctx, query, args...)
}

// QueryContext implements [Executor]. The turn of a query that may write ends when its rows are closed.
func (q queuedExecutor) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if readsOnly(query) {
		return q.db.QueryContext(ctx, query, args...)
	}
	conn, done, err := q.conn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return conn.QueryContext(ctx, query, args...)
}

// QueryRowContext implements [Executor]. The turn of a query that may write ends when its row is scanned.
func (q queuedExecutor) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if readsOnly(query) {
		return q.db.QueryRowContext(ctx, query, args...)
	}
	conn, done, err := q.conn(ctx)
	if err != nil {
		return q.db.QueryRowContext(failedContext{ctx, err}, query, args...)
	}
	defer done()
	return conn.QueryRowContext(ctx, query, args...)
}

// conn waits for the caller's turn and returns a connection for one query. done gives up both once the rows of the
// query are closed: until then, closing the connection blocks.
func (q queuedExecutor) conn(ctx context.Context) (conn *sql.Conn, done func(), err error) {
	if err := q.enter(ctx); err != nil {
		return nil, nil, err
	}
	if conn, err = q.db.Conn(ctx); err != nil {
		q.leave()
		return nil, nil, err
	}
	return conn, func() {
		go func() {
			defer q.leave()
			conn.Close()
		}()
	}, nil
}

// A failedContext is done with an error. It is the only way to make a [sql.Row] with an error.
type failedContext struct {
	context.Context
	err error
}

var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (failedContext) Done() <-chan struct{} { return closedChannel }
func (f failedContext) Err() error          { return f.err }

var (
	comments = `^(?:\s|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*+[^*/])*\*+/)*`
	reading  = regexp.MustCompile(`(?i)` + comments + `(?:SELECT|VALUES|EXPLAIN)\b`)
	with     = regexp.MustCompile(`(?i)` + comments + `WITH\b`)
	writing  = regexp.MustCompile(`(?i)\b(?:INSERT|UPDATE|DELETE|REPLACE)\b`)
)

// readsOnly reports whether a SQLite statement certainly writes nothing.
func readsOnly(query string) bool {
	return reading.MatchString(query) || with.MatchString(query) && !writing.MatchString(query)
}
