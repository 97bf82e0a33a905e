package sqlstore

import (
	"context"
	"database/sql"
)

// This file caches the statements of this package that a transaction has run. To compile one costs SQLite as much as to
// run it, and an import runs a few of them for each key. PostgreSQL's driver caches them itself.

// prepared returns the prepared statement if t has run it before, else nil.
func (t *tx) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	conn, ok := t.on.(*sql.Conn)
	if !ok {
		return nil, nil
	}
	p, again := t.run[text]
	if p == nil && again {
		var err error
		if p, err = conn.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
	}
	if t.run == nil {
		t.run = map[string]*sql.Stmt{}
	}
	t.run[text] = p
	return p, nil
}

// exec is ExecContext for a statement of this package.
func (t *tx) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	p, err := t.prepared(ctx, text)
	switch {
	case err != nil:
		return nil, err
	case p != nil:
		return p.ExecContext(ctx, args...)
	}
	return t.on.ExecContext(ctx, text, args...)
}

// one is [Store.one] within t. It holds the lock until the row is read: a prepared statement has one result at a
// time.
func (t *tx) one(ctx context.Context, text string, args []any, into ...any) (found bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return false, err
	}
	p, err := t.prepared(ctx, text)
	if err != nil {
		return false, err
	}
	var rows *sql.Rows
	if p != nil {
		rows, err = p.QueryContext(ctx, args...)
	} else {
		rows, err = t.on.QueryContext(ctx, text, args...)
	}
	if err != nil {
		return false, err
	}
	return first(rows, into...)
}
