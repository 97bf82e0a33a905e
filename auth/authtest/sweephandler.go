package authtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/latchkey-go/latchkey/auth"
)

// SweepHandler is [Sweep] for a router that does not list its handlers, such as echo's or gin's: it asks handler for each
// of these patterns what it requires, and fails the test for each that no guard protects. It returns the routes as
// [auth.Guard.Routes] would. A pattern is a method and a path with {name}, :name or *name. No guarded handler runs.
func SweepHandler(t testing.TB, guard *auth.Guard, handler http.Handler, patterns []string) []auth.Route {
	t.Helper()
	var routes []auth.Route
	for _, pattern := range patterns {
		requires := Required(guard, handler, pattern, nil)
		if len(requires) == 0 {
			t.Errorf("authtest: %q is not guarded", pattern)
		}
		for _, route := range requires {
			route.Pattern = pattern
			routes = append(routes, route)
		}
	}
	return routes
}

// Required asks a handler what the route requires. It is empty if no guard was met.
func Required(guard *auth.Guard, handler http.Handler, pattern string, values map[string]string) []auth.Route {
	met := []auth.Route{}
	noRights := auth.NewContext(context.Background(), guard.PrincipalForRole(Placeholder)) // passes Identify and Handler
	Ask(noRights, handler, pattern, values, func(requires []auth.Route, _ error) { met = requires })
	return met
}

// Ask sends a request for a route, for the guard in front of its handler. If there is none, the handler runs.
func Ask(ctx context.Context, handler http.Handler, pattern string, values map[string]string, met func([]auth.Route, error)) {
	r := request(pattern, values)
	handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(auth.Probe(ctx, met)))
}
