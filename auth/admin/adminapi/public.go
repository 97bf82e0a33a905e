package adminapi

import (
	"cmp"
	"net/http"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// exposureJSON lists the access of callers without a key, or the access that a change adds.
type exposureJSON struct {
	Role        string                 `json:"role"`        // "" is closed
	Grants      roles.Grants           `json:"grants"`      // denies included
	Permissions []publicapi.Permission `json:"permissions"` // one for each grant that allows something
	Writes      []string               `json:"writes"`      // those that can change data, and must be acknowledged
	Routes      []routeJSON            `json:"routes"`
	Token       string                 `json:"token,omitempty"` // of a preview
}

type routeJSON struct {
	Pattern    string `json:"pattern"`
	Permission string `json:"permission,omitempty"` // absent if none is needed
}

func exposureAsJSON(r publicapi.Report) exposureJSON {
	return exposureJSON{Role: r.Role, Grants: r.Grants, Permissions: append([]publicapi.Permission{}, r.Permissions...),
		Writes: append([]string{}, r.Writes...), Routes: eachOf(r.Routes, routeAsJSON), Token: r.Token}
}

func routeAsJSON(r *auth.Route) routeJSON { return routeJSON{r.Pattern, r.Permission} }

// confirmationFields reads the confirmation of a change that opens access to callers without a key.
func confirmationFields(seen *admin.Confirmation) map[string]field {
	return map[string]field{"token": text(&seen.Token), "acknowledge": texts(&seen.Acknowledged)}
}

type publicJSON struct {
	Role      string       `json:"role"` // "" is closed
	ChangedAt time.Time    `json:"changed_at,omitzero"`
	ChangedBy string       `json:"changed_by,omitempty"`
	Exposure  exposureJSON `json:"exposure"`
}

func (a *api) showPublic(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	setting, report, err := a.Public(r.Context(), p)
	if err != nil {
		return err
	}
	setETag(w, admin.Revision(setting))
	return answer(w, http.StatusOK, publicJSON{setting.Role, setting.ChangedAt, setting.ChangedBy, exposureAsJSON(report)})
}

func (a *api) putPublic(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var role string
	var seen admin.Confirmation
	fields := confirmationFields(&seen)
	fields["role"] = text(&role)
	there, err := decode(w, r, false, fields)
	missing := needs(there, "role")
	var unmet error
	seen.Match, unmet = match(r)
	if err := cmp.Or(err, missing, unmet); err != nil {
		return err
	}
	if _, err := a.OpenPublic(r.Context(), p, role, seen); err != nil {
		return err
	}
	return a.showPublic(w, r, p)
}

func (a *api) closePublic(r *http.Request, p auth.Principal, match admin.Tag) error {
	_, err := a.ClosePublic(r.Context(), p, match)
	return err
}

func (a *api) previewPublic(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	report, err := a.PreviewPublic(r.Context(), p, r.URL.Query().Get("role"))
	return show(w, exposureAsJSON(report), err)
}
