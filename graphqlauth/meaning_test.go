package graphqlauth_test

import (
	"context"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

// A hookedSchema has its hooks where gqlgen's generated code has them.
type hookedSchema struct {
	graphql.ExecutableSchema
	Directives struct {
		Staff, Public, Authenticated func(ctx context.Context, obj any, next graphql.Resolver) (any, error)
		Level                        func(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error)
		Lists                        func(ctx context.Context, obj any, next graphql.Resolver, _ [][]string) (any, error)
	}
}

const neutral = `
	directive @staff on SCHEMA|SCALAR|OBJECT|FIELD_DEFINITION|ARGUMENT_DEFINITION|INTERFACE|UNION|ENUM|ENUM_VALUE|INPUT_OBJECT|INPUT_FIELD_DEFINITION
	directive @level(n:String) on FIELD_DEFINITION directive @lists(of:[[String]]) on FIELD_DEFINITION `

// A directive with one of our hooks has a meaning, or the server does not start, wherever the directive stands.
func TestAHookWithoutAMeaningRefusesToStart(t *testing.T) {
	hasMeaning := graphqlauth.WithDirective("staff", func(*ast.Directive) (graphqlauth.Rule, error) { return graphqlauth.Require("a"), nil })
	for _, sdl := range []string{
		`type Query{a:String @staff}`, `type Query{a:A @public} type A @staff{b:ID}`, `type Query{a(x:ID @staff):ID @public}`,
		`type Query{a:I @public} interface I @staff{id:ID} type A implements I{id:ID}`, `type Query{a:U @public} type A{id:ID} union U @staff = A`,
		`type Query{a(x:In):ID @public} input In @staff{id:ID}`, `type Query{a(x:In):ID @public} input In{id:ID @staff}`,
		`type Query{a:S @public} scalar S @staff`, `type Query{a:E @public} enum E @staff{x}`, `type Query @staff{a:ID}`, `type Query{a:ID}`,
	} {
		es := &hookedSchema{ExecutableSchema: schemaOf(t, graphqlauth.SDL, neutral, sdl)}
		es.Directives.Public, es.Directives.Authenticated = graphqlauth.Cleared, graphqlauth.Cleared
		require.NoError(t, graphqlauth.New(&auth.Guard{}).Validate(es), "a directive with a hook of the host's own")
		es.Directives.Staff = graphqlauth.Cleared
		require.ErrorContains(t, graphqlauth.New(&auth.Guard{}).Validate(es), "@staff", sdl)
		require.ErrorContains(t, graphqlauth.New(&auth.Guard{}, graphqlauth.WithForeignDirective("staff")).Validate(es), "@staff", sdl)
		require.NoError(t, graphqlauth.New(&auth.Guard{}, hasMeaning).Validate(es), sdl)
		es.Directives.Staff, es.Directives.Level, es.Directives.Lists = nil, graphqlauth.Can, graphqlauth.RequiresScopes
		require.ErrorContains(t, graphqlauth.New(&auth.Guard{}).Validate(es), "@level")
		require.ErrorContains(t, graphqlauth.New(&auth.Guard{}).Validate(es), "@lists")
	}
}

// A hook of the host that calls ours is not seen at start. It denies where no directive with a meaning stands.
func TestAHookWithoutAMeaningDenies(t *testing.T) {
	s := newSite(t, siteOptions{bare: true})
	s.server.Use(graphqlauth.New(s.guard, graphqlauth.WithForeignDirective("hasRole"),
		graphqlauth.WithInsecureDefault()))
	for _, as := range []string{"stranger", "reader", "admin"} {
		r := s.ask(as, `{staff}`)
		require.Equal(t, []string{"FORBIDDEN Query.staff"}, r.codes(), as)
		require.Contains(t, r.body, "WithDirective")
		require.Zero(t, r.ran)
	}
	require.Empty(t, s.ask("admin", `{public known scoped secret{title} page{title} users{email} echo(admin:true) filter(by:{admin:true})}`).Errors)
}

// Each place at which gqlgen calls a hook: with a meaning it goes on, without one it denies.
func TestHooksDenyAtEachPlaceWithoutAMeaning(t *testing.T) {
	c := newCourt(t, `
		type Query @public {field:ID @needs(p:"a") object:A scalar:S enum:E union:U interface:I argument(x:ID @can(permission:"a")):ID
			input(x:In):ID deep(x:[Deep!]):ID type(x:Ruled):ID none(x:ID):ID foreign(x:Other):B}
		type A @needs(p:"a"){id:ID} scalar S @needs(p:"a") enum E @needs(p:"a"){x} union U = A|B type B{id:ID}
		interface I{id:ID} type C implements I @needs(p:"a"){id:ID}
		input In{x:ID @can(permission:"a")} input Deep{in:In} input Ruled @needs(p:"a"){x:ID} input Other{x:ID}`)
	for _, f := range c.schema.Query.Fields {
		ctx, oc := c.operation("a", `{__typename}`)
		require.Nil(t, c.e.MutateOperationContext(ctx, oc))
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: graphql.CollectedField{Field: &ast.Field{Name: f.Name}}})
		_, err := graphqlauth.Cleared(ctx, nil, func(context.Context) (any, error) { return nil, nil })
		if f.Name == "none" || f.Name == "foreign" || f.Name == "__schema" || f.Name == "__type" {
			require.ErrorContains(t, err, "WithDirective", f.Name)
		} else {
			require.NoError(t, err, f.Name)
		}
	}
	ctx, oc := c.operation("a", `{__typename}`)
	require.Nil(t, c.e.MutateOperationContext(ctx, oc))
	_, err := graphqlauth.Cleared(ctx, nil, func(context.Context) (any, error) { return nil, nil })
	require.ErrorContains(t, err, "WithDirective", "a directive of the client's, on the operation")
}

// A name that sounds like a rule needs a meaning, or a word that it is none.
func TestNamesThatSoundLikeRules(t *testing.T) {
	for _, name := range []string{"auth", "hasRole", "hasPermission", "isAuthenticated", "hasPermissions", "requireAuth", "guarded", "adminOnly", "private", "owner"} {
		text := `directive @` + name + ` on FIELD_DEFINITION|ENUM_VALUE|INPUT_FIELD_DEFINITION `
		for _, place := range []string{`type Query{a:ID @` + name + `}`, `type Query{a(x:In):ID @public} input In{x:ID @` + name + `}`, `type Query{a:E @public} enum E{x @` + name + `}`} {
			es := schemaOf(t, graphqlauth.SDL, text, place)
			require.ErrorContains(t, graphqlauth.New(&auth.Guard{}).Validate(es), "@"+name)
			findings := graphqlauth.Lint(es.Schema(), nil)
			require.Contains(t, codesOf(findings), "meaning @"+name)
			foreign := graphqlauth.WithForeignDirective(name)
			require.NoError(t, graphqlauth.New(&auth.Guard{}, foreign).Validate(es))
			require.NotContains(t, codesOf(graphqlauth.Lint(es.Schema(), nil, foreign)), "meaning @"+name)
		}
		require.NoError(t, graphqlauth.New(&auth.Guard{}).Validate(schemaOf(t, graphqlauth.SDL, text, `type Query{a:ID}`)), "it stands nowhere")
	}
	standard := schemaOf(t, graphqlauth.SDL, `directive @inaccessible on FIELD_DEFINITION scalar S @specifiedBy(url:"x") type Query{a:S @inaccessible @deprecated}`)
	require.NoError(t, graphqlauth.New(&auth.Guard{}).Validate(standard))
	require.ErrorContains(t, graphqlauth.New(&auth.Guard{}, graphqlauth.WithForeignDirective("ownr")).Validate(standard), "@ownr, which the schema does not declare")
}
