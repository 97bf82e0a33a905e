package console

import (
	"cmp"
	"net/url"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/roles"
)

// A matrixPage says which role may do what, and why for one cell of it.
type matrixPage struct {
	Roles  []string
	Groups []matrixGroup
	Routes []admin.Row
	Why    *why
	// Role and Permission are those of the question.
	Role, Permission string
	Options          []roleOption
	MakeRoles        bool // the user may make one
}

type matrixGroup struct {
	Name string
	Rows []admin.Row
}

type matrixCell struct {
	Role   string
	Access admin.Access
	Why    string // the query that asks why; "" if there is nothing to ask
}

// Columns is how wide the table is.
func (m matrixPage) Columns() int { return len(m.Roles) + 1 }

// A why says why a role may or may not do something.
type why struct {
	Role, Permission string
	Template         bool // the permission has {name}s to fill in
	Access           admin.Access
	Text             string
	Grants           []roles.Decision // the grants that decide
	Ones             []whyOne         // the listed permissions that a template or pattern stands for
}

// A whyOne is one of the permissions that a template or a pattern stands for.
type whyOne struct {
	Permission, Query string
	Allowed           bool
}

func (v *visit) showMatrix() error {
	appids, permissions, routes, err := v.service.Matrix(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	body := matrixPage{Roles: appids, Routes: routes, Role: q.Get("role"), Permission: q.Get("permission"), MakeRoles: v.may(admin.ManageRoles)}
	for _, row := range permissions {
		if n := len(body.Groups); n == 0 || body.Groups[n-1].Name != row.Group {
			body.Groups = append(body.Groups, matrixGroup{Name: row.Group})
		}
		g := &body.Groups[len(body.Groups)-1]
		g.Rows = append(g.Rows, row)
	}
	if body.Options, err = v.roleOptions(body.Role, true); err != nil {
		return err
	}
	if body.Role != "" && body.Permission != "" {
		if body.Why, err = v.why(body.Role, body.Permission); err != nil {
			return err
		}
	}
	return v.show("matrix", "Access matrix", body)
}

// cells returns the cells of a row, for the template.
func cells(appids []string, row admin.Row) []matrixCell {
	var all []matrixCell
	for i, appid := range appids {
		cell := matrixCell{Role: appid, Access: row.Access[i]}
		if row.Permission != "" {
			cell.Why = askWhy(appid, row.Permission)
		}
		all = append(all, cell)
	}
	return all
}

func askWhy(appid, permission string) string {
	return "?" + url.Values{"role": {appid}, "permission": {permission}}.Encode() + "#why"
}

// why explains one cell.
func (v *visit) why(appid, permission string) (*why, error) {
	w := &why{Role: appid, Permission: permission, Template: braces.MatchString(permission)}
	if w.Template {
		return w, v.spellOut(w)
	}
	decisions, access, err := v.service.Explain(v.r.Context(), v.who, appid, permission)
	if err != nil {
		return nil, err
	}
	w.Access = access
	for _, d := range decisions {
		if d.Grant != "" {
			w.Grants = append(w.Grants, d)
		}
	}
	if !roles.ValidPermission(permission) && roles.ValidPattern(permission) {
		if err := v.spellOut(w); err != nil {
			return nil, err
		}
	}
	if access == admin.AccessSome || len(decisions) > 1 {
		w.Text = "These grants are about parts of it:"
		return w, nil
	}
	w.Text = cmp.Or(reasons[decisions[0].Reason], "No grant is about it, so it is not allowed.")
	return w, nil
}

// reasons are the reasons of decisions in words.
var reasons = map[roles.Reason]string{
	roles.ReasonAdmin:  "The built-in role may do everything.",
	roles.ReasonNoRole: "There is no such role, so nothing is allowed.",
	roles.ReasonMalformed: "This is neither a permission nor a pattern: parts of letters, digits and _ - . : @, joined by slashes. " +
		"A malformed permission is never allowed.",
	roles.ReasonGranted: "A grant allows it, and none denies it.",
	roles.ReasonDenied:  "A grant denies it, whatever else allows it.",
}

// spellOut lists the permissions of the catalog that a template or a pattern stands for.
func (v *visit) spellOut(w *why) error {
	groups, err := v.service.Permissions(v.r.Context(), v.who)
	if err != nil {
		return err
	}
	for _, group := range groups {
		for _, entry := range group.Permissions {
			if !roles.ValidPermission(entry.Permission) || !roles.Match(grantOf(w.Permission), entry.Permission) {
				continue
			}
			_, access, err := v.service.Explain(v.r.Context(), v.who, w.Role, entry.Permission)
			if err != nil {
				return err
			}
			w.Ones = append(w.Ones, whyOne{entry.Permission, askWhy(w.Role, entry.Permission), access == admin.AccessAll})
		}
	}
	return nil
}
