// Federation is a subgraph of Apollo Federation 2 behind Latchkey. A subgraph that relies on the router for
// authorization is open to all clients that reach it directly. Here the directives that federation declares hold in
// the subgraph too, also for _entities, which a router uses to fetch objects.
//
//	go run ./examples/federation
//
// The schema is in graph/schema.graphqls. After a change to it, in this folder:
//
//	go run github.com/99designs/gqlgen generate
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/federation/graph"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	ctx := context.Background()
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	router, err := ring.IssueCustom(ctx, keys.Custom{Name: "The router", Role: "router"})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`listening on http://%[1]s
custom key %[2]s (role router; shown once)

Try it:
  curl -i http://%[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"{ product(id: \"p1\") { name } }"}'
  curl -i http://%[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"{ _service { sdl } }"}'
  curl -i http://%[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"{ _service { sdl } }"}' -H 'api-key: %[2]s'
`, *addr, router.Key.Reveal())
	server := &http.Server{
		Addr: *addr, Handler: subgraph(guard, &graph.Resolver{}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	log.Print(server.ListenAndServe())
}

var policy = roles.MustCompile(
	roles.Role{AppID: "router", Name: "Router", Permissions: roles.Grants{"shop/**": true, "app/schema/read": true}},
	roles.Role{AppID: "shopper", Name: "Shopper", Permissions: roles.Grants{"shop/products/read": true}},
	roles.Role{AppID: "analyst", Name: "Analyst", Permissions: roles.Grants{"shop/products/read": true, "shop/reports/read": true}},
)

// subgraph serves /graphql. A router's key may read _service, which returns the schema.
func subgraph(guard *auth.Guard, resolvers graph.ResolverRoot, options ...graphqlauth.Option) http.Handler {
	srv := handler.New(graph.NewExecutableSchema(graph.Config{
		Resolvers:  resolvers,
		Directives: graph.DirectiveRoot{Can: graphqlauth.Can, Public: graphqlauth.Cleared},
	}))
	srv.AddTransport(transport.POST{})
	options = append(options, graphqlauth.WithIntrospection(graphqlauth.Require("app/schema/read")))
	graphqlauth.Secure(srv)
	srv.Use(graphqlauth.New(guard, options...))
	srv.Use(extension.Introspection{}) // enables _service; the rule above says which callers may read it
	mux := http.NewServeMux()
	mux.Handle("/graphql", graphqlauth.Handler(guard, srv))
	return mux
}
