package users

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
)

// ChangeOwn changes the caller's password if the old one is right; it needs no permission. All sessions of the caller
// end. If another user has changed the password in between, that change stays.
func (m *Manager) ChangeOwn(ctx context.Context, by auth.Principal, old, password string) error {
	u, err := m.Table.Account(ctx, by.UserID())
	if err != nil {
		return err
	}
	_, epoch, err := m.Table.SignIn(ctx, u.Login, old)
	if err != nil {
		return err
	}
	stored, err := digest(ctx, password)
	if err != nil {
		return err
	}
	return m.Store.InTx(ctx, func(ctx context.Context) error {
		n, err := m.Table.exec(ctx, `UPDATE cms_passwords SET password = $1, epoch = epoch + 1 WHERE user_id = $2 AND epoch = $3`,
			stored, u.ID, epoch)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrWrong
		}
		return change{Manager: m, by: by}.record(ctx, "user.password", u.ID, nil, nil)
	})
}

// EndOwnSessions ends all sessions of the caller; it needs no permission. The caller's key stays valid.
func (m *Manager) EndOwnSessions(ctx context.Context, by auth.Principal) error {
	return m.Store.InTx(ctx, func(ctx context.Context) error {
		if err := m.Table.endSessions(ctx, by.UserID()); err != nil {
			return err
		}
		return change{Manager: m, by: by}.record(ctx, "user.signout", by.UserID(), nil, nil)
	})
}
