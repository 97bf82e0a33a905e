package admin

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
)

// Users returns a page of the host's users, and where the next one begins: "" after the last. It needs
// [ManageUsers]. It returns [ErrNotFound] if the host does not list its users.
func (s *Service) Users(ctx context.Context, by auth.Principal, f UserFilter) (page []auth.User, next string, err error) {
	if err := s.may(by, ManageUsers); err != nil {
		return nil, "", err
	}
	if s.cfg.Users == nil {
		return nil, "", plainly(auth.ErrNoUser)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	f.Limit = pageSize(f.Limit)
	if page, err = s.cfg.Users.List(ctx, f); err != nil {
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
	if err := s.mayFor(by, id); err != nil {
		return auth.User{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	user, err := s.user(ctx, id)
	return user, plainly(err)
}
