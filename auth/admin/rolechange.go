package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// CreateRole saves a new role. It needs [ManageRoles] and cover for the role with all it inherits. It returns
// [ErrConflict] if the appid is taken.
func (s *Service) CreateRole(ctx context.Context, by auth.Principal, role roles.Role) error {
	return s.changeRoles(ctx, by, func(ctx context.Context, c *change) (func(context.Context) error, error) {
		if _, ok := c.policy.Role(role.AppID); ok {
			return nil, fmt.Errorf("%w: there is a role with this appid", ErrConflict)
		}
		return c.saveRole(ctx, role, nil, "role.create", nil)
	})
}

// UpdateRole saves a role in place of the one with its appid. It needs [ManageRoles], and cover for this role and
// each that inherits from it, unless that gains nothing. match is the [RoleRevision] that the caller knows, or "".
//
// If it lets the public API change more than before, acknowledged must be exactly what is new, as for
// [publicapi.Service.Set]; otherwise the error is a *[publicapi.UnacknowledgedError] with the list to show.
func (s *Service) UpdateRole(ctx context.Context, by auth.Principal, role roles.Role, match string, acknowledged ...string) error {
	return s.changeRoles(ctx, by, func(ctx context.Context, c *change) (func(context.Context) error, error) {
		before, ok := c.policy.Role(role.AppID)
		if !ok {
			return nil, roles.ErrNotFound
		}
		revision := RoleRevision(before)
		if match != "" && match != revision {
			return nil, ErrChanged
		}
		if revision == RoleRevision(role) {
			return nil, nil
		}
		return c.saveRole(ctx, role, describeRole(before), "role.update", acknowledged)
	})
}

// changeRoles runs a change of roles. Whatever comes of it, the directory looks at the store before this returns,
// so that the next request on this node meets what is there.
func (s *Service) changeRoles(ctx context.Context, by auth.Principal, judge func(context.Context, *change) (func(context.Context) error, error)) error {
	if err := s.may(by, ManageRoles); err != nil {
		return err
	}
	if err := s.reloadRoles(ctx); err != nil {
		return err
	}
	err := s.change(ctx, by, func(ctx context.Context, c *change) (func(context.Context) error, error) {
		if err := c.needs(ManageRoles); err != nil {
			return nil, err
		}
		return judge(ctx, c)
	})
	_ = s.reloadRoles(context.WithoutCancel(ctx)) // it tells its own OnError, and tries again by itself
	return err
}

// reloadRoles comes before what is judged by the setting of the public API as well: one whose role the directory has
// not heard of yet reads as closed.
func (s *Service) reloadRoles(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	if err := s.c.Roles.Reload(ctx); err != nil {
		return fmt.Errorf("admin: roles: %w", err)
	}
	return nil
}

// saveRole checks a role that is to be saved, and returns how to save it.
func (c *change) saveRole(ctx context.Context, role roles.Role, before map[string]any, action string, acknowledged []string) (func(context.Context) error, error) {
	if err := c.checkRoleText(role); err != nil {
		return nil, err
	}
	err := c.ahead(fmt.Sprintf("save %s", RoleRevision(role)), func() error {
		next, err := c.policy.With(role)
		if err != nil {
			return roleInput(err)
		}
		if err := c.coversRole(next, role.AppID); err != nil {
			return err
		}
		return c.publicGains(ctx, next, acknowledged)
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := c.c.RoleStore.Save(ctx, role, c.revision); err != nil {
			return err
		}
		return c.record(ctx, action, role.AppID, before, describeRole(role))
	}, nil
}

// checkRoleText keeps keys out of what is shown to others, and names the field of the commonest mistakes.
func (c *change) checkRoleText(role roles.Role) error {
	switch {
	case !roles.ValidAppID(role.AppID):
		return &InputError{"appid", "is not 1 to 64 of A-Z a-z 0-9 _ - beginning with a letter or digit"}
	case strings.EqualFold(role.AppID, roles.Admin):
		return &InputError{"appid", "is reserved for the built-in role"}
	}
	texts := map[string]string{"appid": role.AppID, "name": role.Name, "info": role.Info}
	for grant := range role.Permissions {
		texts["permissions"] += grant + "\n"
	}
	texts["inherits"] = strings.Join(role.Inherits, "\n")
	for field, text := range texts {
		if c.showsKey(text) {
			return &InputError{field, "holds a key: roles are shown to others"}
		}
	}
	return nil
}

// roleInput says what is wrong with a role, by the first of its problems.
func roleInput(err error) error {
	problems := roles.Problems(err)
	if len(problems) == 0 {
		return err
	}
	p := problems[0]
	if p.Grant != "" {
		return &InputError{p.Field, fmt.Sprintf("has the grant %.64q, which %s", p.Grant, p.Text)}
	}
	return &InputError{p.Field, fmt.Sprintf("is not possible: the role %.64q %s", p.Role, p.Text)}
}

// template is what a catalog's permission has in place of a name.
var template = regexp.MustCompile(`\{[^/]+\}`)

// publicGains refuses to let the public API change more data by the way.
func (c *change) publicGains(ctx context.Context, next *roles.Policy, acknowledged []string) error {
	if c.c.Public == nil {
		return nil
	}
	setting, err := c.c.Public.Current(ctx)
	if err != nil || setting.Role == "" {
		return err
	}
	var gained []string
	for _, w := range c.c.Catalog.Writes(next, setting.Role) {
		after := roles.Rights{Role: setting.Role, Scopes: []string{template.ReplaceAllString(w, "*")}} // of one model before, and of all after, it reads the same
		more, err := c.policy.Missing(roles.Rights{Role: setting.Role}, next, after)
		if err != nil {
			return err
		}
		if len(more) > 0 {
			gained = append(gained, w)
		}
	}
	if len(gained) > 0 && !publicapi.Acknowledged(gained, acknowledged) {
		return &publicapi.UnacknowledgedError{Role: setting.Role, Writes: gained}
	}
	return nil
}

// describeRole is what the audit log says of a role.
func describeRole(role roles.Role) map[string]any {
	about := map[string]any{"name": role.Name, "info": role.Info, "permissions": json.RawMessage("{}")}
	if len(role.Permissions) > 0 {
		about["permissions"] = role.Permissions
	}
	if len(role.Inherits) > 0 {
		about["inherits"] = role.Inherits
	}
	return about
}
