package load

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// Accounts is the table of users as package cockpit wants it. Passwords do not come over: who signed in to Cockpit gets
// a new one here. Neither do addresses for mail, which this program has no use for.
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

// Change is for those who overwrite, and nobody does: what is here was changed by people, or by nobody.
func (a accounts) Change(context.Context, cockpit.User) error {
	return errors.New("load: users that are there already are left alone")
}
