package console

import (
	"cmp"
	"errors"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A rolesPage is the list of roles.
type rolesPage struct {
	Roles  []roleRow
	Manage bool // the user may make and change roles
}

type roleRow struct {
	roles.Role
	Allows, Denies int
}

func (v *visit) showRoles() error {
	all, err := v.service.Roles(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	body := rolesPage{Manage: v.may(admin.ManageRoles)}
	for _, role := range all {
		row := roleRow{Role: role}
		for _, allowed := range role.Permissions {
			if allowed {
				row.Allows++
			} else {
				row.Denies++
			}
		}
		body.Roles = append(body.Roles, row)
	}
	return v.show("roles", "Roles", body)
}

func (v *visit) showNewRole() error {
	role, _ := v.sentRole() // createRole has reported its mistakes
	body, err := v.rolePageOf(role)
	if err != nil {
		return err
	}
	if !body.Manage {
		_, err := v.service.RoleUsage(v.r.Context(), v.who, role.AppID) // its error names the missing permission
		return err
	}
	if errors.Is(v.failed, admin.ErrConflict) {
		v.alert = &alert{Title: "This appid is taken", Field: "appid",
			Text: "There is a role with it already, perhaps in other letter case. Choose another one."}
	}
	body.New = true
	return v.show("role", "New role", body)
}

func (v *visit) createRole() (string, error) {
	role, err := v.sentRole()
	if err == nil {
		err = v.service.CreateRole(v.r.Context(), v.who, role)
	}
	return "users/roles/role/" + role.AppID + "?done=created", err
}

// showRole shows a role, with the content of the form in place of it if the user has sent one.
func (v *visit) showRole() error {
	stored, err := v.service.Role(v.r.Context(), v.who, v.r.PathValue("appid"))
	if err != nil {
		return err
	}
	role, saving := stored, v.field("do") == "save"
	if saving {
		role, _ = v.sentRole() // saveRole has reported its mistakes
		role.AppID = stored.AppID
	}
	body, err := v.rolePageOf(role)
	if err != nil {
		return err
	}
	body.Match, body.SeePublic = admin.Revision(stored), v.may(admin.ManageAPI)
	body.Deleting = v.field("do") == "delete"
	if body.Conflict = saving && v.conflict(); body.Conflict {
		body.Meanwhile = roleDifferences(stored, role)
	}
	if opening, ok := errors.AsType[*publicapi.UnconfirmedError](v.failed); ok {
		if body.Gains, err = v.expose(opening.Preview, v.confirmation()); err != nil {
			return err
		}
	}
	if err := v.explainRows(stored.AppID, body.Groups); err != nil {
		return err
	}
	if body.Manage {
		usage, err := v.service.RoleUsage(v.r.Context(), v.who, stored.AppID)
		if err != nil {
			return err
		}
		usage.Keys, usage.Users = usage.Keys[:min(len(usage.Keys), mostUsing)], usage.Users[:min(len(usage.Users), mostUsing)]
		body.Usage = &usage
	}
	return v.show("role", cmp.Or(stored.Name, stored.AppID), body)
}

func (v *visit) saveRole() (string, error) {
	role, err := v.sentRole()
	role.AppID = v.r.PathValue("appid")
	if err == nil {
		err = v.service.UpdateRole(v.r.Context(), v.who, role, v.confirmation())
	}
	return "users/roles/role/" + role.AppID + "?done=saved", err
}

func (v *visit) deleteRole() (string, error) {
	seen := admin.Confirmation{Match: v.match(), Token: v.field("confirm")}
	return "users/roles?done=deleted", v.service.DeleteRole(v.r.Context(), v.who, v.r.PathValue("appid"), seen)
}
