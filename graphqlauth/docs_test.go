package graphqlauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// The lines of the package doc, as they stand there.
func ExampleHandler() {
	ring := keys.NewRing(keys.NewMemoryStore())
	guard, err := auth.New(auth.Config{Keys: ring, Roles: roles.MustCompile(testRoles...)})
	if err != nil {
		fmt.Println(err)
		return
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphqlauth.SDL}, &ast.Source{Input: `type Query{public:String @public posts:String}`})
	srv := handler.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: []byte(`{"public":"x"}`)})
		},
	})
	srv.AddTransport(transport.POST{})

	http := http.NewServeMux() // for the sake of -count=2
	graphqlauth.Secure(srv)
	srv.Use(graphqlauth.New(guard))
	http.Handle("/graphql", graphqlauth.Handler(guard, srv))

	for _, query := range []string{`{"query": "{public}"}`, `{"query": "{posts}"}`} {
		r := httptest.NewRequest("POST", "/graphql", strings.NewReader(query))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		http.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Vary"))
	}
	// Output:
	// 200 Api-Key, Authorization
	// 401 Api-Key, Authorization
}

// What the package doc shows as code is code that runs, in ExampleHandler.
func TestThePackageDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	ran, err := os.ReadFile("docs_test.go")
	require.NoError(t, err)
	shown := 0
	for line := range strings.Lines(string(doc)) {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			require.Contains(t, string(ran), "\n\t"+code)
			shown++
		}
	}
	require.NotZero(t, shown)
}
