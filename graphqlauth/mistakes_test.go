package graphqlauth_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

func schemaOf(t testing.TB, sdl ...string) graphql.ExecutableSchema {
	t.Helper()
	var sources []*ast.Source
	for _, text := range sdl {
		sources = append(sources, &ast.Source{Input: text})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	require.NoError(t, err)
	return &graphql.ExecutableSchemaMock{SchemaFunc: func() *ast.Schema { return schema }}
}

const elsewhere = `directive @hasRole(role: String) repeatable on OBJECT|FIELD_DEFINITION|INTERFACE|ENUM_VALUE|SCHEMA|UNION|SCALAR|ENUM|INPUT_OBJECT`

func TestMistakesRefuseToStart(t *testing.T) {
	odd := graphqlauth.WithDirective("hasRole", func(d *ast.Directive) (graphqlauth.Rule, error) {
		if d.Arguments.ForName("role") == nil {
			return graphqlauth.Rule{}, errors.New("no role")
		}
		return graphqlauth.Require(d.Arguments.ForName("role").Value.Raw), nil
	})
	for _, c := range []struct {
		name, sdl string
		want      []string // parts of the error, all of them
	}{
		{"none", `type Query{a:String @can(permission:"a/b")}`, nil},
		{"interfaces of interfaces", `type Query{a:I0 @public} interface I0{id:ID} interface I1 implements I0{id:ID} type T implements I0&I1{id:ID @can(permission:"a")}`, nil},
		{"malformed permission", `type Query{a:String @can(permission:"a b") b:String @can(permission:"")}`,
			[]string{`Query.a: @can: "a b" is no permission`, `Query.b: @can: "" is no permission`}},
		{"a pattern", `type Query{a:String @can(permission:"a/**")}`, []string{"Query.a"}},
		{"template without the argument", `type Query{a(x:String):String @can(permission:"a/{y}")}`,
			[]string{`Query.a: "a/{y}" takes {y} from an argument that is not there`}},
		{"template from a number", `type Query{a(x:Int):String @can(permission:"a/{x}")}`, []string{"no String, ID or enum"}},
		{"template from a list", `type Query{a(x:[String!]):String @can(permission:"a/{x}")}`, []string{"no String, ID or enum"}},
		{"template without its end", `type Query{a(x:String):String @can(permission:"a/{x")}`, []string{`Query.a: @can: "{x" is no {argument}`}},
		{"half a template", `type Query{a(x:String):String @can(permission:"a/b{x}")}`, []string{"is no permission"}},
		{"template on a type", `type Query{a(x:String):A @public} type A @can(permission:"a/{x}"){b:String}`, []string{"A: "}},
		{"template on an argument", `type Query{a(x:String, y:Int @can(permission:"a/{x}")):String @public}`, nil},
		{"template on an interface's field", `type Query{a:I @public} interface I{f(x:ID):String @can(permission:"a/{x}")} type A implements I{f(x:ID):String}`, nil},
		{"template on an input field", `type Query{a(x:In):String @public} input In{f:String @can(permission:"a/{f}")}`, []string{"In.f"}},
		{"empty scopes", `type Query{a:String @requiresScopes(scopes:[]) b:String @requiresScopes(scopes:[["a"],[]])}`, []string{"Query.a", "Query.b"}},
		{"scopes of another system", `type Query{a:String @requiresScopes(scopes:[["a b"]])}`, nil},
		{"host's own error", `type Query{a:String @hasRole}`, []string{"Query.a: @hasRole: no role"}},
		{"host's own permission", `type Query{a:String @hasRole(role:"a b")}`, []string{"Query.a: @hasRole"}},
		{"a rule on an enum's value", `type Query{a:E @public} enum E{A @hasRole(role:"x")}`, []string{"E.A: @hasRole guards nothing here"}},
		{"a rule on the schema", `schema @hasRole(role:"x"){query:Query} type Query{a:String @public}`, []string{"guards nothing here"}},
		{"a policy", `directive @policy(policies:[[String!]!]!) on FIELD_DEFINITION type Query{a:String @policy(policies:[["p"]])}`,
			[]string{"Query.a: @policy: nothing enforces it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := graphqlauth.New(&auth.Guard{}, odd).Validate(schemaOf(t, graphqlauth.SDL, elsewhere, c.sdl))
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			for _, part := range c.want {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

func TestMoreMistakes(t *testing.T) {
	plain := schemaOf(t, graphqlauth.SDL, `type Query{a:String}`)
	require.ErrorContains(t, graphqlauth.New(nil).Validate(plain), "no guard")
	unknown := graphqlauth.WithDirective("hasRoll", func(*ast.Directive) (graphqlauth.Rule, error) { return graphqlauth.Anyone(), nil })
	require.ErrorContains(t, graphqlauth.New(&auth.Guard{}, unknown).Validate(plain), "@hasRoll, which the schema does not declare")
	used := schemaOf(t, graphqlauth.SDL, elsewhere, `type Query{a:String @hasRole}`)
	require.ErrorContains(t, graphqlauth.New(&auth.Guard{}, graphqlauth.WithDirective("hasRole", nil)).Validate(used), "no meaning")

	one := graphqlauth.New(&auth.Guard{})
	require.NoError(t, one.Validate(plain))
	require.NoError(t, one.Validate(plain))
	require.ErrorContains(t, one.Validate(used), "one schema")
}

// An extension that no server ever used lets nothing pass, and neither does the zero guard.
func TestUnusedExtension(t *testing.T) {
	e := graphqlauth.New(&auth.Guard{})
	schema := schemaOf(t, graphqlauth.SDL, `type Query{a:String @authenticated}`)
	doc, errs := gqlparser.LoadQueryWithRules(schema.Schema(), `{a}`, rules.NewDefaultRules())
	require.Empty(t, errs)
	oc := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}
	require.Equal(t, graphqlauth.CodeUnavailable, e.MutateOperationContext(t.Context(), oc).Extensions["code"])
	require.NoError(t, e.Validate(schema))
	require.Equal(t, graphqlauth.CodeUnauthenticated, e.MutateOperationContext(t.Context(), oc).Extensions["code"])
	// A field of another schema, or of none, is not one that was judged.
	doc.Operations[0].SelectionSet[0].(*ast.Field).Definition = &ast.FieldDefinition{Name: "a"}
	require.NotNil(t, e.MutateOperationContext(t.Context(), oc))
}

func TestSDL(t *testing.T) {
	schemaOf(t, graphqlauth.SDL, `type Query{a:String @can(permission:"a") @can(permission:"b") @authenticated @public @requiresScopes(scopes:[["a"]])}
		interface I @can(permission:"a") @authenticated @requiresScopes(scopes:[["a"]]){id:ID} interface J{id:ID @can(permission:"a")}`)
	federation, err := os.ReadFile(filepath.Join("cmd", "sdl", "federation.graphqls"))
	require.NoError(t, err)
	for _, part := range strings.Split(strings.TrimSpace(string(federation)), "\n\n") {
		require.Contains(t, graphqlauth.SDL, part, "one text for both")
	}
	require.NotContains(t, string(federation), "@authenticated on")
}
