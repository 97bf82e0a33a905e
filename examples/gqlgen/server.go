package main

import (
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/gqlgen/graph"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

// config is the generated schema with its resolvers and the functions of its directives.
func config(resolvers graph.ResolverRoot) graph.Config {
	return graph.Config{
		Resolvers: resolvers,
		Directives: graph.DirectiveRoot{
			Can:            graphqlauth.Can,
			Authenticated:  graphqlauth.Cleared,
			RequiresScopes: graphqlauth.RequiresScopes,
			Public:         graphqlauth.Cleared,
		},
	}
}

// newServer returns the server of gqlgen's template, with websockets and server-sent events, the guard on every
// field, and limits on operations.
func newServer(guard *auth.Guard, c graph.Config) *handler.Server {
	srv := handler.New(graph.NewExecutableSchema(c))
	guarded := graphqlauth.New(guard, graphqlauth.WithIntrospection(graphqlauth.Require("app/schema/read")))

	srv.AddTransport(graphqlauth.Websocket{
		Extension: guarded,
		Websocket: transport.Websocket{KeepAlivePingInterval: 10 * time.Second},
	})
	srv.AddTransport(transport.SSE{})
	srv.AddTransport(transport.Options{})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))

	graphqlauth.Secure(srv)
	srv.Use(guarded)
	srv.Use(extension.Introspection{})
	srv.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](100)})
	return srv
}
