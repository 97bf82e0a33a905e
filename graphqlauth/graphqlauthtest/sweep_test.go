package graphqlauthtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/graphqlauthtest"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// recorder is a testing.TB that takes failures down instead of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Helper()             {}
func (r *recorder) Logf(string, ...any) {}

// about are the failures of one coordinate.
func (r *recorder) about(coordinate string) string {
	i := slices.IndexFunc(r.failures, func(f string) bool { return strings.HasPrefix(f, "graphqlauthtest: "+coordinate+": ") })
	if i < 0 {
		return ""
	}
	return r.failures[i]
}

var hooked = testschema.DirectiveRoot{
	Can: graphqlauth.Can, Authenticated: graphqlauth.Cleared, Public: graphqlauth.Cleared, RequiresScopes: graphqlauth.RequiresScopes,
	HasRole: func(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) {
		return graphqlauth.Cleared(ctx, obj, next)
	},
	Own: pass,
}

// skipped are directives as skip_runtime leaves them: no hook.
var skipped = testschema.DirectiveRoot{
	Can:     func(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) { return next(ctx) },
	HasRole: func(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) { return next(ctx) },
	RequiresScopes: func(ctx context.Context, obj any, next graphql.Resolver, _ [][]string) (any, error) {
		return next(ctx)
	},
	Authenticated: pass, Public: pass, Own: pass,
}

func pass(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }

var withHasRole = graphqlauth.WithDirective("hasRole", func(d *ast.Directive) (graphqlauth.Rule, error) {
	return graphqlauth.Require("roles/" + d.Arguments.ForName("role").Value.Raw), nil
})

var policy = roles.MustCompile(roles.Role{AppID: "public", Permissions: roles.Grants{"content/posts/read": true, "admin/filter": true}})

// server serves the schema of graphqlauth's tests, with or without the extension.
func server(t testing.TB, directives testschema.DirectiveRoot, anonymous auth.Anonymous, extension bool, opts ...graphqlauth.Option) (http.Handler, *ast.Schema) {
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { _ = ring.Close(context.Background()) })
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: anonymous})
	require.NoError(t, err)
	return serverOf(guard, directives, extension, opts...)
}

func serverOf(guard *auth.Guard, directives testschema.DirectiveRoot, extension bool, opts ...graphqlauth.Option) (http.Handler, *ast.Schema) {
	es := testschema.NewExecutableSchema(testschema.Config{Resolvers: &testschema.Root{}, Directives: directives})
	srv := handler.New(es)
	srv.AddTransport(transport.POST{})
	if extension {
		srv.Use(graphqlauth.New(guard, opts...))
		graphqlauth.Secure(srv)
	}
	return graphqlauth.Handler(guard, srv), es.Schema()
}

func TestSweep(t *testing.T) {
	for name, directives := range map[string]testschema.DirectiveRoot{"hooks": hooked, "skip_runtime": skipped} {
		t.Run(name, func(t *testing.T) {
			srv, schema := server(t, directives, nil, true, withHasRole)
			graphqlauthtest.Sweep(t, srv, graphqlauthtest.Config{Schema: schema, Options: []graphqlauth.Option{withHasRole}})
		})
	}
	t.Run("the guard has a profile", func(t *testing.T) {
		ring := keys.NewRing(keys.NewMemoryStore())
		t.Cleanup(func() { _ = ring.Close(context.Background()) })
		guard, err := auth.New(cockpit.Configure(auth.Config{Keys: ring, Roles: policy}))
		require.NoError(t, err)
		srv, schema := serverOf(guard, hooked, true, withHasRole)
		c := graphqlauthtest.Config{Schema: schema, Options: []graphqlauth.Option{withHasRole}, Guard: guard}
		graphqlauthtest.Sweep(t, srv, c)

		other, _ := server(t, hooked, nil, true, withHasRole)
		var r recorder
		graphqlauthtest.Sweep(&r, other, c)
		require.Equal(t, []string{"graphqlauthtest: a bad key is answered with 401: graphqlauth.Handler is not in place"}, r.failures)
	})
	t.Run("the public API is open", func(t *testing.T) {
		srv, schema := server(t, hooked, publicapi.Fixed("public"), true, withHasRole)
		c := graphqlauthtest.Config{Schema: schema, Options: []graphqlauth.Option{withHasRole}}
		c.Policy, c.Public = policy, "public"
		graphqlauthtest.Sweep(t, srv, c)

		c.Public = ""
		var r recorder
		graphqlauthtest.Sweep(&r, srv, c)
		require.Contains(t, r.about("Query.posts"), "ANSWERED")
		require.Contains(t, r.about("Filter.admin"), "ANSWERED")
		require.Empty(t, r.about("Query.secret"))
	})
	for name, opts := range map[string][]graphqlauth.Option{
		"introspection for all": {withHasRole, graphqlauth.WithIntrospection(graphqlauth.Anyone())},
		"the default is open":   {withHasRole, graphqlauth.WithInsecureDefault()},
		"queries are rejected":  {withHasRole, graphqlauth.WithMode(graphqlauth.ModeReject)},
		"all is partial":        {withHasRole, graphqlauth.WithMode(graphqlauth.ModePartial)},
	} {
		t.Run(name, func(t *testing.T) {
			srv, schema := server(t, hooked, nil, true, opts...)
			graphqlauthtest.Sweep(t, srv, graphqlauthtest.Config{Schema: schema, Options: opts})
		})
	}
}

// A root type that a field returns is still asked for from the root: a mutation is sent as one.
func TestSweepAsksRootOperationsFromTheRoot(t *testing.T) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: graphqlauth.SDL}, &ast.Source{Input: `
		type Query { viewer: Query @public mutate: Mutation @public it: String @authenticated } type Mutation { save: String query: Query }`})
	require.NoError(t, err)
	var asked []string
	srv := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Query string }
		require.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
		asked = append(asked, sent.Query)
	})
	graphqlauthtest.Sweep(&recorder{}, srv, graphqlauthtest.Config{Schema: schema})
	for _, query := range []string{`mutation { save }`, `query { it }`, `mutation { query { __typename } }`} {
		require.Contains(t, asked, query)
	}
}

func TestSweepFindsWhatIsForgotten(t *testing.T) {
	opts := []graphqlauth.Option{withHasRole}
	sweep := func(srv http.Handler, schema *ast.Schema) *recorder {
		var r recorder
		graphqlauthtest.Sweep(&r, srv, graphqlauthtest.Config{Schema: schema, Options: opts})
		return &r
	}
	t.Run("the extension, with skip_runtime", func(t *testing.T) {
		r := sweep(server(t, skipped, nil, false))
		for _, coordinate := range []string{
			"Query.posts", "Post.draft", "Secret.title", "Page.title", "Mutation.save", "Mutation.drop", "Subscription.ticks",
			"Query.echo(admin:)", "Filter.admin", "Defaulted.admin", "User.email", "Query.mine", "Query.staff", "Query.content",
		} {
			require.Contains(t, r.about(coordinate), "ANSWERED", coordinate)
		}
	})
	t.Run("the extension, with hooks", func(t *testing.T) {
		r := sweep(server(t, hooked, nil, false))
		require.Contains(t, r.about("Query.mine"), "ANSWERED", "it has no directive, so no hook")
		require.Contains(t, r.about("Secret.title"), "is refused, and not by the extension", "our hook of @public refused the way to it")

		// What gqlgen calls no hook for is answered, and what it calls one for is not refused as it should be.
		own := hooked
		own.Public = pass
		r = sweep(server(t, own, nil, false))
		for _, coordinate := range []string{"Secret.title", "Post.title", "Page.title", "Mutation.save", "Query.mine"} {
			require.Contains(t, r.about(coordinate), "ANSWERED", coordinate)
		}
		for _, coordinate := range []string{"Query.posts", "User.email", "Query.echo(admin:)", "Mutation.drop"} {
			require.Contains(t, r.about(coordinate), "is refused, and not by the extension", coordinate)
		}
	})
	t.Run("an option", func(t *testing.T) {
		r := sweep(server(t, skipped, nil, true, withHasRole, graphqlauth.WithInsecureDefault()))
		require.Len(t, r.failures, 1)
		require.Contains(t, r.about("Query.mine"), "ANSWERED")
	})
	t.Run("the handler", func(t *testing.T) {
		es := testschema.NewExecutableSchema(testschema.Config{Resolvers: &testschema.Root{}, Directives: hooked})
		srv := handler.New(es)
		srv.AddTransport(transport.POST{})
		guard, err := auth.New(auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: policy})
		require.NoError(t, err)
		srv.Use(graphqlauth.New(guard, opts...))
		r := sweep(srv, es.Schema())
		require.Len(t, r.failures, 1)
		require.Contains(t, r.failures[0], "a bad key is answered with 200")
	})
}

const odd = `
	directive @oneOf on INPUT_OBJECT
	scalar Time scalar Odd
	enum Size {small large}
	type Query @public {
		thing(id: ID!, at: Time!, size: Size!, odd: Odd!, n: Int!, f: Float!, b: Boolean!, list: [[ID!]!]!): String @authenticated
		write(in: Outer!): [Thing!]
		choose(one: One!): Thing
		model(model: String): String @can(permission: "content/{model}/read")
		deep: Nest
	}
	interface Base {id: ID}
	interface Nest implements Base {id: ID}
	type Bottom implements Base & Nest {id: ID thing(must: [[Inner!]!]!): Thing}
	type Thing {secret: String @authenticated open: String}
	input Outer {must: Inner! free: String list: [[Inner]]}
	input Inner {text: String! secret: Boolean @can(permission: "a/b") again: Outer}
	input One @oneOf {inner: Inner text: String secret: ID @can(permission: "a/b")}
	type Nowhere {secret: String @authenticated}
`

// A server that finds nothing leaves open what only an object decides; what the operation decides is proved.
func TestSweepNeedsSomethingToRefuse(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphqlauth.SDL}, &ast.Source{Input: odd})
	guard, err := auth.New(auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: policy})
	require.NoError(t, err)
	answer := `{"thing": null}`
	srv := handler.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: json.RawMessage(answer)})
		},
	})
	srv.AddTransport(transport.POST{})
	srv.Use(graphqlauth.New(guard))
	var asked []string
	door := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Query string }
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(body, &sent))
		asked = append(asked, sent.Query)
		r.Body = io.NopCloser(bytes.NewReader(body))
		graphqlauth.Handler(guard, srv).ServeHTTP(w, r)
	})

	var r recorder
	graphqlauthtest.Sweep(&r, door, graphqlauthtest.Config{Schema: schema})
	require.Len(t, r.failures, 1, "only Thing.secret depends on an object")
	require.Contains(t, r.about("Thing.secret"), "is not proved")
	require.Equal(t, []string{
		`query { write(in: {must: {text: "x", secret: true}}) { __typename } }`, // Inner.secret
		`query { write(in: {must: {text: "x", secret: true}}) { __typename } }`, // the same with a bad key, or without
		`query { choose(one: {secret: "1"}) { __typename } }`,
		`query { __schema { __typename } }`,
		`query { __type(name: "x") { __typename } }`,
		`query { model(model: "x") }`,
		`query { thing(id: "1", at: "2001-02-03T04:05:06Z", size: small, odd: "x", n: 1, f: 1.5, b: true, list: [["1"]]) }`,
		`query { write(in: {must: {text: "x"}}) { secret } }`,
	}, asked)

	answer = `{"write": [{"secret": null}, {"secret": "told"}]}`
	r = recorder{}
	graphqlauthtest.Sweep(&r, door, graphqlauthtest.Config{Schema: schema})
	require.Contains(t, r.about("Thing.secret"), "ANSWERED")

	r = recorder{}
	graphqlauthtest.Sweep(&r, door, graphqlauthtest.Config{Schema: schema, Skip: []string{"Thing.secret"}})
	require.Empty(t, r.failures)
	graphqlauthtest.Sweep(&r, door, graphqlauthtest.Config{Schema: schema, Skip: []string{"Thing.secret", "Thing.gone"}})
	require.Len(t, r.failures, 1)
	require.Contains(t, r.failures[0], "Thing.gone is to be skipped")

	asked, answer = nil, `{"write": []}`
	graphqlauthtest.Sweep(&recorder{}, door, graphqlauthtest.Config{Schema: schema, Values: map[string][]string{
		"Inner.text": {`"mine"`, `"yours"`}, "Outer.free": {`"also"`}, "Query.model(model:)": {`"pages"`},
	}})
	require.Contains(t, asked, `query { write(in: {must: {text: "mine"}, free: "also"}) { secret } }`)
	require.Contains(t, asked, `query { write(in: {must: {text: "yours"}, free: "also"}) { secret } }`, "the first was not proved")
	require.Contains(t, asked, `query { model(model: "pages") }`)
}

func TestSweepThatProvesNothing(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphqlauth.SDL}, &ast.Source{Input: `type Query{a: String @public}`})
	opts := []graphqlauth.Option{graphqlauth.WithIntrospection(graphqlauth.Anyone())}
	var r recorder
	graphqlauthtest.Sweep(&r, http.NotFoundHandler(), graphqlauthtest.Config{Schema: schema, Options: opts})
	require.Equal(t, []string{"graphqlauthtest: nothing is guarded, so a sweep proves nothing"}, r.failures)
	r = recorder{}
	graphqlauthtest.Sweep(&r, http.NotFoundHandler(), graphqlauthtest.Config{Schema: schema})
	require.Contains(t, r.about("Query.__schema"), "is not answered as GraphQL is")
}

func ExampleSweep() {
	t := &testing.T{} // the test's own
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphqlauth.SDL}, &ast.Source{Input: `
		type Query {
			posts: String @can(permission: "content/posts/read")
			health: String @public
		}`})
	guard, _ := auth.New(auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: policy})
	srv := handler.New(&graphql.ExecutableSchemaMock{SchemaFunc: func() *ast.Schema { return schema }})
	srv.AddTransport(transport.POST{})
	srv.Use(graphqlauth.New(guard))
	door := graphqlauth.Handler(guard, srv)

	graphqlauthtest.Sweep(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := httptest.NewRecorder()
		door.ServeHTTP(seen, r)
		fmt.Println("key:", r.Header.Get("Api-Key") != "", "status:", seen.Code)
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes())
	}), graphqlauthtest.Config{Schema: schema})
	fmt.Println("failed:", t.Failed())
	// Output:
	// key: true status: 401
	// key: false status: 401
	// key: false status: 401
	// key: false status: 401
	// failed: false
}
