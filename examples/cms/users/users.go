// Package users stores the users of the example CMS and their passwords, in tables of the host's own beside the
// library's.
//
// The library stores no passwords. It reads users through [auth.Users], and lists them through [admin.Users]; [Table]
// implements both. A [Manager] changes users by the library's rule that you can't grant more access than you have.
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
	Login  string // to sign in
	Name   string // to show
	Role   string // appid; "" allows nothing
	Active bool   // false refuses the user's keys and the sign-in
}

// A Table is an [auth.Users]. It may be used concurrently.
type Table struct{ store *sqlstore.Store }

// New returns the table in the database of store, which must have the tables of [Schema].
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

// Add stores users that do not exist yet and skips the others. All nodes are notified, this one included.
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

// exec runs a statement and returns the number of rows it changed.
func (t *Table) exec(ctx context.Context, statement string, args ...any) (int, error) {
	result, err := t.store.Executor(ctx).ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// number returns a bool as both engines store it.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
