// Package nethttp guards the router of the standard library.
package nethttp

import (
	"encoding/json"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Router returns the routes. Serve guard.Identify(router).
func Router(guard *auth.Guard, store *content.Store) *http.ServeMux {
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/pages/menus", "content/pages/read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, store.Menus())
	}))
	guard.Handle(mux, "POST /api/content/{model}", "content/{model}/create", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusCreated, store.Create(r.Context(), r.PathValue("model")))
	}))
	return mux
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
