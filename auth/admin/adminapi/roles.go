package adminapi

import (
	"errors"
	"maps"
	"net/http"
	"net/url"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/roles"
)

// roleJSON is a role in an answer: Cockpit's document, and the grants that the catalog does not list.
type roleJSON struct {
	roles.Role
	Inherits []string   `json:"inherits"`          // in place of the role's own: never absent
	Unknown  []string   `json:"unknown,omitempty"` // grants that match nothing in the catalog
	Usage    *usageJSON `json:"usage,omitempty"`   // in the answer about one role, with ManageRoles
}

func (a *api) roleAsJSON(role roles.Role) roleJSON {
	shown := roleJSON{Role: role, Inherits: append([]string{}, role.Inherits...)}
	if a.catalog != nil {
		shown.Unknown = a.catalog.Unknown(role)
	}
	return shown
}

type usageJSON struct {
	Role      string     `json:"role"`
	Keys      []keyJSON  `json:"keys"`
	KeyCount  int        `json:"key_count"`
	Users     []userJSON `json:"users"`
	UserCount int        `json:"user_count"`
	Public    bool       `json:"public"`
	Heirs     []string   `json:"heirs"`
	Confirm   string     `json:"confirm"`
}

func usageAsJSON(u *admin.Usage) *usageJSON {
	return &usageJSON{Role: u.Role, Keys: eachOf(u.Keys, keyAsJSON), KeyCount: u.KeyCount, Users: eachOf(u.Users, userAsJSON),
		UserCount: u.UserCount, Public: u.Public, Heirs: append([]string{}, u.Heirs...), Confirm: u.Confirm}
}

func (a *api) listRoles(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q := r.URL.Query()
	n, err := limit(q)
	if err != nil {
		return err
	}
	all, err := a.Roles(r.Context(), p)
	list := page[roleJSON]{Items: []roleJSON{}}
	for _, role := range all {
		if role.AppID <= q.Get("after") {
			continue
		}
		if len(list.Items) == n {
			list.Next = list.Items[len(list.Items)-1].AppID
			break
		}
		list.Items = append(list.Items, a.roleAsJSON(role))
	}
	return show(w, list, err)
}

func (a *api) showRole(w http.ResponseWriter, status int, role roles.Role) error {
	setETag(w, admin.Revision(role))
	return answer(w, status, a.roleAsJSON(role))
}

// A grantsField is the grants of a role in a body. It refuses the empty list that Cockpit writes for none.
type grantsField roles.Grants

// UnmarshalJSON implements [json.Unmarshaler].
func (g *grantsField) UnmarshalJSON(text []byte) error {
	if len(text) == 0 || text[0] != '{' {
		return errNoObject
	}
	return (*roles.Grants)(g).UnmarshalJSON(text)
}

// roleFields reads a role. A body has the whole role: absent members are empty.
func roleFields(role *roles.Role) map[string]field {
	return map[string]field{"appid": text(&role.AppID), "name": text(&role.Name), "info": text(&role.Info),
		"permissions": {(*grantsField)(&role.Permissions), "an object of true and false", false}, "inherits": texts(&role.Inherits)}
}

func (a *api) createRole(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var role roles.Role
	if _, err := decode(w, r, false, roleFields(&role)); err != nil {
		return err
	}
	if err := a.CreateRole(r.Context(), p, role); err != nil {
		return err
	}
	w.Header().Set("Location", "roles/"+url.PathEscape(role.AppID))
	return a.showRole(w, http.StatusCreated, role)
}

func (a *api) getRole(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	role, err := a.Role(r.Context(), p, r.PathValue("appid"))
	if err != nil {
		return err
	}
	shown := a.roleAsJSON(role)
	switch usage, err := a.RoleUsage(r.Context(), p, role.AppID); {
	case err == nil:
		shown.Usage = usageAsJSON(&usage)
	case !errors.Is(err, admin.ErrForbidden): // callers who manage keys or users see the role without it
		return err
	}
	setETag(w, admin.Revision(role))
	return answer(w, http.StatusOK, shown)
}

func (a *api) putRole(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var role roles.Role
	var seen admin.Confirmation
	fields := roleFields(&role)
	maps.Copy(fields, confirmationFields(&seen))
	there, err := decode(w, r, false, fields)
	if err != nil {
		return err
	}
	if there["appid"] && role.AppID != r.PathValue("appid") {
		return invalid("appid", "never changes")
	}
	role.AppID = r.PathValue("appid")
	if seen.Match, err = match(r); err != nil {
		return err
	}
	if err := a.UpdateRole(r.Context(), p, role, seen); err != nil {
		return err
	}
	return a.showRole(w, http.StatusOK, role)
}

func (a *api) deleteRole(r *http.Request, p auth.Principal, match admin.Tag) error {
	seen := admin.Confirmation{Match: match, Token: r.URL.Query().Get("confirm")}
	return a.DeleteRole(r.Context(), p, r.PathValue("appid"), seen)
}
