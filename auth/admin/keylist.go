package admin

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// Keys returns a page of the keys that pass f, in the order of issue, and where the next page begins: "" after the last.
// text, in any case, must stand in the name, hint, ID, user or role; "" is any. With a text it reads ten thousand records
// at most, so a page may be short, even empty, and still not the last. A Kind of "" means custom keys. User keys need
// [ManageUsers], custom ones [ManageAPI].
func (s *Service) Keys(ctx context.Context, by auth.Principal, f keys.Filter, text string) (page []keys.Record, next string, err error) {
	f.Kind = cmp.Or(f.Kind, keys.KindCustom)
	if f.Kind != keys.KindCustom && f.Kind != keys.KindUser {
		return nil, "", badInput("kind", "is user or custom")
	}
	states := []keys.State{"", keys.StateActive, keys.StateDisabled, keys.StateExpired, keys.StateInvalidated}
	if !slices.Contains(states, f.State) {
		return nil, "", badInput("state", "is active, disabled, expired or invalidated")
	}
	if err := s.may(by, permissionFor(f.Kind)); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	const mostLooks, mostLook = 10, 1000
	limit, look := pageSize(f.Limit), 0
	f.Limit = limit
	if text != "" {
		f.Limit = mostLook
	}
	text = strings.ToLower(text)
	for {
		found, err := s.cfg.Keys.List(ctx, f)
		if err != nil {
			return nil, "", translate(err)
		}
		for i := range found {
			f.After = found[i].ID
			if text != "" && !holds(&found[i], text) {
				continue
			}
			if page = append(page, found[i]); len(page) == limit {
				if i == len(found)-1 && len(found) < f.Limit {
					return page, "", nil
				}
				return page, f.After, nil
			}
		}
		if look++; len(found) < f.Limit {
			return page, "", nil
		}
		if look == mostLooks {
			return page, f.After, nil
		}
	}
}

func holds(rec *keys.Record, text string) bool {
	return slices.ContainsFunc([]string{rec.Name, rec.Hint, rec.ID, rec.UserID, rec.Role}, func(field string) bool {
		return strings.Contains(strings.ToLower(field), text)
	})
}

// pageSize returns the most rows that a page has.
func pageSize(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, 1000)
}

// permissionFor returns the permission to manage keys of a kind.
func permissionFor(kind keys.Kind) string {
	if kind == keys.KindUser {
		return ManageUsers
	}
	return ManageAPI
}

// Key returns a key's record. One's own needs no permission.
func (s *Service) Key(ctx context.Context, by auth.Principal, id string) (keys.Record, error) {
	rec, err := read(ctx, s, manages(by), func(ctx context.Context) (keys.Record, error) { return s.cfg.Keys.Get(ctx, id) })
	switch {
	case errors.Is(err, keys.ErrNotFound):
		// Only a caller who manages keys may learn that there is no such key.
		return keys.Record{}, cmp.Or(s.mayAny(by, ManageAPI, ManageUsers), err)
	case err != nil:
		return keys.Record{}, err
	}
	return rec, s.maySee(by, &rec)
}

// maySee returns an error unless the caller owns the key or may manage it. A caller who manages no keys gets the same
// answer for every key.
func (s *Service) maySee(by auth.Principal, rec *keys.Record) error {
	if owns(by, rec) {
		return nil
	}
	return cmp.Or(s.mayAny(by, ManageAPI, ManageUsers), s.may(by, permissionFor(rec.Kind)))
}

// owns reports whether rec is a key of the user who calls, or the key that the caller presents.
func owns(by auth.Principal, rec *keys.Record) bool {
	return rec.UserID != "" && rec.UserID == by.UserID() || rec.ID != "" && rec.ID == by.KeyID()
}

// UserKey returns the key that a user has: the latest that is not invalidated, else [ErrNotFound]. One's own
// needs no permission, others' need [ManageUsers].
func (s *Service) UserKey(ctx context.Context, by auth.Principal, userID string) (keys.Record, error) {
	return read(ctx, s, s.mayFor(by, userID), func(ctx context.Context) (keys.Record, error) { return s.userKey(ctx, userID) })
}

// mayFor returns an error unless the caller may manage a user's key.
func (s *Service) mayFor(by auth.Principal, userID string) error {
	if userID != "" && by.UserID() == userID {
		return manages(by)
	}
	return s.may(by, ManageUsers)
}

func (s *Service) userKey(ctx context.Context, userID string) (keys.Record, error) {
	if userID == "" {
		return keys.Record{}, keys.ErrNotFound
	}
	var latest keys.Record
	err := s.eachValid(ctx, keys.Filter{Kind: keys.KindUser, UserID: userID}, func(rec keys.Record) { latest = rec })
	if err == nil && latest.ID == "" {
		err = keys.ErrNotFound
	}
	return latest, err
}

// eachValid calls f with each key that passes the filter and is not invalidated, in the order of issue.
func (s *Service) eachValid(ctx context.Context, filter keys.Filter, f func(keys.Record)) error {
	for filter.Limit = 1000; ; {
		found, err := s.cfg.Keys.List(ctx, filter)
		if err != nil {
			return err
		}
		for _, rec := range found {
			if filter.After = rec.ID; rec.InvalidatedAt.IsZero() {
				f(rec)
			}
		}
		if len(found) < filter.Limit {
			return nil
		}
	}
}
