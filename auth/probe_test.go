package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

func TestRequirementOfAHandler(t *testing.T) {
	w := newWorld(t)
	guarded := w.guard.Require("content/{model}/read", who)
	for _, c := range []struct {
		handler http.Handler
		want    []auth.Route
	}{
		{guarded, []auth.Route{{Permission: "content/{model}/read"}}},
		{w.guard.Middleware("content/posts/read")(who), []auth.Route{{Permission: "content/posts/read"}}},
		{w.guard.RequireAny([]string{"a/b", "c/d"}, who), []auth.Route{{Permission: "a/b"}, {Permission: "c/d"}}},
		{w.guard.RequireKey(who), []auth.Route{{Key: true}}},
		{w.guard.RequireFunc(func(*http.Request) (string, error) { return "a/b", nil }, who), []auth.Route{{}}},
		{w.guard.Require("a/b", guarded), []auth.Route{{Permission: "a/b"}}},
		{http.StripPrefix("/api", guarded), nil}, // hidden
		{w.guard.Identify(guarded), nil},
		{who, nil},
		{nil, nil},
	} {
		got := auth.Requirement(c.handler)
		require.Equal(t, c.want, got)
		if got != nil {
			got[0].Permission = "changed"
			require.Equal(t, c.want, auth.Requirement(c.handler), "it is a copy")
		}
	}
}

// A probe is decided as any request, runs no handler, and leaves no trace.
func TestProbe(t *testing.T) {
	var events []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { events = append(events, e) }
	})
	mustNotRun := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") })
	mux := http.NewServeMux()
	w.guard.Handle(mux, "GET /read", "content/posts/read", mustNotRun)
	w.guard.Handle(mux, "GET /create", "content/posts/create", mustNotRun)
	mux.Handle("GET /both", w.guard.Require("content/posts/read", w.guard.Require("content/posts/create", mustNotRun)))
	ask := func(h http.Handler, path string, header ...string) (met int, requires []auth.Route, refusal error) {
		r := request(path, header...)
		ctx := auth.Probe(r.Context(), func(rs []auth.Route, err error) { met, requires, refusal = met+1, rs, err })
		h.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		return met, requires, refusal
	}
	for name, h := range map[string]http.Handler{"alone": mux, "Identify": w.guard.Identify(mux), "Handler": w.guard.Handler(mux)} {
		met, requires, refusal := ask(h, "/read")
		require.Equal(t, 1, met, name)
		require.Equal(t, []auth.Route{{Permission: "content/posts/read"}}, requires)
		require.NoError(t, refusal)

		_, _, refusal = ask(h, "/create")
		require.Equal(t, 401, refusal.(*auth.Refusal).Status)
		_, _, refusal = ask(h, "/create", "api-key", w.ada)
		require.Equal(t, 403, refusal.(*auth.Refusal).Status)
		_, _, refusal = ask(h, "/create", "api-key", w.editor)
		require.NoError(t, refusal)

		_, requires, refusal = ask(h, "/both")
		require.Equal(t, 401, refusal.(*auth.Refusal).Status, "both must hold")
		require.Equal(t, []auth.Route{{Permission: "content/posts/create"}}, requires)

		met, _, _ = ask(h, "/read", "api-key", "API-wrong")
		require.Zero(t, met, "refused before the route decides")
		require.Len(t, events, 1, name)
		require.Equal(t, auth.ReasonMalformedKey, events[0].Reason)
		events = nil
	}
}

// chi's {name:pattern} has the name.
func TestHandleTakesTheNamesOfOtherRouters(t *testing.T) {
	w := newWorld(t)
	for _, pattern := range []string{"GET /{model:[a-z]+}", "GET /{model}"} {
		require.NotPanics(t, func() { w.guard.Handle(anyMux{}, pattern, "content/{model}/read", who) }, pattern)
	}
	require.Panics(t, func() { w.guard.Handle(anyMux{}, "GET /{models}", "content/{model}/read", who) })
}

// anyMux is a router that takes any pattern.
type anyMux struct{}

func (anyMux) Handle(string, http.Handler) {}
