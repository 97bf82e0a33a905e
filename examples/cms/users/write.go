package users

import (
	"context"
	"fmt"

	"github.com/latchkey-go/latchkey/roles"
)

// First makes sure that a user can sign in: if no user has a password, it gives one to the user "admin" and returns
// it; it is stored as a digest only. If that login belongs to a user who is not an active administrator, it takes
// another. It returns "" if there is nothing to do. If several nodes call it at once, one does the work.
func (t *Table) First(ctx context.Context) (login, password string, err error) {
	if some, err := t.anyPassword(ctx); some || err != nil {
		return "", "", err
	}
	password = NewPassword()
	stored, err := digest(ctx, password)
	if err != nil {
		return "", "", err
	}
	err = t.store.InTx(ctx, func(ctx context.Context) error {
		login = ""
		if some, err := t.anyPassword(ctx); some || err != nil {
			return err
		}
		for i := 1; ; i++ {
			name := "admin"
			if i > 1 {
				name = fmt.Sprintf("admin%d", i)
			}
			same, err := t.withLogin(ctx, name)
			if err != nil {
				return err
			}
			switch {
			case len(same) == 0:
				u := User{ID: newID(), Login: name, Name: "Administrator", Role: roles.Admin, Active: true}
				err = t.insert(ctx, u, stored)
			case len(same) == 1 && same[0].Active && same[0].Role == roles.Admin:
				err = t.setPassword(ctx, same[0], stored)
			default:
				continue
			}
			if err != nil {
				return err
			}
			login = name
			return t.store.Touch(ctx)
		}
	})
	if err != nil || login == "" {
		return "", "", err
	}
	return login, password, nil
}

func (t *Table) anyPassword(ctx context.Context) (some bool, err error) {
	var n int
	err = t.store.Executor(ctx).QueryRowContext(ctx, `SELECT COUNT(*) FROM cms_passwords`).Scan(&n)
	return n > 0, err
}

// withLogin returns all users with this login: loaded users may share one.
func (t *Table) withLogin(ctx context.Context, login string) (same []User, err error) {
	rows, err := t.store.Executor(ctx).QueryContext(ctx, account+`WHERE u.login = $1 ORDER BY u.id`, login)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, err
		}
		same = append(same, a.User)
	}
	return same, rows.Err()
}

// insert stores a new user with a free login.
func (t *Table) insert(ctx context.Context, u User, stored string) error {
	same, err := t.withLogin(ctx, u.Login)
	if err != nil {
		return err
	}
	if len(same) > 0 {
		return ErrTaken
	}
	_, err = t.exec(ctx, `INSERT INTO cms_users (id, login, name, role, active) VALUES ($1, $2, $3, $4, $5)`,
		u.ID, u.Login, u.Name, u.Role, number(u.Active))
	if err != nil {
		return err
	}
	return t.setPassword(ctx, u, stored)
}

// setPassword replaces a user's password and ends the user's sessions. Only one of several users with the same login
// can have a password.
func (t *Table) setPassword(ctx context.Context, u User, stored string) error {
	if !ValidLogin(u.Login) {
		return ErrLogin
	}
	n, err := t.exec(ctx, `UPDATE cms_passwords SET password = $1, epoch = epoch + 1 WHERE user_id = $2`, stored, u.ID)
	if err != nil || n > 0 {
		return err
	}
	n, err = t.exec(ctx, `INSERT INTO cms_passwords (login, user_id, password, epoch) VALUES ($1, $2, $3, 1) ON CONFLICT DO NOTHING`,
		u.Login, u.ID, stored)
	if err == nil && n == 0 {
		err = ErrTaken
	}
	return err
}

func (t *Table) endSessions(ctx context.Context, id string) error {
	_, err := t.exec(ctx, `UPDATE cms_passwords SET epoch = epoch + 1 WHERE user_id = $1`, id)
	return err
}
