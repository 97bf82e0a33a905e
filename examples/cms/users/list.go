package users

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
)

// An Account is a user as shown to managers.
type Account struct {
	User
	SignsIn bool // has a password
}

const account = `SELECT u.id, u.login, u.name, u.role, u.active, p.user_id IS NOT NULL
	FROM cms_users u LEFT JOIN cms_passwords p ON p.user_id = u.id `

// List implements [admin.Users].
func (t *Table) List(ctx context.Context, f admin.UserFilter) ([]auth.User, error) {
	if !storable(f.After, f.Role, f.Text) {
		return nil, nil
	}
	where, args := []string{"id > $1"}, []any{f.After}
	if f.Role != "" {
		args = append(args, f.Role)
		where = append(where, fmt.Sprintf("role = $%d", len(args)))
	}
	if f.Text != "" {
		args = append(args, "%"+escape.Replace(strings.ToLower(f.Text))+"%")
		where = append(where, fmt.Sprintf(`(LOWER(id) LIKE $%[1]d ESCAPE '!' OR LOWER(name) LIKE $%[1]d ESCAPE '!')`, len(args)))
	}
	args = append(args, f.Limit)
	rows, err := t.store.Executor(ctx).QueryContext(ctx, fmt.Sprintf(
		`SELECT id, name, role, active FROM cms_users WHERE %s ORDER BY id LIMIT $%d`, strings.Join(where, " AND "), len(args)), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []auth.User{}
	for rows.Next() {
		var user auth.User
		if err := rows.Scan(&user.ID, &user.Name, &user.Role, &user.Active); err != nil {
			return nil, err
		}
		list = append(list, user)
	}
	return list, rows.Err()
}

// escape escapes the wildcards of LIKE.
var escape = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// Accounts returns a page of all users ordered by login. The page starts after the given login and ID, the last of
// the page before.
func (t *Table) Accounts(ctx context.Context, afterLogin, afterID string, limit int) ([]Account, error) {
	if !storable(afterLogin, afterID) {
		return nil, nil
	}
	rows, err := t.store.Executor(ctx).QueryContext(ctx,
		account+`WHERE u.login > $1 OR u.login = $1 AND u.id > $2 ORDER BY u.login, u.id LIMIT $3`, afterLogin, afterID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Account
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// Account returns one user, or an error wrapping [auth.ErrNoUser].
func (t *Table) Account(ctx context.Context, id string) (Account, error) {
	if !storable(id) {
		return Account{}, auth.ErrNoUser
	}
	a, err := scan(t.store.Executor(ctx).QueryRowContext(ctx, account+`WHERE u.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, auth.ErrNoUser
	}
	return a, err
}

func scan(row interface{ Scan(...any) error }) (a Account, err error) {
	err = row.Scan(&a.ID, &a.Login, &a.Name, &a.Role, &a.Active, &a.SignsIn)
	return a, err
}

// storable reports whether a database can hold these texts. PostgreSQL refuses invalid text, which would look like a
// store failure.
func storable(texts ...string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			return false
		}
	}
	return true
}
