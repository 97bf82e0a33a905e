package console

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A rolePage is the page of one role, or of one that is about to be made.
type rolePage struct {
	New    bool
	Manage bool // false: to look at only
	Role   roles.Role
	Match  string
	Groups []permissionGroup
	// Allow and Deny are the grants that no check box stands for, one a line.
	Allow, Deny string
	Inherits    []roleOption
	Unknown     []string     // grants that match nothing in the catalog
	Usage       *admin.Usage // nil: not known to this user
	Deleting    bool         // somebody has tried to delete it
	// Gains are what everybody could change in addition if this is saved, to be ticked.
	Gains []exposed
}

// A permissionGroup is some permissions of the catalog under one heading.
type permissionGroup struct {
	Name string
	Rows []permissionRow
}

type permissionRow struct {
	Permission, Label string
	Write             bool
	Own               string // "allow", "deny" or "": what the role itself says
	Else              string // what else decides for it, in words
}

// permissionField begins the names of the inputs of single permissions.
const permissionField = "p."

// grantOf is the grant that stands for a permission of the catalog. A template that is not spelt out stands for all of
// its permissions.
func grantOf(permission string) string { return braces.ReplaceAllString(permission, "*") }

// sentRole is the role that the form that was sent describes.
func (v *visit) sentRole() (roles.Role, error) {
	role := roles.Role{AppID: v.field("appid"), Name: v.field("name"), Info: strings.ReplaceAll(v.field("info"), "\r\n", "\n"),
		Inherits: v.r.PostForm["inherits"], Permissions: roles.Grants{}}
	var twice error
	grant := func(text string, allow bool) {
		if before, ok := role.Permissions[text]; ok && before != allow {
			twice = &admin.InputError{Field: "permissions", Text: "has a grant that is both allowed and denied"}
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
	body := rolePage{Role: role, Manage: v.mayManageRoles(), Unknown: v.service.UnknownGrants(role)}
	groups, err := v.service.Permissions(v.r.Context(), v.who)
	if err != nil {
		return body, err
	}
	rest := maps.Clone(role.Permissions)
	for _, group := range groups {
		g := permissionGroup{Name: group.Name}
		for _, entry := range group.Permissions {
			grant := grantOf(entry.Permission)
			row := permissionRow{Permission: grant, Label: braces.ReplaceAllString(entry.Label, "any $1"), Write: entry.Effect == roles.Write}
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

func (v *visit) showNewRole(status int, role roles.Role, why *alert) error {
	body, err := v.rolePageOf(role)
	if err != nil {
		return err
	}
	if !body.Manage {
		_, err := v.service.RoleUsage(v.r.Context(), v.who, role.AppID) // says what is missing
		return err
	}
	body.New = true
	return v.show(status, "role", page{Heading: "New role", Alert: why, Body: body})
}

func (v *visit) createRole() error {
	role, err := v.sentRole()
	if err == nil {
		err = v.service.CreateRole(v.r.Context(), v.who, role)
	}
	if err != nil {
		return v.retry(err, func(status int, why *alert) error {
			if errors.Is(err, admin.ErrConflict) {
				why = &alert{Title: "This appid is taken", Field: "appid", Text: "There is a role with it already, perhaps in other letter case. Choose another one."}
			}
			return v.showNewRole(status, role, why)
		})
	}
	return v.redirect("users/roles/role/" + role.AppID + "?done=created")
}

// showRole shows a role, as sent if somebody has filled in the form already. change may add to the page.
func (v *visit) showRole(status int, sent *roles.Role, why *alert, change ...func(*rolePage)) error {
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
	body.Match = admin.RoleRevision(stored)
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
		body.Usage = &usage
	}
	heading := stored.Name
	if heading == "" {
		heading = stored.AppID
	}
	return v.show(status, "role", page{Heading: heading, Alert: why, Body: body})
}

// explainRows says of each permission what decides for it besides the role's own grant for just this one.
func (v *visit) explainRows(appid string, groups []permissionGroup) error {
	for _, group := range groups {
		for i, row := range group.Rows {
			if !roles.ValidPermission(row.Permission) {
				continue
			}
			d, err := v.service.Explain(v.r.Context(), v.who, appid, row.Permission)
			if err != nil {
				return err
			}
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

func (v *visit) saveRole() error {
	role, err := v.sentRole()
	role.AppID = v.r.PathValue("appid")
	ticked := v.r.PostForm["acknowledge"]
	if err == nil {
		err = v.service.UpdateRole(v.r.Context(), v.who, role, v.field("match"), ticked...)
	}
	if err == nil {
		return v.redirect("users/roles/role/" + role.AppID + "?done=saved")
	}
	var writes *publicapi.UnacknowledgedError
	if errors.As(err, &writes) {
		var gains []exposed
		for _, permission := range writes.Writes {
			label, err := v.inWords(permission)
			if err != nil {
				return err
			}
			gains = append(gains, exposed{Permission: permission, Label: label, Ticked: slices.Contains(ticked, permission)})
		}
		return v.showRole(http.StatusConflict, &role, &alert{Title: "Not saved yet", Field: "acknowledge",
			Text: "This also changes what everybody may do without a key. Tick each line in red at the end of the form, then save again."}, func(p *rolePage) { p.Gains = gains })
	}
	return v.retry(err, func(status int, why *alert) error { return v.showRole(status, &role, kept(status, why)) })
}

func (v *visit) deleteRole() error {
	appid := v.r.PathValue("appid")
	err := v.service.DeleteRole(v.r.Context(), v.who, appid, v.field("match"), v.field("confirm"))
	if err == nil {
		return v.redirect("users/roles?done=deleted")
	}
	deleting := func(p *rolePage) { p.Deleting = true }
	var usage *admin.UsageError
	if errors.As(err, &usage) {
		return v.showRole(http.StatusConflict, nil, &alert{Title: "Not deleted yet",
			Text: "What has this role has changed since you looked. See below what its deletion touches now, and confirm again."}, deleting)
	}
	return v.retry(err, func(status int, why *alert) error { return v.showRole(status, nil, why, deleting) })
}
