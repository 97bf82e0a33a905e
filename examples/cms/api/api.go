// Package api serves the example CMS over HTTP, at Cockpit's addresses.
//
//	GET    /api/content/items/{model}       the published items
//	GET    /api/content/items?models={…}    those of several models
//	GET    /api/content/item/{model}        the first of them, or the singleton
//	GET    /api/content/item/{model}/{id}   one of them
//	GET    /api/content/tree/{model}        a tree, each item with its _children
//	GET    /api/content/aggregate/{model}   what ?pipeline=[…] makes of them
//	POST   /api/content/item/{model}        {"data": {…}} creates an item, or with data._id updates it
//	DELETE /api/content/item/{model}/{id}   drops one
//	GET, POST /api/gql                      GraphQL; see package gql
//	GET    /api/pages/menus                 the navigation
//	GET    /api/system/healthcheck          whether the database answers; needs no key
//
// Package access says which permission each needs. There are two dialects. In the library's own, permission is
// checked first: a caller who may not read a model is not told whether it exists. In [Cockpit]'s, answers are those
// of a real Cockpit, in its order. The same callers are let in.
package api

import (
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/access"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/gql"
)

// A muxer is where routes are registered: *[http.ServeMux] is one.
type muxer interface {
	Handle(pattern string, handler http.Handler)
}

// Register adds the addresses to mux, behind guard.
func Register(mux muxer, guard *auth.Guard, store *content.Store, dialect Dialect) {
	a := api{guard, access.New(store), dialect}
	read := []string{content.Permission("{model}", content.Read)}
	a.handle(mux, "GET /api/content/items/{model}", read, a.list)
	a.handle(mux, "GET /api/content/item/{model}", read, a.first)
	a.handle(mux, "GET /api/content/item/{model}/{id}", read, a.show)
	a.handle(mux, "GET /api/content/tree/{model}", read, a.tree)
	a.handle(mux, "GET /api/content/aggregate/{model}", read, a.aggregate)
	a.handle(mux, "DELETE /api/content/item/{model}/{id}", []string{content.Permission("{model}", content.Delete)}, a.remove)
	// The body says which model it is; saving asks again, for that model.
	a.handle(mux, "POST /api/content/item/{model}", []string{
		content.Permission("{model}", content.Create), content.Permission("{model}", content.Update)}, a.save)
	// Open, but not to anonymous callers while the public API is closed. The permission of each model is asked for
	// later.
	guard.HandleOpen(mux, "GET /api/content/items", guard.Handler(a.answer(a.several)))
	guard.HandleAny(mux, "GET /api/pages/menus", []string{
		content.Permission(menuModels[0], content.Read), content.Permission(menuModels[1], content.Read)}, a.answer(a.menus))
	guard.HandleOpen(mux, "GET /api/system/healthcheck", http.HandlerFunc(a.health))
	graphql := guard.Handler(gql.Handler(gql.Config{Guard: guard, Content: a.content, LikeCockpit: dialect.quietGraphQL}))
	guard.HandleOpen(mux, "GET /api/gql", graphql)
	guard.HandleOpen(mux, "POST /api/gql", graphql)
	if dialect.bareNotFound {
		mux.Handle("/api", guard.Handler(http.HandlerFunc(bareNotFound)))
		mux.Handle("/api/", guard.Handler(http.HandlerFunc(bareNotFound)))
	}
}

type api struct {
	guard   *auth.Guard
	content *access.Content
	dialect Dialect
}

// handle registers a route that has a {model}. The model is looked up after the gate, or before it in the dialect
// that tells callers without permission whether a model exists.
func (a api) handle(mux muxer, pattern string, permissions []string, serve func(http.ResponseWriter, *http.Request, subject) (any, error)) {
	h := a.answer(func(w http.ResponseWriter, r *http.Request) (any, error) { return serve(w, r, subjectOf(r)) })
	if a.dialect.findsFirst {
		mux = around{mux, func(gate http.Handler) http.Handler { return a.guard.Handler(a.find(gate)) }}
	} else {
		h = a.find(h)
	}
	a.guard.HandleAny(mux, pattern, permissions, h)
}

// around is a mux that wraps each handler, here in the gate of a guard.
type around struct {
	muxer
	wrap func(http.Handler) http.Handler
}

func (m around) Handle(pattern string, h http.Handler) { m.muxer.Handle(pattern, m.wrap(h)) }
