package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A Usage is what has a role, and what its deletion touches: the keys and the users lose it, and the public API is
// closed. Roles that inherit from it keep it from being deleted. All of it is counted; who they are stands there for
// those who may know.
type Usage struct {
	Role   string
	Keys   []keys.Record // custom keys that are not invalidated; the first thousand; only with [ManageAPI]
	Users  []auth.User   // the first thousand; only with [ManageUsers]
	Public bool          // it is the role of the public API
	Heirs  []string      // roles that inherit from it directly

	KeyCount, UserCount int // all of them

	// Confirm stands for all of this: [Service.DeleteRole] wants it as a sign that somebody has seen it.
	Confirm string
}

// Touches reports whether a deletion touches anything.
func (u *Usage) Touches() bool { return u.KeyCount > 0 || u.UserCount > 0 || u.Public }

// RoleUsage says what has a role. It needs [ManageRoles].
func (s *Service) RoleUsage(ctx context.Context, by auth.Principal, appid string) (Usage, error) {
	if err := s.may(by, ManageRoles); err != nil {
		return Usage{}, err
	}
	policy := s.c.Roles.Policy()
	if policy == nil {
		return Usage{}, errNoPolicy
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	usage, err := s.usage(ctx, policy, appid)
	usage.showTo(func(permission string) error { return s.may(by, permission) })
	return usage, plainly(err)
}

// showTo leaves out who they are for those who may not know.
func (u *Usage) showTo(may func(permission string) error) {
	if may(ManageAPI) != nil {
		u.Keys = nil
	}
	if may(ManageUsers) != nil {
		u.Users = nil
	}
}

func (s *Service) usage(ctx context.Context, policy *roles.Policy, appid string) (Usage, error) {
	u := Usage{Role: appid}
	if _, ok := policy.Role(appid); !ok {
		return u, roles.ErrNotFound
	}
	for _, role := range policy.Roles() {
		if slices.Contains(role.Inherits, appid) {
			u.Heirs = append(u.Heirs, role.AppID)
		}
	}
	if s.c.Public != nil {
		setting, err := s.c.Public.Current(ctx)
		if err != nil {
			return u, err
		}
		u.Public = setting.Role == appid
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %v", appid, u.Public)
	err := s.eachKeyWith(ctx, appid, func(rec *keys.Record) error {
		if u.KeyCount++; u.KeyCount <= mostShown {
			u.Keys = append(u.Keys, *rec)
		}
		fmt.Fprintf(sum, " key %q", rec.ID)
		return nil
	})
	if err == nil {
		err = s.countUsers(ctx, &u, sum)
	}
	u.Confirm = hex.EncodeToString(sum.Sum(nil)[:16])
	return u, err
}

// mostShown is how many keys and users a Usage lists.
const mostShown = 1000

func (s *Service) countUsers(ctx context.Context, u *Usage, sum hash.Hash) error {
	if s.c.Users == nil {
		return nil
	}
	for f := (UserFilter{Role: u.Role, Limit: mostShown}); ; {
		found, err := s.c.Users.List(ctx, f)
		if err != nil {
			return err
		}
		for _, user := range found {
			if user.ID <= f.After {
				return errOtherUser // or this would never end
			}
			f.After = user.ID
			if u.UserCount++; u.UserCount <= mostShown {
				u.Users = append(u.Users, user)
			}
			fmt.Fprintf(sum, " user %q", user.ID)
		}
		if len(found) < f.Limit {
			return nil
		}
	}
}

// eachKeyWith calls f for each custom key with the role that is not invalidated.
func (s *Service) eachKeyWith(ctx context.Context, appid string, f func(*keys.Record) error) error {
	for filter := (keys.Filter{Kind: keys.CustomKey, Role: appid, Limit: 1000}); ; {
		found, err := s.c.Keys.List(ctx, filter)
		if err != nil {
			return err
		}
		for i := range found {
			filter.After = found[i].ID
			if found[i].InvalidatedAt.IsZero() {
				if err := f(&found[i]); err != nil {
					return err
				}
			}
		}
		if len(found) < filter.Limit {
			return nil
		}
	}
}

// DeleteRole deletes a role, takes it from the custom keys that have it and, by [Config.DropRole], from the users, and
// closes the public API if it is its role. It needs [ManageRoles]. If that touches anything, confirm must be the
// Confirm of the usage as it is now, or the error is a *[UsageError] that holds it. It returns [ErrConflict] while
// other roles inherit from it. match is the [RoleRevision] that the caller knows, or "".
//
// Where several spaces share the roles, the usage tells of this one alone. Sqlstore takes the role from the keys of
// all of them; with a RoleStore that does not, as in memory, keys of other spaces keep a name that stands for nothing
// until a role of that appid is saved again.
func (s *Service) DeleteRole(ctx context.Context, by auth.Principal, appid, match, confirm string) error {
	return s.changeRoles(ctx, by, func(ctx context.Context, c *change) error {
		role, ok := c.policy.Role(appid)
		switch {
		case !ok:
			return roles.ErrNotFound
		case match != "" && match != RoleRevision(role):
			return ErrChanged
		}
		usage, err := s.usage(ctx, c.policy, appid)
		switch {
		case err != nil:
			return err
		case len(usage.Heirs) > 0:
			return fmt.Errorf("%w: other roles inherit from it", ErrConflict)
		case usage.Touches() && confirm != usage.Confirm:
			usage.showTo(c.needs)
			return &UsageError{usage}
		}
		// Whatever fails from here on, nothing has more rights than before.
		err = s.eachKeyWith(ctx, appid, func(rec *keys.Record) error {
			_, err := s.c.Keys.Update(ctx, rec.ID, func(set *keys.Settings) error {
				if set.Role == appid {
					set.Role = ""
				}
				return nil
			})
			return err
		})
		if err != nil {
			return err
		}
		if s.c.DropRole != nil {
			if err := s.c.DropRole(ctx, appid); err != nil {
				return err
			}
		}
		if usage.Public {
			if err := s.c.Public.Disable(ctx, c.by.author()); err != nil {
				return err
			}
		}
		if err := s.c.RoleStore.Delete(ctx, appid, c.revision); err != nil {
			return err
		}
		before := describeRole(role)
		before["keys"], before["users"], before["public"] = usage.KeyCount, usage.UserCount, usage.Public
		return c.record(ctx, "role.delete", appid, before, nil)
	})
}
