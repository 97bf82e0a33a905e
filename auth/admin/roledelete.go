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

// A Usage lists what a role's deletion changes: its keys and users lose the role, and the public API closes. A role from
// which others inherit cannot be deleted. The counts are complete; the lists are only for callers who manage keys or
// users.
type Usage struct {
	Role   string
	Keys   []keys.Record // custom keys that are not invalidated; the first thousand; only with [ManageAPI]
	Users  []auth.User   // the first thousand; only with [ManageUsers]
	Public bool          // it is the role of the public API
	Heirs  []string      // roles that inherit from it directly

	KeyCount, UserCount int // all of them

	Touches bool // the deletion changes keys, users or the public API, and must be confirmed
	// Confirm stands for all of this: it is the Token of the [Confirmation] that [Service.DeleteRole] takes.
	Confirm string
}

// RoleUsage returns the usage of a role. It needs [ManageRoles].
func (s *Service) RoleUsage(ctx context.Context, by auth.Principal, appid string) (Usage, error) {
	policy, err := s.policyFor(s.may(by, ManageRoles))
	usage, err := read(ctx, s, err, func(ctx context.Context) (Usage, error) { return s.usage(ctx, policy, appid) })
	usage.showTo(func(permission string) error { return s.may(by, permission) })
	return usage, err
}

// showTo removes the lists that the caller may not see.
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
	u.Heirs = directHeirs(policy, appid)
	var err error
	if u.Public, err = s.isPublic(ctx, appid); err != nil {
		return u, err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %v", appid, u.Public)
	if err = s.countKeys(ctx, &u, sum); err == nil {
		err = s.countUsers(ctx, &u, sum)
	}
	u.Touches = u.KeyCount > 0 || u.UserCount > 0 || u.Public
	u.Confirm = hex.EncodeToString(sum.Sum(nil)[:16])
	return u, err
}

// mostShown is how many keys and users a Usage lists.
const mostShown = 1000

func (s *Service) countUsers(ctx context.Context, u *Usage, sum hash.Hash) error {
	if s.cfg.Users == nil {
		return nil
	}
	for f := (UserFilter{Role: u.Role, Limit: mostShown}); ; {
		found, err := s.cfg.Users.List(ctx, f)
		if err != nil {
			return err
		}
		for _, user := range found {
			if user.ID <= f.After {
				return errOtherUser // this list would never end
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

// countKeys counts the custom keys with the role that are not invalidated.
func (s *Service) countKeys(ctx context.Context, u *Usage, sum hash.Hash) error {
	return s.eachValid(ctx, keys.Filter{Kind: keys.KindCustom, Role: u.Role}, func(rec keys.Record) {
		if u.KeyCount++; u.KeyCount <= mostShown {
			u.Keys = append(u.Keys, rec)
		}
		fmt.Fprintf(sum, " key %q", rec.ID)
	})
}

// isPublic reports whether a role is that of the public API.
func (s *Service) isPublic(ctx context.Context, appid string) (bool, error) {
	if s.cfg.Public == nil {
		return false, nil
	}
	setting, err := s.cfg.Public.Current(ctx)
	return err == nil && setting.Role == appid, err
}

// directHeirs returns the roles that inherit from a role directly.
func directHeirs(policy *roles.Policy, appid string) (heirs []string) {
	for _, role := range policy.Roles() {
		if slices.Contains(role.Inherits, appid) {
			heirs = append(heirs, role.AppID)
		}
	}
	return heirs
}

// DeleteRole deletes a role, takes it from the keys of all spaces that have it and, by [Config.DropRole], from the
// users, and closes the public API if it is its role. It needs [ManageRoles] and cover for the role. If that touches
// anything, seen.Token must be the Confirm of the current usage, or the error is an *[Error] with that Usage. It returns
// [ErrConflict] while other roles inherit from it.
//
// The usage is read before the transaction, so that a role with many keys does not block other writers. A key or a user
// that gets the role in between loses it too. If several spaces share the roles, the usage covers this space only. The
// audit record has the number of keys that lost the role, in all spaces and states.
func (s *Service) DeleteRole(ctx context.Context, by auth.Principal, appid string, seen Confirmation) error {
	var usage Usage
	return s.changeRoles(ctx, by, func(ctx context.Context, c *change) (step, error) {
		role, ok := c.policy.Role(appid)
		switch {
		case !ok:
			return nil, roles.ErrNotFound
		case seen.Match != "" && seen.Match != Revision(role):
			return nil, ErrChanged
		case len(directHeirs(c.policy, appid)) > 0:
			return nil, fmt.Errorf("%w: other roles inherit from it", ErrConflict)
		}
		if err := c.covers(roles.Rights{Role: appid}); err != nil {
			return nil, err
		}
		if !c.inTx {
			var err error
			if usage, err = c.usage(ctx, c.policy, appid); err != nil {
				return nil, err
			}
		}
		public, err := c.isPublic(ctx, appid)
		switch {
		case err != nil:
			return nil, err
		case public != usage.Public:
			return nil, errAgain
		case usage.Touches && seen.Token != usage.Confirm:
			usage.showTo(c.needs)
			return nil, &Error{Err: ErrConflict, Text: fmt.Sprintf("role %q is in use: its deletion has to be confirmed", appid), Usage: &usage}
		}
		before := describeRole(role)
		before["users"], before["public"] = usage.UserCount, public
		return func(ctx context.Context) error { return c.deleteRole(ctx, appid, public, before) }, nil
	})
}

// deleteRole deletes a role and records it with its state before. The order of the steps matters to stores without
// transactions: whichever step fails, no key or user has more rights than before.
func (c *change) deleteRole(ctx context.Context, appid string, public bool, before map[string]any) error {
	n, err := c.cfg.Keys.DropRole(ctx, appid)
	if err != nil {
		return err
	}
	if c.cfg.DropRole != nil {
		if err := c.cfg.DropRole(ctx, appid); err != nil {
			return err
		}
	}
	if public {
		if err := c.cfg.Public.Disable(ctx, c.by.author()); err != nil {
			return err
		}
	}
	if err := c.cfg.RoleStore.Delete(ctx, appid, c.revision); err != nil {
		return err
	}
	before["keys"] = n
	return c.record(ctx, "role.delete", appid, before, nil)
}
