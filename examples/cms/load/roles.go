package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/roles"
)

// addRoles stores roles, those that inherit after those that they inherit from: what is refused is tried again as
// long as another one was stored.
func (in Into) addRoles(ctx context.Context, f *File) (added int, err error) {
	var waiting []roles.Role
	for _, d := range f.roles {
		role, err := in.roleOf(d)
		if err != nil {
			in.Say("refused: role %q: %v", d.plain("appid"), err)
			continue
		}
		waiting = append(waiting, role)
	}
	for {
		var refused []roles.Role
		var reasons []error
		for _, role := range waiting {
			stored, problem, err := in.addRole(ctx, role)
			if err != nil {
				return added, err
			}
			if stored {
				added++
			}
			if problem != nil {
				refused, reasons = append(refused, role), append(reasons, problem)
			}
		}
		if len(refused) == len(waiting) {
			for i, role := range refused {
				in.Say("refused: role %q: %v", role.AppID, reasons[i])
			}
			return added, nil
		}
		waiting = refused
	}
}

// addRole stores a role unless there is one of its name. A problem is what is wrong with it, as things are now.
func (in Into) addRole(ctx context.Context, role roles.Role) (stored bool, problem, err error) {
	for range 100 { // other nodes may be changing roles: loading this very file, say
		policy := in.Roles.Policy()
		if policy == nil {
			return false, nil, noRoles(in.Roles)
		}
		if role.AppID != roles.Admin && policy.Has(role.AppID) {
			return false, nil, nil
		}
		err = in.Roles.Save(ctx, role)
		if !errors.Is(err, roles.ErrConflict) {
			break
		}
	}
	if len(roles.Problems(err)) > 0 {
		return false, err, nil
	}
	return err == nil, nil, err
}

// noRoles says that it cannot be told now which roles there are.
func noRoles(d *roles.Directory) error {
	return fmt.Errorf("load: the roles cannot be vouched for: %w", d.Err())
}

// roleOf reads a role document. Only true grants and only false denies: any other value, such as the 1 that PHP takes
// for true, is named and grants nothing.
func (in Into) roleOf(d document) (roles.Role, error) {
	name := d.plain("appid")
	permissions, _ := d["permissions"].(map[string]any) // [] is PHP's empty object
	kept := roles.Grants{}
	for grant, value := range permissions {
		allowed, ok := value.(bool)
		switch {
		case !ok:
			in.Say("role %q: the value of %q is neither true nor false: it grants nothing", name, grant)
		case !roles.ValidPattern(grant):
			in.Say("role %q: %q is no permission: it grants nothing", name, grant)
		default:
			if !roles.ValidPermission(grant) {
				in.Say("role %q: %q is a pattern here, and stands for many permissions", name, grant)
			}
			kept[grant] = allowed
		}
	}
	document := map[string]any{"permissions": kept}
	for _, member := range []string{"appid", "name", "info", "inherits"} {
		if d[member] != nil {
			document[member] = d[member]
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		return roles.Role{}, err
	}
	var role roles.Role
	return role, role.UnmarshalJSON(text)
}

// role returns the role that a document gives, or "" and the reason if that role is not there: should there be one of
// that name some day, whoever has it here was never meant to have it.
func (in Into) role(d document) (string, error) {
	role, ok := d.text("role")
	switch {
	case !ok:
		return "", fmt.Errorf("its role is no text")
	case role == "" || in.policy.Has(role):
		return role, nil
	}
	return "", fmt.Errorf("there is no role %q", role)
}
