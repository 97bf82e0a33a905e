package load

import (
	"context"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Into says where a file's documents go.
type Into struct {
	Roles   *roles.Directory
	Users   *users.Table
	Keys    *keys.Ring
	Public  *publicapi.Service
	Content *content.Store
	// Say hears, in a sentence each, what was not taken as it was, and at the end how much was.
	Say func(format string, args ...any)

	policy *roles.Policy // once the roles of the file are there
}

// Add stores what is in f and not there yet. Its error is a store in trouble; what was stored by then stays, and
// calling it again stores the rest. The public API is opened last.
func (in Into) Add(ctx context.Context, f *File) error {
	addedRoles, err := in.addRoles(ctx, f)
	if err != nil {
		return err
	}
	if in.policy = in.Roles.Policy(); in.policy == nil {
		return noRoles(in.Roles)
	}
	addedUsers, owners, err := in.addUsers(ctx, f)
	if err != nil {
		return err
	}
	addedKeys, err := in.addKeys(ctx, f, owners)
	if err != nil {
		return err
	}
	models, items, err := in.addContent(ctx, f)
	if err != nil {
		return err
	}
	if err := in.open(ctx, f); err != nil {
		return err
	}
	in.Say("added %d roles, %d users, %d keys, %d models and %d items", addedRoles, addedUsers, addedKeys, models, items)
	return nil
}

// addUsers returns also the documents of those that were taken or are there: the key of a refused user is refused
// with it.
func (in Into) addUsers(ctx context.Context, f *File) (added int, owners []document, err error) {
	seen := map[string]bool{}
	var taken []users.User
	for _, d := range f.users {
		id, login := d.plain("_id"), d.plain("user")
		if !content.ValidName(id) || seen[id] {
			in.Say("refused: user %q, and the key with it: no _id, or one that another has", login)
			continue
		}
		role, err := in.role(d)
		if err != nil {
			in.Say("user %q may do nothing: %v", login, err)
		}
		seen[id] = true
		owners = append(owners, d)
		taken = append(taken, users.User{ID: id, Login: login, Name: d.plain("name"), Role: role, Active: d["active"] == true})
	}
	added, err = in.Users.Add(ctx, taken...)
	return added, owners, err
}
