package console

import (
	"net/http"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/roles"
)

func (c *console) roleRoutes() {
	c.handle("GET /users/roles", (*visit).showRoles)
	c.handle("GET /users/roles/create", func(v *visit) error { return v.showNewRole(http.StatusOK, roles.Role{}, nil) })
	c.handlePost("/users/roles/create", map[string]func(*visit) error{"create": (*visit).createRole})
	c.handle("GET /users/roles/role/{appid}", func(v *visit) error { return v.showRole(http.StatusOK, nil, nil) })
	c.handlePost("/users/roles/role/{appid}", map[string]func(*visit) error{"save": (*visit).saveRole, "delete": (*visit).deleteRole})
}

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
	body := rolesPage{Manage: v.mayManageRoles()}
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

func (v *visit) mayManageRoles() bool { return v.Guard.Explain(v.who, admin.ManageRoles).Allowed }
