// Package gql serves the content over GraphQL, at Cockpit's address /api/gql and with its fields.
//
//	query    content(model: "posts", limit: 10, filter: {title: "Hello"})
//	         contentTree(model: "menu")
//	         postsModel(limit: 10) { _id title }     one field for each collection and tree, a list
//	         settingsModel { siteName }              one for each singleton
//	mutation saveContentItem(model: "posts", data: {title: "Hello"}) { item error }
//	         deleteContentItem(model: "posts", id: "…") { success error }
//
// The schema is made from the models at run time: gqlgen parses, validates and bounds operations over any schema, and
// this package runs them. After a change of a model the next operation uses the new schema. A model or field whose
// name is not valid in GraphQL has no field; use content(model:) for it.
//
// Callers who are not let in get no answer, introspection included; those who are let in may learn the names of all
// models and fields. Package access checks permissions where a field is resolved, for each model it reads.
package gql

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql/handler"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/access"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

// A Config configures an endpoint.
type Config struct {
	Guard   *auth.Guard
	Content *access.Content
	// LikeCockpit answers a denied field as Cockpit does: an empty list, or null, without an error, under the status
	// 412 (403 for a mutation); an operation that is not valid has the status 200. Otherwise there are errors, under
	// 403 (or 401) if every field is denied, or one field of a mutation.
	LikeCockpit bool
}

// Handler returns the endpoint. It belongs behind the guard.
func Handler(c Config) http.Handler { return &endpoint{Config: c} }

type endpoint struct {
	Config
	built atomic.Pointer[built]
}

// A built is a server for one version of the models.
type built struct {
	version content.Version
	server  *handler.Server
}

// ServeHTTP answers one operation.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	server, err := e.server(r.Context())
	if err != nil {
		e.Guard.Refuse(w, r, err)
		return
	}
	server.ServeHTTP(w, r)
}

// maxTokens is a few times the size of GraphiQL's introspection query. Validation compares each field with all others
// of its name, so ten times as many tokens take a hundred times as long.
const maxTokens = 2000

// server returns the server for the current models.
func (e *endpoint) server(ctx context.Context) (*handler.Server, error) {
	old := e.built.Load()
	if old == nil {
		old = &built{}
	}
	version, models, err := e.Content.Version(ctx, old.version)
	if err != nil || version == old.version {
		return old.server, err
	}
	schema, err := schemaOf(models)
	if err != nil {
		return nil, err
	}
	server := handler.New(&executable{endpoint: e, schema: schema})
	server.AddTransport(transport{e})
	graphqlauth.Secure(server)
	server.SetParserTokenLimit(maxTokens)
	e.built.Store(&built{version, server})
	return server, nil
}
