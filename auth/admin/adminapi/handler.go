package adminapi

import (
	"net/http"
	"path"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Handler returns the JSON API of s. It guards itself with the service's guard, and can stand under any prefix:
//
//	mux.Handle("/admin/", http.StripPrefix("/admin", adminapi.Handler(service)))
//
// It takes keys and sessions; a caller without either gets 401, and a request with both gets 400. Bodies are JSON of at
// most 64 KiB, read strictly. Refusals are problem documents (RFC 9457); those of the guard, such as 401, 429 and 503,
// have the shape of its profile. Lists are paged by cursor: `next` of one page is `after` of the next one. Single objects
// have an ETag, and a change with If-Match is refused with 412 if its revision differs. Only the answer to the request
// that made a key has its value, as the member "key". The rest is in the OpenAPI 3.1 document, /openapi.json, which needs
// no key.
func Handler(s *admin.Service) http.Handler {
	if s == nil {
		panic("adminapi: Handler needs a service")
	}
	c := s.Config()
	a := &api{s, c.Guard, c.Catalog, http.NewServeMux()}
	for pattern, route := range a.routes() {
		a.mux.HandleFunc(pattern, a.guarded(route))
	}
	a.mux.HandleFunc("GET /openapi.json", serveOpenAPI)
	return a.guard.Identify(http.HandlerFunc(a.serve))
}

// An api is the JSON API of one service.
type api struct {
	*admin.Service
	guard   *auth.Guard
	catalog *roles.Catalog
	mux     *http.ServeMux
}

// serve also answers requests without a route with problem documents.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	clean := path.Clean(r.URL.Path) == r.URL.Path // a mux would redirect others, out of the prefix
	if _, pattern := a.mux.Handler(r); pattern != "" && clean {
		a.mux.ServeHTTP(w, r)
		return
	}
	var allowed []string
	probe := *r
	for _, probe.Method = range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		if _, pattern := a.mux.Handler(&probe); pattern != "" {
			allowed = append(allowed, probe.Method)
		}
	}
	if len(allowed) == 0 || !clean {
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: "There is nothing at this address."})
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeProblem(w, problem{Status: http.StatusMethodNotAllowed, Detail: "This address takes " + strings.Join(allowed, ", ") + "."})
}

// An operation serves authenticated callers. The API writes the answer to its error.
type operation func(http.ResponseWriter, *http.Request, auth.Principal) error

// A route is the operation at an address.
type route struct {
	do    operation
	query []string // the accepted parameters; others are refused
}

// routes returns all routes that need an authenticated caller, by method and path.
func (a *api) routes() map[string]route {
	return map[string]route{
		"GET /keys":                  {a.listKeys, []string{"kind", "user", "role", "state", "q", "after", "limit"}},
		"POST /keys":                 {do: a.createKey},
		"GET /keys/{id}":             {do: a.getKey},
		"PATCH /keys/{id}":           {do: a.patchKey},
		"DELETE /keys/{id}":          {do: removal(a.removeKey).serve},
		"POST /keys/{id}/refresh":    {do: a.refreshKey},
		"POST /keys/{id}/disable":    {do: a.setKey(keys.StateDisabled)},
		"POST /keys/{id}/enable":     {do: a.setKey(keys.StateActive)},
		"POST /keys/{id}/invalidate": {do: a.setKey(keys.StateInvalidated)},

		"GET /users":                   {a.listUsers, []string{"q", "role", "after", "limit"}},
		"GET /users/{id}/key":          {do: ofUser(a.getUserKey)},
		"POST /users/{id}/key":         {do: ofUser(a.createUserKey)},
		"DELETE /users/{id}/key":       {do: ofUser(a.invalidateUserKeys)},
		"POST /users/{id}/key/refresh": {do: ofUser(a.refreshUserKey)},
		"GET /me/key":                  {do: ofUser(a.getUserKey)},
		"POST /me/key":                 {do: ofUser(a.createUserKey)},
		"DELETE /me/key":               {do: ofUser(a.invalidateUserKeys)},
		"POST /me/key/refresh":         {do: a.refreshOwnKey},

		"GET /roles":            {a.listRoles, []string{"after", "limit"}},
		"POST /roles":           {do: a.createRole},
		"GET /roles/{appid}":    {do: a.getRole},
		"PUT /roles/{appid}":    {do: a.putRole},
		"DELETE /roles/{appid}": {removal(a.deleteRole).serve, []string{"confirm"}},

		"GET /public":         {do: a.showPublic},
		"PUT /public":         {do: a.putPublic},
		"DELETE /public":      {do: removal(a.closePublic).serve},
		"GET /public/preview": {a.previewPublic, []string{"role"}},

		"GET /permissions": {do: a.permissions},
		"GET /explain":     {a.explain, []string{"role", "permission"}},
		"GET /matrix":      {do: a.matrix},
		"GET /audit":       {a.listAudit, []string{"actor", "action", "object", "since", "until", "after", "limit"}},
	}
}

// guarded authenticates the caller, calls the operation, and writes the answer to an error.
func (a *api) guarded(to route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := a.caller(r)
		if err == nil {
			err = checkQuery(r, to.query)
		}
		if err == nil {
			err = to.do(w, r.WithContext(a.Context(r)), p)
		}
		if err != nil {
			a.refuse(w, r, err)
		}
	}
}

// caller returns the caller. It refuses a request that has both a key and a signed-in user.
func (a *api) caller(r *http.Request) (auth.Principal, error) {
	p, _ := a.guard.PrincipalFrom(r.Context())
	switch {
	case !p.Authenticated():
		return p, &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonMissingKey}
	case p.KeyID() == "":
		return p, nil
	}
	user, err := a.guard.SignedInUser(r)
	switch {
	case err != nil:
		return p, err
	case user != "":
		return p, &auth.Refusal{Status: http.StatusBadRequest, Reason: auth.ReasonAmbiguous}
	}
	return p, nil
}
