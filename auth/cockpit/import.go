package cockpit

import (
	"cmp"
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// inOneTransaction is how many changes are one transaction: other writers wait for it.
const inOneTransaction = 500

// Import writes the objects of source that do not exist here, and returns the report that [Plan] would have returned. Its
// error is a store error or a mistake in into. It may be called again at any time, and by several nodes; after an error it
// does the rest. Roles come first, and the public API is opened last. With [Into.InTx] the roles and the first 500 changes
// are one transaction, and so is each further 500, so that other writers need not wait for the whole.
func Import(ctx context.Context, source *Source, into Into) (*Report, error) {
	if err := into.check(source); err != nil {
		return nil, err
	}
	run := into.InTx
	if run == nil {
		run = func(ctx context.Context, f func(context.Context) error) error { return f(ctx) }
	}
	var p *planner
	for done := 0; p == nil || done < len(p.steps); {
		end := 0
		err := run(ctx, func(ctx context.Context) (err error) {
			if done == 0 {
				if p, err = plan(ctx, source, into); err != nil {
					return err
				}
			}
			end = min(max(done+inOneTransaction, p.roleSteps), len(p.steps))
			for _, step := range p.steps[done:end] {
				if err := step(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		done = end
	}
	return p.finish(), nil
}

// Into says where a [Source] goes. Keys and Roles are required.
type Into struct {
	// Keys needs [keys.Config.ImportedKeys]; without it every key is refused. So does each ring that verifies the keys
	// later.
	Keys *keys.Ring

	// Roles and Public are written directly. A [roles.Directory] or a [publicapi.Service] over them notices the change at
	// its next poll: call Reload after Import to apply it at once.
	Roles roles.Store
	// Public is the setting of the public API. Nil: it is reported as refused if Cockpit opens it.
	Public publicapi.Store
	// Catalog tells which permissions only read, as in [publicapi.Config]. Nil: none does.
	Catalog *roles.Catalog
	// Acknowledge lists the permissions of the public role that change data and may be opened to callers without a key:
	// exactly the Writes of its [publicapi.Exposure]. A public role with other such permissions is refused, and so is an
	// import that would add them to the role that is public here.
	Acknowledge []string

	// Users is the host's table of users. Nil: users are the host's own to bring over, under the same IDs; see
	// [Source.Users].
	Users Users

	// InTx runs f in one transaction over all stores above, such as sqlstore's InTx. It may call f more than once. Nil
	// is for stores in memory.
	InTx func(ctx context.Context, f func(ctx context.Context) error) error
	// Audit gets a record of each change, and its records identify what an earlier import wrote. Nil: see the package
	// comment.
	Audit audit.Log
	// By is the actor in the records. "" is "import".
	By string

	// AllowWeak takes keys that can be guessed, if Keys has a pepper. They stay marked until they are refreshed.
	AllowWeak bool
	// Overwrite replaces roles, users, names and the public role that differ here by Cockpit's. False: they are not
	// changed, since an operator may have removed a right here. Neither changes the value of a key, or makes an ended key
	// valid again.
	Overwrite bool
}

// Users is implemented by the host: its table of users. Its methods use the transaction that their context carries,
// where there is one.
type Users interface {
	// Find returns the user with this ID, or an error wrapping [auth.ErrNoUser]. Role and
	// Active are compared with Cockpit's, and so are Login, Name and Email unless they are "".
	Find(ctx context.Context, id string) (User, error)
	// Add adds a user that Find did not find. The host decides which fields to keep.
	Add(ctx context.Context, u User) error
	// Change writes Login, Name, Email, Role and Active over those of the user with u's ID. It leaves the password
	// alone. It is called only with [Into.Overwrite].
	Change(ctx context.Context, u User) error
}

func (into *Into) check(s *Source) error {
	var mistakes []error
	check := func(mistake bool, text string) {
		if mistake {
			mistakes = append(mistakes, errors.New("cockpit: "+text))
		}
	}
	check(s.documents() == nil, "there is no Source")
	check(into.Keys == nil, "Into.Keys is nil")
	check(into.Roles == nil, "Into.Roles is nil")
	into.By = cmp.Or(into.By, "import")
	return errors.Join(mistakes...)
}

// find is Users.Find, with false for a user that is not there.
func (into *Into) find(ctx context.Context, id string) (User, bool, error) {
	user, err := into.Users.Find(ctx, id)
	switch {
	case errors.Is(err, auth.ErrNoUser):
		return User{}, false, nil
	case err == nil && user.ID != id:
		return User{}, false, errors.New("Users.Find answered with another user than the one asked for")
	}
	return user, err == nil, err
}
