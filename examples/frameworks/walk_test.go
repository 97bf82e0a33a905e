package main

import (
	"net/http"
	"testing"

	chirouter "github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/chi"
)

// A walk over a router gives the routes that Handle remembers, also below sub-routers and behind their middleware.
func TestWalks(t *testing.T) {
	guard := newSite(t, "net/http").guard
	registered := guard.Routes()
	h := http.NotFoundHandler()

	router := mux.NewRouter()
	api := router.PathPrefix("/api").Subrouter()
	api.Handle("/pages/menus", guard.Require("content/pages/read", h)).Methods("GET")
	api.Handle("/content/{model}", guard.Require("content/{model}/create", h)).Methods("POST")
	var routes []auth.Route
	require.NoError(t, router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, _ := route.GetPathTemplate()
		methods, _ := route.GetMethods()
		for _, required := range auth.Requirement(route.GetHandler()) {
			required.Pattern = methods[0] + " " + path
			routes = append(routes, required)
		}
		return nil
	}))
	require.Equal(t, registered, routes, "gorilla/mux")

	routes, unguarded, err := chi.Routes(newSite(t, "chi").router.(chirouter.Routes))
	require.NoError(t, err)
	require.ElementsMatch(t, registered, routes, "chi")
	require.Empty(t, unguarded)

	outer := chirouter.NewRouter()
	outer.With(guard.Middleware("keys/manage")).Route("/keys", func(r chirouter.Router) {
		r.Use(guard.Identify)
		r.Delete("/{id}", http.NotFound)
		r.Get("/", http.NotFound)
	})
	outer.Get("/forgotten", http.NotFound)
	routes, unguarded, err = chi.Routes(outer)
	require.NoError(t, err)
	require.ElementsMatch(t, []auth.Route{
		{Pattern: "DELETE /keys/{id}", Permission: "keys/manage"}, {Pattern: "GET /keys/", Permission: "keys/manage"},
	}, routes)
	require.Equal(t, []string{"GET /forgotten"}, unguarded)
}
