package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// key returns a record as stored in this transaction. If match is neither "" nor its revision, it returns [ErrChanged].
func (c *change) key(ctx context.Context, id string, match Tag) (keys.Record, error) {
	rec, err := c.cfg.Keys.Get(ctx, id)
	if err == nil && match != "" && match != Revision(&rec) {
		return rec, ErrChanged
	}
	return rec, err
}

// UpdateKey changes a key's settings. It needs what managing the key needs, and cover for what the key may do before and
// after: a caller cannot change a key that is broader than they are. match is as for [Service.RefreshKey]. edit may be
// called more than once; UpdateKey returns its error. Unchanged settings are neither written nor recorded.
func (s *Service) UpdateKey(ctx context.Context, by auth.Principal, id string, match Tag, edit func(*keys.Settings) error) (after keys.Record, err error) {
	err = s.changeKey(ctx, by, id, match, false, func(ctx context.Context, c *change, before *keys.Record) (step, error) {
		if !before.InvalidatedAt.IsZero() {
			return nil, keys.ErrInvalidated
		}
		role, err := c.coversWhole(ctx, before)
		if err != nil {
			return nil, err
		}
		edited := keys.Settings{
			Name: before.Name, Role: before.Role, ExpiresAt: before.ExpiresAt, Generation: before.Generation,
			Scopes: slices.Clone(before.Scopes), AllowedIPs: slices.Clone(before.AllowedIPs),
		}
		if err := edit(&edited); err != nil {
			return nil, err
		}
		if err := c.checkSettings(before, &edited, role); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			after, err = s.cfg.Keys.Update(ctx, id, func(set *keys.Settings) error {
				if set.Generation != before.Generation {
					return keys.ErrConflict
				}
				*set = edited
				return nil
			})
			if err != nil {
				return refusedInput(err, "expires_at")
			}
			return c.recordKey(ctx, "update", before, &after)
		}, nil
	})
	return after, err
}

// SetKeyState pauses a key (to [keys.StateDisabled]), ends its pause (to [keys.StateActive]), or ends it for good (to
// [keys.StateInvalidated]). It needs what managing the key needs; to end one's own for good needs no permission. To end a
// pause also needs cover for all that the key may do, and with a key that expires the caller enables none that lives
// longer. A second call changes nothing.
func (s *Service) SetKeyState(ctx context.Context, by auth.Principal, id string, match Tag, to keys.State) (after keys.Record, err error) {
	set, ok := map[keys.State]struct {
		what string
		do   func(context.Context, string) error
	}{
		keys.StateDisabled:    {"disable", s.cfg.Keys.Disable},
		keys.StateActive:      {"enable", s.cfg.Keys.Enable},
		keys.StateInvalidated: {"invalidate", s.cfg.Keys.Invalidate},
	}[to]
	if !ok {
		return keys.Record{}, badInput("state", "is active, disabled or invalidated")
	}
	ends := to == keys.StateInvalidated
	err = s.changeKey(ctx, by, id, match, ends, func(ctx context.Context, c *change, before *keys.Record) (step, error) {
		if to == keys.StateActive {
			if _, err := c.coversWhole(ctx, before); err != nil {
				return nil, err
			}
			if c.by.outlivedBy(before.ExpiresAt) {
				return nil, forbidden("a key that you enable with your key must not expire later than yours")
			}
		}
		return func(ctx context.Context) error {
			if err := set.do(ctx, id); err != nil {
				return err
			}
			if after, err = s.cfg.Keys.Get(ctx, id); err != nil {
				return err
			}
			return c.recordKey(ctx, set.what, before, &after)
		}, nil
	})
	return after, err
}

// RemoveKey drops the record of an invalidated key; any other is [ErrConflict]. It needs what managing the key
// needs.
func (s *Service) RemoveKey(ctx context.Context, by auth.Principal, id string, match Tag) error {
	return s.changeKey(ctx, by, id, match, false, func(_ context.Context, c *change, before *keys.Record) (step, error) {
		if before.InvalidatedAt.IsZero() {
			return nil, fmt.Errorf("%w: only an invalidated key can be removed", ErrConflict)
		}
		return func(ctx context.Context) error {
			if err := s.cfg.Keys.Remove(ctx, id); err != nil {
				return err
			}
			return c.record(ctx, action(before, "remove"), id, describeKey(before), nil)
		}, nil
	})
}

// InvalidateUserKeys ends all keys of a user for good, and returns how many there were. One's own need no
// permission, others' need [ManageUsers]. match is the [Revision] that the caller knows of the key that
// [Service.UserKey] returns, or "".
func (s *Service) InvalidateUserKeys(ctx context.Context, by auth.Principal, userID string, match Tag) (n int, err error) {
	if err := s.mayFor(by, userID); err != nil {
		return 0, err
	}
	var known keys.Record // read before the transaction: a user may have had many keys
	if match != "" {
		known, err = s.UserKey(ctx, by, userID)
		if err != nil && !errors.Is(err, keys.ErrNotFound) {
			return 0, err
		}
	}
	err = s.change(ctx, by, func(ctx context.Context, c *change) (step, error) {
		if userID == "" {
			return nil, keys.ErrNotFound
		}
		if c.by.UserID() != userID {
			if err := c.needs(ManageUsers); err != nil {
				return nil, err
			}
		}
		if match != "" {
			_, err := c.key(ctx, known.ID, match)
			if errors.Is(err, keys.ErrNotFound) {
				return nil, ErrChanged
			}
			if err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context) error {
			n, err = s.cfg.Keys.InvalidateUser(ctx, userID)
			if errors.Is(err, keys.ErrRefused) {
				return nil // no user can have this ID, so there are no keys
			}
			if err != nil || n == 0 {
				return err
			}
			return c.record(ctx, "userkey.invalidate_all", userID, map[string]any{"keys": n}, nil)
		}, nil
	})
	return n, err
}

// changeKey runs a change of a key, which needs the permission to manage it. If ownFree, the caller's own key needs none.
func (s *Service) changeKey(ctx context.Context, by auth.Principal, id string, match Tag, ownFree bool,
	judge func(context.Context, *change, *keys.Record) (step, error)) error {
	rec, err := s.Key(ctx, by, id)
	if err != nil {
		return err
	}
	free := ownFree && owns(by, &rec) // a key keeps its kind and its user
	if !free {
		if err := s.may(by, permissionFor(rec.Kind)); err != nil {
			return err
		}
	}
	return s.change(ctx, by, func(ctx context.Context, c *change) (step, error) {
		before, err := c.key(ctx, id, match)
		if err != nil {
			return nil, err
		}
		if !free {
			if err := c.needs(permissionFor(before.Kind)); err != nil {
				return nil, err
			}
		}
		return judge(ctx, c, &before)
	})
}

// coversWhole returns the role that a stored key carries, or an error unless the caller has all access that the key gives.
// A key whose user is gone has no known role: its user could come back with any.
func (c *change) coversWhole(ctx context.Context, rec *keys.Record) (role string, err error) {
	role = rec.Role
	if rec.Kind != keys.KindCustom {
		user, err := c.user(ctx, rec.UserID)
		if errors.Is(err, auth.ErrNoUser) {
			err = fmt.Errorf("%w: its user is gone", ErrConflict)
		}
		if err != nil {
			return "", err
		}
		role = user.Role
	}
	return role, c.coversKey(rec, role)
}

// recordKey records a change of a key, if there was one.
func (c *change) recordKey(ctx context.Context, what string, before, after *keys.Record) error {
	if before.Generation == after.Generation {
		return nil
	}
	return c.record(ctx, action(before, what), before.ID, describeKey(before), describeKey(after))
}
