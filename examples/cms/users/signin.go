package users

import (
	"context"
	"database/sql"
	"errors"
)

// ErrWrong is the only error for a wrong password, an unknown login, a user without password and an inactive user.
var ErrWrong = errors.New("users: user name or password is wrong")

// SignIn returns the user with this login and password, and the epoch that the session must store. Its error is
// ErrWrong, or a store failure. An unknown login takes as long.
func (t *Table) SignIn(ctx context.Context, login, password string) (id string, epoch int64, err error) {
	stored, active := unusable, false
	err = t.store.Executor(ctx).QueryRowContext(ctx, `SELECT p.user_id, p.password, p.epoch, u.active
		FROM cms_passwords p JOIN cms_users u ON u.id = p.user_id WHERE p.login = $1`, plain(login)).
		Scan(&id, &stored, &epoch, &active)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", 0, err
	}
	ok, err := matches(ctx, stored, password)
	if err != nil {
		return "", 0, err
	}
	if !ok || !active {
		return "", 0, ErrWrong
	}
	return id, epoch, nil
}

// StillSignedIn reports whether sessions of this user and epoch are valid: the user is active, and the password has
// not changed since.
func (t *Table) StillSignedIn(ctx context.Context, id string, epoch int64) (bool, error) {
	var now int64
	var active bool
	err := t.store.Executor(ctx).QueryRowContext(ctx, `SELECT p.epoch, u.active
		FROM cms_passwords p JOIN cms_users u ON u.id = p.user_id WHERE p.user_id = $1`, id).Scan(&now, &active)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil && active && now == epoch, err
}

// plain returns s if it is a valid login, else "", which no user has. PostgreSQL would refuse invalid text.
func plain(s string) string {
	if !ValidLogin(s) {
		return ""
	}
	return s
}
