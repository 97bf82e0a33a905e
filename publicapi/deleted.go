package publicapi

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/roles"
)

// closeTimeout is how long the deletion of a role waits for the setting to be closed in the store. Until then, the service
// itself remembers the deleted role.
const closeTimeout = time.Second

// watchRoles closes the setting in the store when its role is deleted. A guard grants a deleted role to no caller, but a
// role that is saved later under the same appid would open the public API again, and only Set may do that. The directory
// waits for the callback, so it first remembers the deleted roles, and then waits for the store for at most closeTimeout.
func (s *Service) watchRoles() (stop func()) {
	return s.directory.Watch(func(before, now *roles.Policy) {
		if s.cached != nil { // a setting older than the roles may name a role that was deleted and saved again
			s.cached.Invalidate()
		}
		gone := slices.DeleteFunc(before.AppIDs(), now.Has)
		if len(gone) == 0 {
			return
		}
		s.changeDeleted(func(deleted map[string]bool) {
			for _, appid := range gone {
				deleted[appid] = true
			}
		})
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		go func() {
			defer cancel()
			defer func() { _ = recover() }() // if the store panics, the setting stays, and the roles stay remembered
			for _, appid := range gone {
				if s.closeDeleted(ctx, appid) != nil {
					return
				}
			}
		}()
		<-ctx.Done()
	})
}

// changeDeleted changes the set of the deleted roles that are remembered.
func (s *Service) changeDeleted(change func(deleted map[string]bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(*s.deleted.Load())
	change(all)
	s.deleted.Store(&all)
}

// wasDeleted reports whether the role was deleted and the store may still name it.
func (s *Service) wasDeleted(appid string) bool { return (*s.deleted.Load())[appid] }

// removeDeleted forgets a deleted role: the store does not name it any more, or names it because Set was called again.
func (s *Service) removeDeleted(appid string) {
	s.changeDeleted(func(deleted map[string]bool) { delete(deleted, appid) })
}

// hasEffect reports, without a call of a store, that the setting's role exists, or that the setting has none.
func (s *Service) hasEffect(appid string) bool {
	return appid == "" || s.directory == nil || !s.wasDeleted(appid) && s.directory.Policy().Has(appid)
}

// effectiveRole returns the setting's role, or "" if it was deleted; then it closes the setting in the store.
func (s *Service) effectiveRole(ctx context.Context, appid string) (string, error) {
	if s.hasEffect(appid) {
		return appid, nil
	}
	if s.wasDeleted(appid) {
		return "", s.closeDeleted(ctx, appid)
	}
	// It was deleted before this service started, or this node has not loaded the new role yet.
	if err := s.directory.Reload(ctx); err != nil {
		return "", err
	}
	switch policy := s.directory.Policy(); {
	case policy == nil: // without a valid policy it is not known whether the role exists
		return "", ErrUnavailable
	case policy.Has(appid):
		return appid, nil
	}
	return "", s.closeDeleted(ctx, appid)
}

// closeDeleted closes the setting in the store if it still names the deleted role.
func (s *Service) closeDeleted(ctx context.Context, appid string) error {
	err := s.disable(ctx, "role "+appid+" was deleted", func(stored Setting) bool { return stored.Role == appid })
	if err == nil {
		s.removeDeleted(appid)
	}
	return err
}
