// Package gql serves the content over GraphQL, at Cockpit's address /api/gql and with its fields.
//
//	query    content(model: "posts", limit: 10, filter: {title: "Hello"})
//	         contentTree(model: "menu")
//	         postsModel(limit: 10) { _id title }     one field for each collection and tree, a list
//	         settingsModel { siteName }              one for each singleton
//	mutation saveContentItem(model: "posts", data: {title: "Hello"}) { item error }
//	         deleteContentItem(model: "posts", id: "…") { success error }
//
// The schema is made of the models while the program runs: gqlgen reads, validates and bounds operations over any
// schema that it is handed, and this package runs them. When a model changes, the next operation sees it. A model or
// field whose name GraphQL does not take has no field of its own; content(model:) has it.
//
// Who is not let in at all is not answered, introspection included; whoever is, is told the names of all models and
// fields. What a field needs is asked for where it is resolved, by package access, for each model that it touches.
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

// A Config says what an endpoint is made of.
type Config struct {
	Guard   *auth.Guard
	Content *access.Content
	// LikeCockpit answers what is denied as Cockpit does: an empty list, or null, and no error, under the status 412
	// (403 for a mutation); an operation that is not valid has the status 200. Otherwise there are errors, under 403
	// (or 401) if all that was asked for is denied, or one field of a mutation.
	LikeCockpit bool
}

// Handler returns the endpoint. It goes behind the guard.
func Handler(c Config) http.Handler { return &endpoint{Config: c} }

type endpoint struct {
	Config
	built atomic.Pointer[built]
}

// A built is a server for the models of one moment.
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

// maxTokens of a document are some times what GraphiQL sends to learn the schema. Validation compares each field with
// all others of its name, so that ten times as many take a hundred times as long.
const maxTokens = 2000

// server returns the one for the models of the moment.
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
