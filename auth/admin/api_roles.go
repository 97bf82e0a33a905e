package admin

import (
	"net/http"
	"net/url"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// roleJSON is a role as the API shows it: Cockpit's document, and what of it the catalog does not know.
type roleJSON struct {
	AppID       string       `json:"appid"`
	Name        string       `json:"name"`
	Info        string       `json:"info"`
	Permissions roles.Grants `json:"permissions"`
	Inherits    []string     `json:"inherits"`
	Unknown     []string     `json:"unknown,omitempty"` // grants that match nothing in the catalog
}

func (a *api) roleAsJSON(role roles.Role) roleJSON {
	return roleJSON{role.AppID, role.Name, role.Info, role.Permissions,
		append([]string{}, role.Inherits...), a.UnknownGrants(role)}
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

func usageAsJSON(u *Usage) usageJSON {
	shown := usageJSON{Role: u.Role, Keys: []keyJSON{}, KeyCount: u.KeyCount, Users: usersAsJSON(u.Users),
		UserCount: u.UserCount, Public: u.Public, Heirs: append([]string{}, u.Heirs...), Confirm: u.Confirm}
	for i := range u.Keys {
		shown.Keys = append(shown.Keys, keyAsJSON(&u.Keys[i]))
	}
	return shown
}

func (a *api) roleRoutes() {
	a.handle("GET /roles", a.listRoles)
	a.handle("POST /roles", a.createRole)
	a.handle("GET /roles/{appid}", a.getRole)
	a.handle("PUT /roles/{appid}", a.putRole)
	a.handle("DELETE /roles/{appid}", a.deleteRole)
	a.handle("GET /roles/{appid}/usage", a.getUsage)
}

func (a *api) listRoles(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q, err := query(r, "after", "limit")
	if err != nil {
		return err
	}
	n, err := limit(q)
	if err != nil {
		return err
	}
	all, err := a.Roles(r.Context(), p)
	if err != nil {
		return err
	}
	list := page[roleJSON]{Items: []roleJSON{}}
	for _, role := range all {
		if role.AppID <= q.Get("after") {
			continue
		}
		if len(list.Items) == pageSize(n) {
			list.Next = list.Items[len(list.Items)-1].AppID
			break
		}
		list.Items = append(list.Items, a.roleAsJSON(role))
	}
	return answer(w, http.StatusOK, list)
}

func (a *api) showRole(w http.ResponseWriter, status int, role roles.Role) error {
	setETag(w, RoleRevision(role))
	return answer(w, status, a.roleAsJSON(role))
}

// roleFields reads a role. A body says all of it: what is not there is empty.
func roleFields(role *roles.Role) map[string]field {
	return map[string]field{"appid": text(&role.AppID), "name": text(&role.Name), "info": text(&role.Info),
		"permissions": {&role.Permissions, "an object of true and false", false}, "inherits": texts(&role.Inherits)}
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
	return a.showRole(w, http.StatusOK, role)
}

func (a *api) putRole(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var role roles.Role
	var acknowledge []string
	fields := roleFields(&role)
	fields["acknowledge"] = texts(&acknowledge)
	there, err := decode(w, r, false, fields)
	if err != nil {
		return err
	}
	if there["appid"] && role.AppID != r.PathValue("appid") {
		return &InputError{"appid", "never changes"}
	}
	role.AppID = r.PathValue("appid")
	match, err := match(r)
	if err != nil {
		return err
	}
	if err := a.UpdateRole(r.Context(), p, role, match, acknowledge...); err != nil {
		return err
	}
	return a.showRole(w, http.StatusOK, role)
}

func (a *api) deleteRole(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q, err := query(r, "confirm")
	if err != nil {
		return err
	}
	match, err := match(r)
	if err != nil {
		return err
	}
	if err := a.DeleteRole(r.Context(), p, r.PathValue("appid"), match, q.Get("confirm")); err != nil {
		return err
	}
	return nothing(w)
}

func (a *api) getUsage(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	usage, err := a.RoleUsage(r.Context(), p, r.PathValue("appid"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, usageAsJSON(&usage))
}
