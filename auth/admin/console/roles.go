package console

import (
	"cmp"
	"errors"
	"net/http"

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
	AppID, Name, Info string
	Allows, Denies    int
	Inherits          []string
}

func (v *visit) showRoles() error {
	all, err := v.service.Roles(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	body := rolesPage{Manage: v.may(admin.ManageRoles)}
	for _, role := range all {
		row := roleRow{AppID: role.AppID, Name: role.Name, Info: role.Info, Inherits: role.Inherits}
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

func (v *visit) showNewRole(role roles.Role) error {
	body, err := v.rolePageOf(role)
	if err != nil {
		return err
	}
	if !body.Manage {
		_, err := v.service.RoleUsage(v.r.Context(), v.who, role.AppID) // its error names the missing permission
		return err
	}
	body.New = true
	return v.show("role", "New role", body)
}

func (v *visit) createRole() error {
	role, err := v.sentRole()
	if err == nil {
		err = v.service.CreateRole(v.r.Context(), v.who, role)
	}
	if err != nil {
		return v.retry(err, func() error {
			if errors.Is(err, admin.ErrConflict) {
				v.alert = &alert{Title: "This appid is taken", Field: "appid", Text: "There is a role with it already, perhaps in other letter case. Choose another one."}
			}
			return v.showNewRole(role)
		})
	}
	return v.redirect("users/roles/role/" + role.AppID + "?done=created")
}

// showRole shows a role, with the content of the form that was sent, if any. change may add to the page.
func (v *visit) showRole(sent *roles.Role, change ...func(*rolePage)) error {
	stored, err := v.service.Role(v.r.Context(), v.who, v.r.PathValue("appid"))
	if err != nil {
		return err
	}
	role := stored
	if sent != nil {
		role = *sent
	}
	body, err := v.rolePageOf(role)
	if err != nil {
		return err
	}
	body.Match, body.stored = admin.Revision(stored), stored
	body.SeePublic = v.may(admin.ManageAPI)
	for _, f := range change {
		f(&body)
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

func (v *visit) saveRole() error {
	role, err := v.sentRole()
	role.AppID = v.r.PathValue("appid")
	sent := v.confirmation()
	if err == nil {
		err = v.service.UpdateRole(v.r.Context(), v.who, role, sent)
	}
	if err == nil {
		return v.redirect("users/roles/role/" + role.AppID + "?done=saved")
	}
	if opening, ok := errors.AsType[*publicapi.UnconfirmedError](err); ok {
		gains, err := v.expose(opening.Preview, sent)
		if err != nil {
			return err
		}
		v.status, v.alert = http.StatusConflict, unconfirmed(opening, sent, "Not saved yet")
		return v.showRole(&role, func(p *rolePage) { p.Gains = gains })
	}
	conflict := errors.Is(err, admin.ErrChanged)
	return v.retry(err, func() error {
		return v.showRole(&role, func(p *rolePage) {
			if conflict {
				v.alert.Text = conflictText
				p.Conflict, p.Meanwhile = true, roleDifferences(p.stored, role)
			}
		})
	})
}

func (v *visit) deleteRole() error {
	appid := v.r.PathValue("appid")
	err := v.service.DeleteRole(v.r.Context(), v.who, appid, admin.Confirmation{Match: v.field("match"), Token: v.field("confirm")})
	if err == nil {
		return v.redirect("users/roles?done=deleted")
	}
	deleting := func(p *rolePage) { p.Deleting = true }
	if refused, ok := errors.AsType[*admin.Error](err); ok && refused.Usage != nil {
		v.status, v.alert = http.StatusConflict, &alert{Title: "Not deleted yet",
			Text: "The keys or users with this role have changed since you looked. See below what its deletion changes now, and confirm again."}
		return v.showRole(nil, deleting)
	}
	return v.retry(err, func() error { return v.showRole(nil, deleting) })
}
