package graphqlauth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// The schema has
//
//	type Post @can(permission: "content/posts/read") { title: String  draft: String @can(permission: "content/drafts/read") }
//	type Query { posts: [Post!] @can(permission: "content/posts/read") }
func Example() {
	ctx := context.Background()
	policy := roles.MustCompile(
		roles.Role{AppID: "public", Permissions: roles.Grants{"content/posts/read": true}},
		roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true, "roles/editor": true}},
	)
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	editor, err := ring.IssueCustom(ctx, keys.Custom{Name: "Newsroom", Role: "editor"})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("public")})
	if err != nil {
		log.Fatal(err)
	}

	srv := handler.New(testschema.NewExecutableSchema(testschema.Config{
		Resolvers: &testschema.Root{},
		Directives: testschema.DirectiveRoot{ // what gqlgen generated for the directives in the schema
			Can:            graphqlauth.Can,
			Authenticated:  graphqlauth.Cleared,
			Public:         graphqlauth.Cleared,
			RequiresScopes: graphqlauth.RequiresScopes,
		},
	}))
	srv.AddTransport(transport.POST{})
	graphqlauth.Secure(srv)
	srv.Use(graphqlauth.New(guard, graphqlauth.WithDirective("hasRole", hasRole)))
	door := graphqlauth.Handler(guard, srv)

	ask := func(key, query string) {
		r := httptest.NewRequest("POST", "/graphql", strings.NewReader(`{"query":"`+query+`"}`))
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("api-key", key)
		}
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		fmt.Println(w.Code, http.StatusText(w.Code), strings.Count(w.Body.String(), "UNAUTHENTICATED"))
	}
	ask("", "{posts{title}}")
	ask("", "{posts{title draft}}") // draft is null, with an error
	ask("", "{content(model:\\\"pages\\\")}")
	ask(editor.Key.Reveal(), "{posts{title draft} content(model:\\\"pages\\\")}")
	// Output:
	// 200 OK 0
	// 200 OK 1
	// 401 Unauthorized 1
	// 200 OK 0
}
