package publicapi

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-go/latchkey/roles"
)

// closeTimeout is how long the deletion of the public role waits for the setting to be closed in the store.
// Until that succeeds, the service itself remembers that it is closed.
const closeTimeout = time.Second

// follow hears of deleted roles. A role that is gone closes the public API by itself, since a guard lets
// nobody have it; but one of the same name that is saved later would open it again, and nothing but Set may.
func (s *Service) follow(d *roles.Directory) {
	d.Watch(func(before, now *roles.Policy) {
		s.mu.Lock()
		role := s.latest
		s.mu.Unlock()
		if role == "" { // never asked for yet
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			setting, err := s.c.Store.Load(ctx)
			if err != nil {
				return
			}
			role = setting.Role
		}
		if role == "" || !before.Has(role) || now.Has(role) {
			return
		}
		s.mu.Lock()
		s.deleted = role
		s.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = s.settle(ctx, role)
	})
}

// seen takes note of the role that the store has, and reports whether it is one that was deleted and not yet
// closed in the store.
func (s *Service) seen(role string) (deleted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = role
	return role != "" && role == s.deleted
}

// opened forgets that a role of this name was deleted: somebody has just made this one public.
func (s *Service) opened(role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = role
	if s.deleted == role {
		s.deleted = ""
	}
}

// settle closes the public API in the store if it still has the deleted role.
func (s *Service) settle(ctx context.Context, role string) error {
	was, err := s.c.Store.Load(ctx)
	if err != nil {
		return err
	}
	if was.Role == role {
		err = s.c.Store.Save(ctx, Setting{ChangedAt: time.Now(), ChangedBy: "role " + role + " was deleted", Revision: was.Revision + 1})
		if err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = ""
	if s.deleted == role {
		s.deleted = ""
	}
	return nil
}
