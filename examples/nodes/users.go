package main

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

// A userTable is the host's own table of users, in the same database as the keys.
type userTable struct {
	store *sqlstore.Store
	reads *atomic.Int64
}

// create creates the table if it is missing. Touch makes starting nodes take turns.
func (t *userTable) create(ctx context.Context) error {
	return t.store.InTx(ctx, func(ctx context.Context) error {
		if err := t.store.Touch(ctx); err != nil {
			return err
		}
		_, err := t.store.Executor(ctx).ExecContext(ctx,
			`CREATE TABLE IF NOT EXISTS members (id TEXT PRIMARY KEY, role TEXT NOT NULL, active BOOLEAN NOT NULL)`)
		return err
	})
}

// User implements [auth.Users].
func (t *userTable) User(ctx context.Context, id string) (auth.User, error) {
	t.reads.Add(1)
	u := auth.User{ID: id}
	row := t.store.Executor(ctx).QueryRowContext(ctx, `SELECT role, active FROM members WHERE id = $1`, id)
	if err := row.Scan(&u.Role, &u.Active); errors.Is(err, sql.ErrNoRows) {
		return auth.User{}, auth.ErrNoUser
	} else if err != nil {
		return auth.User{}, err
	}
	return u, nil
}

// save stores a user and calls Touch in the same transaction, so that other nodes see the change.
func (t *userTable) save(ctx context.Context, u auth.User) error {
	return t.store.InTx(ctx, func(ctx context.Context) error {
		_, err := t.store.Executor(ctx).ExecContext(ctx, `INSERT INTO members (id, role, active) VALUES ($1, $2, $3)
			ON CONFLICT (id) DO UPDATE SET role = excluded.role, active = excluded.active`, u.ID, u.Role, u.Active)
		if err != nil {
			return err
		}
		return t.store.Touch(ctx)
	})
}
