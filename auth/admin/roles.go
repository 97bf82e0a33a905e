package admin

import (
	"context"
	"fmt"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Roles returns all roles in order of their appids, without the built-in one. It needs one of [ManageRoles],
// [ManageAPI] and [ManageUsers].
func (s *Service) Roles(_ context.Context, by auth.Principal) ([]roles.Role, error) {
	policy, err := s.readRoles(by)
	return policy.Roles(), err
}

// Role returns one role. It needs what [Service.Roles] needs.
func (s *Service) Role(_ context.Context, by auth.Principal, appid string) (roles.Role, error) {
	policy, err := s.readRoles(by)
	if err != nil {
		return roles.Role{}, err
	}
	role, ok := policy.Role(appid)
	if !ok {
		return roles.Role{}, translate(roles.ErrNotFound)
	}
	return role, nil
}

func (s *Service) readRoles(by auth.Principal) (*roles.Policy, error) {
	return s.policyFor(s.mayAny(by, ManageRoles, ManageAPI, ManageUsers))
}

// policyFor returns the current policy. refused is why the caller may not read it, or nil.
func (s *Service) policyFor(refused error) (*roles.Policy, error) {
	if refused != nil {
		return nil, refused
	}
	if policy := s.cfg.Roles.Policy(); policy != nil {
		return policy, nil
	}
	return nil, errNoPolicy
}

// CreateRole saves a new role. It needs [ManageRoles] and cover for the role with all it inherits. It returns
// [ErrConflict] if the appid is taken.
func (s *Service) CreateRole(ctx context.Context, by auth.Principal, role roles.Role) error {
	return s.changeRoles(ctx, by, func(ctx context.Context, c *change) (step, error) {
		if _, ok := c.policy.Role(role.AppID); ok {
			return nil, fmt.Errorf("%w: there is a role with this appid", ErrConflict)
		}
		return c.saveRole(ctx, role, nil, "role.create", Confirmation{})
	})
}

// UpdateRole saves a role in place of the one with its appid. It needs [ManageRoles], and cover for this role and
// each that inherits from it, before and after the change.
//
// If it lets callers without a key do more than before, the change must be confirmed against its current preview;
// otherwise the error is a *[publicapi.UnconfirmedError] with a new one, which has only what the change adds.
func (s *Service) UpdateRole(ctx context.Context, by auth.Principal, role roles.Role, seen Confirmation) error {
	return s.changeRoles(ctx, by, func(ctx context.Context, c *change) (step, error) {
		before, ok := c.policy.Role(role.AppID)
		if !ok {
			return nil, roles.ErrNotFound
		}
		revision := Revision(before)
		if seen.Match != "" && seen.Match != revision {
			return nil, ErrChanged
		}
		if revision == Revision(role) {
			return nil, nil
		}
		return c.saveRole(ctx, role, describeRole(before), "role.update", seen)
	})
}

// changeRoles runs a change of roles. The directory reloads before this returns, also after an error, so that the next
// request on this node is judged by the stored roles.
func (s *Service) changeRoles(ctx context.Context, by auth.Principal, judge func(context.Context, *change) (step, error)) error {
	if err := s.may(by, ManageRoles); err != nil {
		return err
	}
	if err := s.reloadRoles(ctx); err != nil {
		return err
	}
	err := s.change(ctx, by, func(ctx context.Context, c *change) (step, error) {
		if err := c.needs(ManageRoles); err != nil {
			return nil, err
		}
		return judge(ctx, c)
	})
	_ = s.reloadRoles(context.WithoutCancel(ctx)) // the directory reports the error to its OnError, and retries
	return err
}

// reloadRoles also precedes each check that reads the setting of the public API: a setting whose role the directory does
// not know yet reads as closed.
func (s *Service) reloadRoles(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if err := s.cfg.Roles.Reload(ctx); err != nil {
		return fmt.Errorf("admin: roles: %w", err)
	}
	return nil
}

// saveRole checks a role and returns the function that saves it.
func (c *change) saveRole(ctx context.Context, role roles.Role, before map[string]any, action string, seen Confirmation) (step, error) {
	if err := c.checkRoleText(role); err != nil {
		return nil, err
	}
	var setting publicapi.Setting // a role that inherits from this one may be public
	if c.cfg.Public != nil {
		var err error
		if setting, err = c.cfg.Public.Current(ctx); err != nil {
			return nil, err
		}
	}
	err := c.ahead(fmt.Sprintf("save %s after %s", Revision(role), Revision(setting)), func() error {
		next, err := c.policy.With(role)
		if err != nil {
			return roleInput(err)
		}
		if err := c.coversRole(next, role.AppID); err != nil {
			return err
		}
		return c.confirmEdit(ctx, next, seen)
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := c.cfg.RoleStore.Save(ctx, role, c.revision); err != nil {
			return err
		}
		return c.record(ctx, action, role.AppID, before, describeRole(role))
	}, nil
}

// checkRoleText refuses a role that holds a key, since roles are shown to others, and names the field of common mistakes.
func (c *change) checkRoleText(role roles.Role) error {
	switch {
	case !roles.ValidAppID(role.AppID):
		return badInput("appid", "is not 1 to 64 of A-Z a-z 0-9 _ - beginning with a letter or digit")
	case strings.EqualFold(role.AppID, roles.Admin):
		return badInput("appid", "is reserved for the built-in role")
	}
	texts := map[string]string{"appid": role.AppID, "name": role.Name, "info": role.Info}
	for grant := range role.Permissions {
		texts["permissions"] += grant + "\n"
	}
	texts["inherits"] = strings.Join(role.Inherits, "\n")
	for field, text := range texts {
		if c.showsKey(text) {
			return badInput(field, "holds a key: roles are shown to others")
		}
	}
	return nil
}

// roleInput turns the first problem of a role into an [Error].
func roleInput(err error) error {
	problems := roles.Problems(err)
	if len(problems) == 0 {
		return err
	}
	p := problems[0]
	if p.Grant != "" {
		return badInput(p.Field, fmt.Sprintf("has the grant %.64q, which %s", p.Grant, p.Text))
	}
	return badInput(p.Field, fmt.Sprintf("is not possible: the role %.64q %s", p.Role, p.Text))
}

// describeRole returns a role as the audit log records it.
func describeRole(role roles.Role) map[string]any {
	about := map[string]any{"name": role.Name, "info": role.Info, "permissions": role.Permissions}
	if len(role.Inherits) > 0 {
		about["inherits"] = role.Inherits
	}
	return about
}
