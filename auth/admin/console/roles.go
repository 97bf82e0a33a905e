package console

import (
	"net/http"

	"github.com/latchkey-go/latchkey/auth/admin"
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
	return v.show(http.StatusOK, "roles", page{Heading: "Roles", Body: body})
}
