package auth_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

func TestRoutes(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	w.guard.Handle(mux, "GET /api/{model}", "content/{model}/read", who)
	w.guard.Handle(mux, "POST /api/{model}", "content/{model}/create", who)
	w.guard.Handle(mux, "DELETE /keys", "app/api/manage", who)
	w.guard.HandleOpen(mux, "GET /healthz", who)
	all := []auth.Route{
		{Pattern: "GET /api/{model}", Permission: "content/{model}/read"},
		{Pattern: "POST /api/{model}", Permission: "content/{model}/create"},
		{Pattern: "DELETE /keys", Permission: "app/api/manage"},
		{Pattern: "GET /healthz", Open: true},
	}
	require.Equal(t, all, w.guard.Routes())
	require.Equal(t, all, reached(w.guard, roles.Admin))
	require.Equal(t, []auth.Route{all[0], all[1], all[3]}, reached(w.guard, "editor"))
	require.Equal(t, []auth.Route{all[0], all[3]}, reached(w.guard, "viewer"))
	require.Equal(t, []auth.Route{all[3]}, reached(w.guard, "nosuch"))
	w.guard.Routes()[0].Permission = "changed"
	require.Equal(t, all, w.guard.Routes(), "it is a copy")
}

func TestARouteOfSeveralPermissions(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	w.guard.HandleAny(mux, "POST /api/{model}", []string{"content/{model}/create", "content/{model}/read"}, who)
	all := []auth.Route{
		{Pattern: "POST /api/{model}", Permission: "content/{model}/create"},
		{Pattern: "POST /api/{model}", Permission: "content/{model}/read"},
	}
	require.Equal(t, all, w.guard.Routes())
	require.Equal(t, all[1:], reached(w.guard, "viewer"))
	require.Panics(t, func() { w.guard.HandleAny(mux, "GET /x", []string{"app/x", "content/{model}/read"}, who) })
	require.Panics(t, func() { w.guard.HandleAny(mux, "GET /x", nil, who) })
	require.Len(t, w.guard.Routes(), 2)
}

func TestANameThatThePatternLacksPanicsAtStart(t *testing.T) {
	w := newWorld(t)
	require.PanicsWithValue(t, `auth: permission "content/{model}/read" takes {model} from the pattern "GET /api/{name}", which has none`, func() {
		w.guard.Handle(http.NewServeMux(), "GET /api/{name}", "content/{model}/read", who)
	})
	require.Panics(t, func() { w.guard.Handle(http.NewServeMux(), "GET /api/{model...}", "content/{model}/read", who) })
	require.Empty(t, w.guard.Routes())
}

func TestOpenRoutesKnowWhoAsks(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	w.guard.HandleOpen(mux, "GET /", who)
	require.Equal(t, "custom", serve(mux, request("/", "api-key", w.editor)).Header.Get("X-Who"))
	require.Equal(t, "anonymous", serve(mux, request("/")).Header.Get("X-Who"))
	w.public.set("", nil)
	resp := serve(mux, request("/"))
	require.Equal(t, 200, resp.StatusCode)
	require.Empty(t, resp.Header.Get("X-Who"))
	requireHeaders(t, resp)
}

// reached returns the routes of g that a role reaches.
func reached(g *auth.Guard, role string) []auth.Route {
	return slices.DeleteFunc(g.Routes(), func(r auth.Route) bool {
		return !r.ReachedBy(g.Policy(), roles.Rights{Role: role})
	})
}
