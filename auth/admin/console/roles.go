package console

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

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

// A rolePage is the page of one role, or of one that is about to be made.
type rolePage struct {
	New    bool
	Manage bool // false: to look at only
	Role   roles.Role
	Match  admin.Tag
	Groups []permissionGroup
	// Allow and Deny are the grants that no check box stands for, one a line.
	Allow, Deny string
	Inherits    []roleOption
	Unknown     []string     // grants that match nothing in the catalog
	Usage       *admin.Usage // nil: not known to this user
	Deleting    bool         // the user has tried to delete it
	// Meanwhile lists what another user has saved since the form was opened.
	Meanwhile []difference
	Conflict  bool
	SeePublic bool // the user may look at the page of the public API
	// Gains is the access that saving this adds for callers without a key. It must be confirmed.
	Gains *exposure
}

// A permissionGroup is some permissions of the catalog under one heading.
type permissionGroup struct {
	Name string
	Rows []permissionRow
}

type permissionRow struct {
	Permission, Label string
	Write             bool
	Own               string // "allow", "deny" or "": the own grant of the role
	Else              string // another grant that decides, in words
}

// mostUsing is how many keys and users of a role are named on its page; all are counted.
const mostUsing = 50

// permissionField begins the names of the inputs of single permissions.
const permissionField = "p."

// grantOf is the grant that stands for a permission of the catalog. A template that is not spelt out stands for all of
// its permissions.
func grantOf(permission string) string { return braces.ReplaceAllString(permission, "*") }

// sentRole returns the role of the form that was sent.
func (v *visit) sentRole() (roles.Role, error) {
	role := roles.Role{AppID: v.field("appid"), Name: v.field("name"), Info: strings.ReplaceAll(v.field("info"), "\r\n", "\n"),
		Inherits: v.r.PostForm["inherits"], Permissions: roles.Grants{}}
	var twice error
	grant := func(text string, allow bool) {
		if before, ok := role.Permissions[text]; ok && before != allow {
			twice = &admin.Error{Err: admin.ErrInput, Field: "permissions", Text: "has a grant that is both allowed and denied"}
		}
		role.Permissions[text] = allow
	}
	for name, values := range v.r.PostForm {
		permission, ok := strings.CutPrefix(name, permissionField)
		if !ok || values[0] == "" {
			continue
		}
		if values[0] != "allow" && values[0] != "deny" {
			return role, errForm
		}
		grant(permission, values[0] == "allow")
	}
	for _, text := range fieldLines(v.field("allow")) {
		grant(text, true)
	}
	for _, text := range fieldLines(v.field("deny")) {
		grant(text, false)
	}
	return role, twice
}

// rolePageOf lays a role out over the catalog.
func (v *visit) rolePageOf(role roles.Role) (rolePage, error) {
	body := rolePage{Role: role, Manage: v.may(admin.ManageRoles)}
	if catalog := v.service.Config().Catalog; catalog != nil {
		body.Unknown = catalog.Unknown(role)
	}
	groups, err := v.service.Permissions(v.r.Context(), v.who)
	if err != nil {
		return body, err
	}
	rest := maps.Clone(role.Permissions)
	for _, group := range groups {
		g := permissionGroup{Name: group.Name}
		for _, entry := range group.Permissions {
			grant := grantOf(entry.Permission)
			row := permissionRow{Permission: grant, Label: braces.ReplaceAllString(entry.Label, "any $1"), Write: entry.Effect == roles.EffectWrite}
			if allowed, ok := role.Permissions[grant]; ok {
				row.Own = map[bool]string{true: "allow", false: "deny"}[allowed]
				delete(rest, grant)
			}
			g.Rows = append(g.Rows, row)
		}
		body.Groups = append(body.Groups, g)
	}
	for _, grant := range slices.Sorted(maps.Keys(rest)) {
		if rest[grant] {
			body.Allow += grant + "\n"
		} else {
			body.Deny += grant + "\n"
		}
	}
	if v.r.PostForm.Has("allow") { // keep the text as it was typed
		body.Allow, body.Deny = v.field("allow"), v.field("deny")
	}
	all, err := v.service.Roles(v.r.Context(), v.who)
	if err != nil {
		return body, err
	}
	for _, other := range all {
		if other.AppID != role.AppID {
			body.Inherits = append(body.Inherits, roleOption{other.AppID, other.Name, slices.Contains(role.Inherits, other.AppID)})
		}
	}
	return body, nil
}

// explainRows adds to each permission the grant that decides it, unless that is the role's own grant for it.
func (v *visit) explainRows(appid string, groups []permissionGroup) error {
	for _, group := range groups {
		for i, row := range group.Rows {
			if !roles.ValidPermission(row.Permission) {
				continue
			}
			decisions, _, err := v.service.Explain(v.r.Context(), v.who, appid, row.Permission)
			if err != nil {
				return err
			}
			d := decisions[0]
			if d.Grant == "" || d.Role == appid && d.Grant == row.Permission {
				continue
			}
			text := map[bool]string{true: "allowed by ", false: "denied by "}[d.Allowed] + d.Grant
			if d.Role != appid {
				text += " of " + d.Role
			}
			group.Rows[i].Else = text
		}
	}
	return nil
}
