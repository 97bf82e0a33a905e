// Package users keeps the users of the example CMS in tables of the host's own, beside the library's: who they are, and
// the passwords of those who may sign in.
//
// The library owns no passwords. What it needs to know of users is [auth.Users], and [admin.Users] to list them; both
// are a [Table]. A [Manager] changes them on behalf of somebody, by the library's own rule that nobody hands out more
// than they hold.
package users

import (
	"context"
	"database/sql"
	"errors"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

var _ admin.Users = (*Table)(nil)

// A User is one row.
type User struct {
	ID     string
	Login  string // what the user signs in with
	Name   string // for people to read
	Role   string // appid; "" may do nothing
	Active bool   // false refuses all keys of the user, and the sign-in
}

// A Table is an [auth.Users]. It may be used concurrently.
type Table struct{ store *sqlstore.Store }

// New returns the table that lies in the database of store and must have been made with [Schema].
func New(store *sqlstore.Store) *Table { return &Table{store} }

// User implements [auth.Users].
func (t *Table) User(ctx context.Context, id string) (auth.User, error) {
	if !storable(id) {
		return auth.User{}, auth.ErrNoUser
	}
	user := auth.User{ID: id}
	var active int
	err := t.store.Executor(ctx).QueryRowContext(ctx, `SELECT name, role, active FROM cms_users WHERE id = $1`, id).
		Scan(&user.Name, &user.Role, &active)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.User{}, auth.ErrNoUser
	}
	if err != nil {
		return auth.User{}, err
	}
	user.Active = active == 1
	return user, nil
}

// Add stores users that are not there yet, and passes over the others. All nodes are told, this one included.
func (t *Table) Add(ctx context.Context, users ...User) (added int, err error) {
	err = t.store.InTx(ctx, func(ctx context.Context) error {
		added = 0
		for _, u := range users {
			n, err := t.exec(ctx,
				`INSERT INTO cms_users (id, login, name, role, active) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				u.ID, u.Login, u.Name, u.Role, number(u.Active))
			if err != nil {
				return err
			}
			added += n
		}
		if added == 0 {
			return nil
		}
		return t.store.Touch(ctx)
	})
	return added, err
}

// exec runs a statement and returns how many rows it has changed.
func (t *Table) exec(ctx context.Context, statement string, args ...any) (int, error) {
	result, err := t.store.Executor(ctx).ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// number is how both engines keep a truth.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
