package users

import (
	"context"
	"database/sql"
	"errors"
)

// ErrWrong is the one answer to a wrong password, an unknown login, a user without password and an inactive one.
var ErrWrong = errors.New("users: user name or password is wrong")

// SignIn returns who has this login and password, and the epoch that a session of theirs has to remember. Its error is
// ErrWrong, or a store in trouble. It takes as long for who is not there.
func (t *Table) SignIn(ctx context.Context, login, password string) (id string, epoch int64, err error) {
	stored, active := nobodys, false
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

// StillSignedIn reports whether sessions of this user and epoch go on: the user is active, and has not got another
// password since.
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

// plain is s if it can be a login. What is none, such as bytes that PostgreSQL takes for no text, is nobody's.
func plain(s string) string {
	if !ValidLogin(s) {
		return ""
	}
	return s
}
