package load

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// Accounts adapts the table of users for package cockpit. Passwords and mail addresses are not imported: users get a
// new password here, and this program sends no mail.
func Accounts(table *users.Table) cockpit.Users { return accounts{table} }

type accounts struct{ table *users.Table }

func (a accounts) Find(ctx context.Context, id string) (cockpit.User, error) {
	u, err := a.table.Account(ctx, id)
	if err != nil {
		return cockpit.User{}, err
	}
	return cockpit.User{ID: u.ID, Login: u.Login, Name: u.Name, Role: u.Role, Active: u.Active}, nil
}

func (a accounts) Add(ctx context.Context, u cockpit.User) error {
	_, err := a.table.Add(ctx, users.User{ID: u.ID, Login: u.Login, Name: u.Name, Role: u.Role, Active: u.Active})
	return err
}

// Change always fails: existing users are never overwritten.
func (a accounts) Change(context.Context, cockpit.User) error {
	return errors.New("load: existing users are not changed")
}
