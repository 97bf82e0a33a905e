package publicapi

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/latchkey-go/latchkey/roles"
)

// closeTimeout is how long the deletion of a role waits for the setting to be closed in the store. Until that
// is done, the service itself remembers what was deleted.
const closeTimeout = time.Second

// follow hears of deleted roles. A role that is gone closes the public API by itself, since a guard lets
// nobody have it; but one of the same name that is saved later would open it again, and nothing but Set may.
// The roles wait while it runs: it takes note first, and gives a store that hangs no more than closeTimeout.
func (s *Service) follow() (stop func()) {
	return s.directory.Watch(func(before, now *roles.Policy) {
		s.cached.invalidate() // no setting is kept that is older than the roles: theirs may have been deleted and made again
		var gone []string
		for _, appid := range before.AppIDs() {
			if !now.Has(appid) {
				gone = append(gone, appid)
			}
		}
		if len(gone) == 0 {
			return
		}
		s.note(gone)
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		go func() {
			defer cancel()
			defer func() { _ = recover() }() // a store that panics closes nothing; what was noted stands
			for _, appid := range gone {
				if s.settle(ctx, appid) != nil {
					return
				}
			}
		}()
		<-ctx.Done()
	})
}

func (s *Service) note(deleted []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(*s.deleted.Load())
	for _, appid := range deleted {
		all[appid] = true
	}
	s.deleted.Store(&all)
}

// wasDeleted reports whether the role was deleted and the store may still have it.
func (s *Service) wasDeleted(appid string) bool { return (*s.deleted.Load())[appid] }

// forget is called once the store does not have the role, or has it because Set was called since.
func (s *Service) forget(appid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(*s.deleted.Load())
	delete(all, appid)
	s.deleted.Store(&all)
}

// stands reports, without asking any store, that the role the setting names is there, or that it names none.
func (s *Service) stands(appid string) bool {
	return appid == "" || s.directory == nil || !s.wasDeleted(appid) && s.directory.Policy().Has(appid)
}

// standing returns the role that the store has, or "" if it was deleted, which then is settled in the store.
func (s *Service) standing(ctx context.Context, appid string) (string, error) {
	if s.stands(appid) {
		return appid, nil
	}
	if s.wasDeleted(appid) {
		return "", s.settle(ctx, appid)
	}
	// It was deleted before this service began, or this node has not heard of the role yet.
	if err := s.directory.Reload(ctx); err != nil {
		return "", err
	}
	switch policy := s.directory.Policy(); {
	case policy == nil: // what nobody can vouch for tells nothing about the role
		return "", ErrUnavailable
	case policy.Has(appid):
		return appid, nil
	}
	return "", s.settle(ctx, appid)
}

// settle closes the public API in the store if it still has the deleted role.
func (s *Service) settle(ctx context.Context, appid string) error {
	for range attempts {
		was, err := s.c.Store.Load(ctx)
		if err != nil {
			return err
		}
		if was.Role != appid {
			s.forget(appid)
			return nil
		}
		err = s.c.Store.Save(ctx, Setting{ChangedAt: now(), ChangedBy: "role " + appid + " was deleted", Revision: was.Revision})
		if err == nil {
			s.forget(appid)
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}
