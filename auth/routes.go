package auth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles"
)

// A Route is an address and what it needs. Other packages make their own, such as fields of a GraphQL schema.
type Route struct {
	Pattern    string // "GET /api/content/{model}", as registered
	Permission string // may hold {name}s; "" for an open route
	Open       bool   // needs no permission
}

// ReachedBy reports whether callers with these rights reach the route, for at least one value of its {name}s.
func (r Route) ReachedBy(policy *roles.Policy, rights roles.Rights) bool {
	if r.Open {
		return true
	}
	t, err := parseTemplate(r.Permission)
	return err == nil && policy.Reaches(rights, t.pattern())
}

// Handle registers h behind [Guard.Require]. It panics if permission is malformed, or names a {name} that the
// pattern does not have: at start, not in a request.
func (g *Guard) Handle(mux interface{ Handle(string, http.Handler) }, pattern, permission string, h http.Handler) {
	g.handle(mux, pattern, []string{permission}, g.Require(permission, h))
}

// HandleAny is Handle for callers who may do at least one of several things; see [Guard.RequireAny]. Routes has
// the pattern once for each permission.
func (g *Guard) HandleAny(mux interface{ Handle(string, http.Handler) }, pattern string, permissions []string, h http.Handler) {
	g.handle(mux, pattern, permissions, g.RequireAny(permissions, h))
}

// handle registers a handler that is gated by permissions, which have been parsed.
func (g *Guard) handle(mux interface{ Handle(string, http.Handler) }, pattern string, permissions []string, gated http.Handler) {
	for _, permission := range permissions {
		t, _ := parseTemplate(permission)
		for _, name := range t.names() {
			if !strings.Contains(pattern, "{"+name+"}") {
				panic(fmt.Sprintf("auth: permission %q takes {%s} from the pattern %q, which has none", permission, name, pattern))
			}
		}
	}
	mux.Handle(pattern, gated)
	for _, permission := range permissions {
		g.remember(Route{Pattern: pattern, Permission: permission})
	}
}

// Open registers h without a permission. A credential that is shown and not good is refused there too.
func (g *Guard) HandleOpen(mux interface{ Handle(string, http.Handler) }, pattern string, h http.Handler) {
	mux.Handle(pattern, g.gate(h, func(*http.Request, Principal) (string, *Refusal) { return "", nil }))
	g.remember(Route{Pattern: pattern, Open: true})
}

func (g *Guard) remember(r Route) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.routes = append(g.routes, r)
}

// Routes returns what was registered through Handle, HandleAny and Open, in that order. Handlers wrapped in other ways
// are not known here.
func (g *Guard) Routes() []Route {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.routes)
}
