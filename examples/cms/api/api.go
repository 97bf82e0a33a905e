// Package api serves the example CMS over HTTP, at Cockpit's addresses.
//
//	GET    /api/content/items/{model}       the published items
//	GET    /api/content/item/{model}        the first of them, or the singleton
//	GET    /api/content/item/{model}/{id}   one of them
//	POST   /api/content/item/{model}        {"data": {…}} creates an item, or with data._id updates it
//	DELETE /api/content/item/{model}/{id}   drops one
//	GET    /api/pages/menus                 the navigation
//
// Each needs content/{model}/read, create, update or delete; no verb implies another. A _state is only taken from who
// holds content/{model}/publish, and silently dropped from others. Permission is asked first: who may not read a model
// is not told whether there is one.
package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Register puts the addresses into mux, behind guard.
func Register(mux auth.Mux, guard *auth.Guard, store *content.Store) {
	a := api{guard, store}
	read, remove := content.Permission("{model}", content.Read), content.Permission("{model}", content.Delete)
	guard.Handle(mux, "GET /api/content/items/{model}", read, a.of(a.list))
	guard.Handle(mux, "GET /api/content/item/{model}", read, a.of(a.first))
	guard.Handle(mux, "GET /api/content/item/{model}/{id}", read, a.of(a.show))
	guard.Handle(mux, "DELETE /api/content/item/{model}/{id}", remove, a.of(a.remove))
	// Which one it is stands in the body, and a stranger's body is not read: save asks again, for that one.
	mux.Handle("POST /api/content/item/{model}", guard.RequireAny([]string{
		content.Permission("{model}", content.Create), content.Permission("{model}", content.Update)}, a.of(a.save)))
	mux.Handle("GET /api/pages/menus", guard.RequireAny([]string{
		content.Permission(menuModels[0], content.Read), content.Permission(menuModels[1], content.Read)}, http.HandlerFunc(a.menus)))
}

type api struct {
	guard *auth.Guard
	store *content.Store
}

// of looks up the {model} for a handler that serves one.
func (a api) of(serve func(http.ResponseWriter, *http.Request, content.Model)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		model, err := a.store.Model(r.Context(), r.PathValue("model"))
		if errors.Is(err, content.ErrNotFound) {
			complain(w, http.StatusNotFound, fmt.Sprintf("Model <%s> not found", r.PathValue("model")))
			return
		}
		if err != nil {
			a.guard.Refuse(w, r, err)
			return
		}
		serve(w, r, model)
	})
}

// fail answers what went wrong. What is not the caller's mistake is a store in trouble, which Refuse answers with 503.
func (a api) fail(w http.ResponseWriter, r *http.Request, err error) {
	var parameter *content.ParameterError
	switch {
	case errors.Is(err, content.ErrNotFound):
		complain(w, http.StatusNotFound, "Not found")
	case errors.As(err, &parameter):
		complain(w, http.StatusBadRequest, parameter.Error())
	case errors.Is(err, content.ErrState):
		complain(w, http.StatusBadRequest, "<_state> is not 1, 0 or -1")
	case errors.Is(err, content.ErrConflict):
		complain(w, http.StatusConflict, "Somebody else changes this item")
	default:
		a.guard.Refuse(w, r, err)
	}
}

func complain(w http.ResponseWriter, status int, text string) {
	reply(w, status, map[string]string{"error": text})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
