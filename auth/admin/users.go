package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// Users lists and finds the host's users. It manages nothing else of them. Within [Config.InTx] it should read in
// the transaction that its context carries, so that a demoted user can grant nothing any more.
type Users interface {
	auth.Users
	// List returns the users that pass f, in ascending order of ID: at most f.Limit of those with an ID above
	// f.After. Fewer than that are the last.
	List(ctx context.Context, f UserFilter) ([]auth.User, error)
}

// A UserFilter says which users List returns. Each field that is not zero narrows the list; they combine.
type UserFilter struct {
	Text  string // in the ID or the name, in any case
	Role  string
	After string // the ID of the last user of the page before
	Limit int    // 1 to 1000
}

// Users returns a page of the host's users, and where the next one begins: "" after the last. It needs
// [ManageUsers]. It returns [ErrNotFound] if the host does not list its users.
func (s *Service) Users(ctx context.Context, by auth.Principal, f UserFilter) (page []auth.User, next string, err error) {
	f.Limit = pageSize(f.Limit)
	page, err = read(ctx, s, s.may(by, ManageUsers), func(ctx context.Context) ([]auth.User, error) {
		if s.cfg.Users == nil {
			return nil, auth.ErrNoUser
		}
		return s.cfg.Users.List(ctx, f)
	})
	if err != nil {
		return nil, "", err
	}
	if len(page) >= f.Limit {
		next = page[len(page)-1].ID
	}
	return page, next, nil
}

// User returns one of the host's users. One's own needs no permission, others' need [ManageUsers]. It returns
// [ErrNotFound] if there is no such user, or the host does not list its users.
func (s *Service) User(ctx context.Context, by auth.Principal, id string) (auth.User, error) {
	return read(ctx, s, s.mayFor(by, id), func(ctx context.Context) (auth.User, error) { return s.user(ctx, id) })
}

var errOtherUser = errors.New("admin: Users returned another user than the one requested")

// user returns the user with this ID, or an error wrapping [auth.ErrNoUser]. A failed or cancelled query is a store
// error, whatever else its error wraps.
func (s *Service) user(ctx context.Context, id string) (auth.User, error) {
	if s.cfg.Users == nil {
		return auth.User{}, auth.ErrNoUser
	}
	user, err := s.cfg.Users.User(ctx, id)
	switch {
	case err == nil && user.ID != id:
		err = errOtherUser
	case errors.Is(err, auth.ErrNoUser) && (errors.Is(err, keys.ErrStore) || ctx.Err() != nil):
		err = fmt.Errorf("%w: %v", keys.ErrStore, err) // no longer ErrNoUser
	}
	return user, err
}
