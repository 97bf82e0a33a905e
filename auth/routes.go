package auth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles"
)

// A Route is an address and the permission it needs. Other packages make their own, for the fields of a GraphQL
// schema for example.
type Route struct {
	Pattern    string // "GET /api/content/{model}", as registered
	Permission string // may hold {name}s; "" if Open or Key is set, or if [Guard.RequireFunc] computes it
	Open       bool   // needs nothing
	Key        bool   // needs a valid key or a sign-in, and no permission
}

// ReachedBy reports whether callers reach the route by these rights, for at least one value of its {name}s. A route that
// needs a key and no permission, or a computed one, is reached by none.
func (r Route) ReachedBy(policy *roles.Policy, rights roles.Rights) bool {
	if r.Open {
		return true
	}
	t, err := parseTemplate(r.Permission)
	return err == nil && policy.Reaches(rights, t.pattern())
}

// Handle registers h behind [Guard.Require]. mux is an *[http.ServeMux] or has its Handle method. Handle panics if
// permission is malformed, or has a {name} that the pattern lacks: at start, not in a request.
func (g *Guard) Handle(mux interface{ Handle(string, http.Handler) }, pattern, permission string, h http.Handler) {
	g.HandleAny(mux, pattern, []string{permission}, h)
}

// HandleAny is Handle for callers with at least one of several permissions; see [Guard.RequireAny]. Routes lists the
// pattern once for each permission.
func (g *Guard) HandleAny(mux interface{ Handle(string, http.Handler) }, pattern string, permissions []string, h http.Handler) {
	gated := g.RequireAny(permissions, h) // which panics unless the permissions are well formed
	for _, permission := range permissions {
		t, _ := parseTemplate(permission)
		for _, name := range t.names() {
			if !strings.Contains(pattern, "{"+name+"}") && !strings.Contains(pattern, "{"+name+":") { // chi's {name:regexp}
				panic(fmt.Sprintf("auth: permission %q takes {%s} from the pattern %q, which has none", permission, name, pattern))
			}
		}
	}
	mux.Handle(pattern, gated)
	for _, permission := range permissions {
		g.remember(Route{Pattern: pattern, Permission: permission})
	}
}

// HandleKey registers h behind [Guard.RequireKey].
func (g *Guard) HandleKey(mux interface{ Handle(string, http.Handler) }, pattern string, h http.Handler) {
	mux.Handle(pattern, g.RequireKey(h))
	g.remember(Route{Pattern: pattern, Key: true})
}

// HandleOpen registers h without a permission. A credential that is not valid is refused there too.
func (g *Guard) HandleOpen(mux interface{ Handle(string, http.Handler) }, pattern string, h http.Handler) {
	mux.Handle(pattern, g.gate(h, []Route{{Open: true}}, func(*http.Request, Principal) (string, *Refusal) { return "", nil }))
	g.remember(Route{Pattern: pattern, Open: true})
}

func (g *Guard) remember(r Route) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.routes = append(g.routes, r)
}

// Routes returns the routes registered through Handle, HandleAny, HandleKey and HandleOpen, in that order. It does not know
// handlers that were wrapped in other ways. See [Route.ReachedBy] for those that a role reaches.
func (g *Guard) Routes() []Route {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.routes)
}
