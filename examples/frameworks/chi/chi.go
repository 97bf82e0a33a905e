// Package chi guards github.com/go-chi/chi.
package chi

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Router returns the routes. Serve guard.Identify(router).
func Router(guard *auth.Guard, store *content.Store) *chi.Mux {
	router := chi.NewRouter()
	router.Use(middleware.GetHead)
	router.Route("/api", func(r chi.Router) {
		guard.Handle(r, "GET /pages/menus", "content/pages/read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusOK, store.Menus())
		}))
		r.With(guard.Middleware("content/{model}/create")).Post("/content/{model}", func(w http.ResponseWriter, r *http.Request) {
			reply(w, http.StatusCreated, store.Create(r.Context(), chi.URLParam(r, "model")))
		})
	})
	return router
}

// Routes returns all routes with their full paths: [auth.Guard.Routes] knows neither With nor the paths of sub-routers. A
// route that has no requirement is not guarded.
func Routes(router chi.Routes) (routes []auth.Route, unguarded []string, err error) {
	return routes, unguarded, chi.Walk(router, func(method, path string, h http.Handler, around ...func(http.Handler) http.Handler) error {
		var requires []auth.Route // of the outermost guard
		for i := 0; i < len(around) && requires == nil; i++ {
			requires = auth.Requirement(around[i](h))
		}
		if requires == nil {
			requires = auth.Requirement(h)
		}
		if requires == nil {
			unguarded = append(unguarded, method+" "+path)
		}
		for _, route := range requires {
			route.Pattern = method + " " + path
			routes = append(routes, route)
		}
		return nil
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
