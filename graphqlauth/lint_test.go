package graphqlauth_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/roles"
)

func testCatalog(t *testing.T) *roles.Catalog {
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/posts/read", Label: "Read posts", Effect: roles.EffectRead},
		{Permission: "content/pages/read", Label: "Read pages", Effect: roles.EffectRead},
	}})
	require.NoError(t, err)
	return catalog
}

// Each file in testdata/lint shows one kind of finding, and what is left alone beside it.
func TestLint(t *testing.T) {
	for _, c := range []struct {
		code    string
		catalog bool
		opts    []graphqlauth.Option
	}{
		{code: "default"}, {code: "hidden"}, {code: "null"}, {code: "unknown", catalog: true}, {code: "client"},
		{code: "sdl"}, {code: "public"}, {code: "map"}, {code: "federation"}, {code: "mistake"},
		{code: "interface", opts: []graphqlauth.Option{graphqlauth.WithDirective("hasRole", hasRole)}},
	} {
		t.Run(c.code, func(t *testing.T) {
			file := filepath.Join("testdata", "lint", c.code)
			sdl, err := os.ReadFile(file + ".graphqls")
			require.NoError(t, err)
			texts := []string{string(sdl)}
			if !strings.Contains(texts[0], "directive @can") {
				texts = append(texts, graphqlauth.SDL)
			}
			var catalog *roles.Catalog
			if c.catalog {
				catalog = testCatalog(t)
			}
			schema := schemaOf(t, texts...).Schema()
			findings := graphqlauth.Lint(schema, catalog, c.opts...)
			code := c.code
			if code == "mistake" {
				code = "template"
			}
			require.True(t, slices.ContainsFunc(findings, func(f graphqlauth.Finding) bool { return f.Code == code }))
			golden(t, file+".golden", findings)

			refused := graphqlauth.New(&auth.Guard{}, c.opts...).Validate(schemaOf(t, texts...)) != nil
			require.Equal(t, refused, slices.ContainsFunc(findings, func(f graphqlauth.Finding) bool { return f.Mistake }))
		})
	}
}

func codesOf(findings []graphqlauth.Finding) (all []string) {
	for _, f := range findings {
		all = append(all, f.Code+" "+f.Coordinate)
	}
	return all
}

// What the options say changes what is found.
func TestLintFollowsTheOptions(t *testing.T) {
	schema := schemaOf(t, graphqlauth.SDL, `type Query{a:String! @authenticated b:String} type Mutation{c:String! @authenticated}`).Schema()
	require.Equal(t, []string{"null Query.a", "default Query.b"}, codesOf(graphqlauth.Lint(schema, nil)))
	require.Equal(t, []string{"default Query.b"}, codesOf(graphqlauth.Lint(schema, nil, graphqlauth.WithMode(graphqlauth.ModeReject))))
	require.Equal(t, []string{"null Mutation.c", "null Query.a", "default Query.b"},
		codesOf(graphqlauth.Lint(schema, nil, graphqlauth.WithMode(graphqlauth.ModePartial))))
	open := graphqlauth.Lint(schema, nil, graphqlauth.WithInsecureDefault())
	require.Contains(t, open[1].Text, "any caller may ask")

	introspection := graphqlauth.WithIntrospection(graphqlauth.Require("schema/raed"))
	require.Contains(t, codesOf(graphqlauth.Lint(schema, testCatalog(t), introspection)), "unknown Query.__schema")

	// A name with one underscore is the host's.
	one := schemaOf(t, graphqlauth.SDL, `type Query{a:U @public} union U = _ type _ @can(permission:"a"){b:String}`).Schema()
	require.Equal(t, []string{"hidden _"}, codesOf(graphqlauth.Lint(one, nil)))

	// A directive @key alone does not make a subgraph.
	keyed := schemaOf(t, graphqlauth.SDL, `directive @key on OBJECT type Query @key{a:String @authenticated}`).Schema()
	require.Empty(t, graphqlauth.Lint(keyed, nil))

	// Directives of the host's own, with names of ours, and none of our SDL.
	own := schemaOf(t, `directive @public on FIELD_DEFINITION directive @can(do:String) on FIELD_DEFINITION type Query{a:String @public @can(do:"x")}`).Schema()
	mine := func(*ast.Directive) (graphqlauth.Rule, error) { return graphqlauth.RequireKey(), nil }
	require.Empty(t, graphqlauth.Lint(own, nil, graphqlauth.WithDirective("public", mine), graphqlauth.WithDirective("can", mine)))
}

// A guarded type behind an interface loses the whole object with a non-null field that the interface declares.
func TestLintNullsBehindAnInterface(t *testing.T) {
	nulls := func(sdl string) (all []string) {
		for _, f := range graphqlauth.Lint(schemaOf(t, graphqlauth.SDL, sdl).Schema(), nil) {
			if f.Code == "null" {
				all = append(all, f.Coordinate)
			}
		}
		return all
	}
	const types = ` interface Node { id: ID! name: String } type A implements Node @can(permission:"a") { id: ID! name: String own: ID! } type B implements Node { id: ID! name: String }`
	require.Equal(t, []string{"A.id"}, nulls(`type Query { nodes: [Node] @public }`+types))
	require.Empty(t, nulls(`type Query { a: A @public node: B @public }`+types), "the field that returns it is denied, and null")
}
