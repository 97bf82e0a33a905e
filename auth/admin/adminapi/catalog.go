package adminapi

import (
	"cmp"
	_ "embed"
	"net/http"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/roles"
)

//go:embed openapi.json
var openAPI []byte

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}

type decisionJSON struct {
	Allowed  bool         `json:"allowed"` // all of it
	Access   admin.Access `json:"access"`
	Reason   roles.Reason `json:"reason"`
	Role     string       `json:"role"`             // whose grant decided
	Grant    string       `json:"grant,omitempty"`  // that decided alone
	Grants   []grantJSON  `json:"grants,omitempty"` // each of which decides a part of a pattern
	Sentence string       `json:"sentence"`
}

type grantJSON struct {
	Role    string `json:"role"`
	Grant   string `json:"grant"`
	Allowed bool   `json:"allowed"`
}

// reasonPartly is the reason for a pattern of which a part is allowed.
const reasonPartly roles.Reason = "partly"

func explanationAsJSON(appid string, decisions []roles.Decision, access admin.Access) decisionJSON {
	first := decisions[0]
	if len(decisions) == 1 && access != admin.AccessSome {
		return decisionJSON{first.Allowed, access, first.Reason, first.Role, first.Grant, nil, first.String()}
	}
	shown := decisionJSON{Allowed: access == admin.AccessAll, Access: access, Role: appid,
		Reason: map[admin.Access]roles.Reason{admin.AccessAll: roles.ReasonGranted, admin.AccessSome: reasonPartly, admin.AccessNone: roles.ReasonDenied}[access]}
	var sentences []string
	for _, d := range decisions {
		shown.Grants = append(shown.Grants, grantJSON{d.Role, d.Grant, d.Allowed})
		_, why, _ := strings.Cut(d.String(), ": ")
		sentences = append(sentences, why)
	}
	shown.Sentence = map[admin.Access]string{admin.AccessAll: "all", admin.AccessSome: "a part", admin.AccessNone: "nothing"}[access] + " of it is allowed: " + strings.Join(sentences, "; ")
	return shown
}

type matrixJSON struct {
	Roles       []string        `json:"roles"`
	Permissions []permissionRow `json:"permissions"`
	Routes      []routeRow      `json:"routes"`
}

type permissionRow struct {
	Group      string         `json:"group"`
	Permission string         `json:"permission"`
	Label      string         `json:"label"`
	Effect     roles.Effect   `json:"effect"`
	Access     []admin.Access `json:"access"` // of each role
}

type routeRow struct {
	routeJSON
	Access []admin.Access `json:"access"` // of each role
}

func (a *api) permissions(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	groups, err := a.Permissions(r.Context(), p)
	return show(w, map[string][]roles.Group{"groups": append([]roles.Group{}, groups...)}, err)
}

func (a *api) explain(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q := r.URL.Query()
	if err := needs(q, "role", "permission"); err != nil {
		return err
	}
	decisions, access, err := a.Explain(r.Context(), p, q.Get("role"), q.Get("permission"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, explanationAsJSON(q.Get("role"), decisions, access))
}

func (a *api) matrix(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	appids, permissions, routes, err := a.Matrix(r.Context(), p)
	return show(w, matrixJSON{
		Roles: append([]string{}, appids...),
		Permissions: eachOf(permissions, func(row *admin.Row) permissionRow {
			return permissionRow{row.Group, row.Permission, row.Label, row.Effect, append([]admin.Access{}, row.Access...)}
		}),
		Routes: eachOf(routes, func(row *admin.Row) routeRow {
			return routeRow{routeJSON{row.Pattern, row.Permission}, append([]admin.Access{}, row.Access...)}
		}),
	}, err)
}

func (a *api) listAudit(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q := r.URL.Query()
	f := audit.Filter{Actor: q.Get("actor"), Action: q.Get("action"), Object: q.Get("object"), Before: q.Get("after")}
	var limited, from, to error
	f.Limit, limited = limit(q)
	f.Since, from = since(q, "since")
	f.Until, to = since(q, "until")
	if err := cmp.Or(limited, from, to); err != nil {
		return err
	}
	found, err := a.Audit(r.Context(), p, f)
	list := page[audit.Record]{Items: append([]audit.Record{}, found...)}
	if len(found) == f.Limit {
		list.Next = found[len(found)-1].ID
	}
	return show(w, list, err)
}
