package graphqlauth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A court judges operations over any schema as a principal with these permissions, in Reject mode.
type court struct {
	t      *testing.T
	schema *ast.Schema
	e      *graphqlauth.Extension
	guard  *auth.Guard
}

func newCourt(t *testing.T, sdl string, opts ...graphqlauth.Option) *court {
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { _ = ring.Close(t.Context()) })
	policy := roles.MustCompile(
		roles.Role{AppID: "none"}, roles.Role{AppID: "a", Permissions: roles.Grants{"a": true}},
		roles.Role{AppID: "b", Permissions: roles.Grants{"b": true}}, roles.Role{AppID: "ab", Permissions: roles.Grants{"a": true, "b": true}},
	)
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy})
	require.NoError(t, err)
	es := schemaOf(t, graphqlauth.SDL, `directive @needs(p:String!) repeatable on INTERFACE|UNION|SCALAR|ENUM|INPUT_OBJECT|OBJECT|FIELD_DEFINITION`, sdl)
	needs := graphqlauth.WithDirective("needs", func(d *ast.Directive) (graphqlauth.Rule, error) {
		return graphqlauth.Require(d.Arguments.ForName("p").Value.Raw), nil
	})
	c := &court{t: t, schema: es.Schema(), guard: guard}
	c.e = graphqlauth.New(guard, append([]graphqlauth.Option{needs, graphqlauth.WithMode(graphqlauth.ModeReject)}, opts...)...)
	require.NoError(t, c.e.Validate(es))
	return c
}

// operation is one as it comes to the extension, for a principal with this role; "" is no principal.
func (c *court) operation(as, query string, vars ...map[string]any) (context.Context, *graphql.OperationContext) {
	c.t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(c.schema, query, rules.NewDefaultRules())
	require.Empty(c.t, errs)
	oc := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}
	var sent map[string]any
	if len(vars) > 0 {
		sent = vars[0]
	}
	var err error
	oc.Variables, err = validator.VariableValues(c.schema, oc.Operation, sent)
	require.NoError(c.t, err)
	ctx := graphql.WithOperationContext(c.t.Context(), oc)
	if as != "" {
		ctx = auth.NewContext(ctx, c.guard.PrincipalForRole(as))
	}
	return ctx, oc
}

// denies returns the coordinate that refuses an operation, or "".
func (c *court) denies(as, query string, vars ...map[string]any) string {
	c.t.Helper()
	refusal := c.e.MutateOperationContext(c.operation(as, query, vars...))
	if refusal == nil {
		return ""
	}
	return refusal.Extensions["coordinate"].(string)
}

func (c *court) allow(as, query string, vars ...map[string]any) {
	c.t.Helper()
	require.Empty(c.t, c.denies(as, query, vars...), "%s: %s", as, query)
}

func (c *court) deny(as, query, coordinate string, vars ...map[string]any) {
	c.t.Helper()
	require.Equal(c.t, coordinate, c.denies(as, query, vars...), "%s: %s", as, query)
}

func TestARuleOnAnInterface(t *testing.T) {
	c := newCourt(t, `
		interface Node @needs(p:"a") {id:ID}
		interface Other {id:ID}
		type Thing implements Node & Other {id:ID}
		type Free implements Other {id:ID}
		union Any = Thing | Free
		type Query @public {node:Node thing:Thing other:Other any:Any free:Free}`)
	for _, query := range []string{`{node{id}}`, `{node{__typename}}`, `{thing{id}}`, `{thing{__typename}}`} {
		require.NotEmpty(t, c.denies("none", query), query)
		c.allow("a", query)
	}
	c.deny("none", `{other{id}}`, "Thing.id")
	c.deny("none", `{any{...on Node{id}}}`, "Thing.id")
	c.deny("none", `{any{...on Other{id}}}`, "Thing.id")
	c.allow("none", `{any{...on Free{id}}}`)
	c.allow("none", `{free{...on Other{id}}}`)
	c.allow("none", `{other{...on Any{...on Free{...on Other{id}}}}}`)
}

func TestRulesAddUp(t *testing.T) {
	c := newCourt(t, `
		interface I {f:String @can(permission:"a")}
		type T implements I @can(permission:"b") {f:String @authenticated g:String @public}
		type Query @public {t:T i:I g:String @can(permission:"a") @can(permission:"b") @public}`)
	c.deny("a", `{t{f}}`, "Query.t")
	c.deny("b", `{t{f}}`, "T.f")
	c.allow("b", `{t{g}}`)
	c.allow("ab", `{t{f} i{f} g}`)
	c.deny("a", `{i{f}}`, "T.f")
	c.deny("a", `{g}`, "Query.g")
	c.deny("", `{g}`, "Query.g")
}

func TestARootType(t *testing.T) {
	c := newCourt(t, `type Query @can(permission:"a") {f:String g:String @public h:String @can(permission:"b")}`)
	c.deny("none", `{f}`, "Query.f")
	c.deny("none", `{g}`, "Query.g")
	c.deny("a", `{h}`, "Query.h")
	c.allow("a", `{f g}`)
	c.deny("none", `{__schema{queryType{name}}}`, "Query.__schema")
	c.allow("none", `{__typename}`)
}

func TestTheDefault(t *testing.T) {
	sdl := `type Query{f:String g:String @public t:T} type T @can(permission:"a") {f:String} type Mutation{f:String}
		type Subscription @public{f:String}`
	c := newCourt(t, sdl)
	c.deny("", `{f}`, "Query.f")
	c.deny("", `mutation{f}`, "Mutation.f")
	c.allow("", `{g}`)
	c.allow("", `subscription{f}`)
	c.allow("none", `{f}`)
	c.deny("none", `{t{f}}`, "Query.t")
	c.deny("", `{__type(name:"T"){name}}`, "Query.__type")
	open := newCourt(t, sdl, graphqlauth.WithInsecureDefault(), graphqlauth.WithIntrospection(graphqlauth.Require("a")))
	open.allow("", `{f}`)
	open.deny("none", `{__schema{queryType{name}}}`, "Query.__schema")
	open.allow("a", `{__schema{queryType{name}}}`)
	open.deny("none", `{t{f}}`, "Query.t")
}

func TestScalarsEnumsUnionsAndInputObjects(t *testing.T) {
	c := newCourt(t, `
		scalar Money @needs(p:"a")
		enum Grade @needs(p:"a") {A}
		union U @needs(p:"a") = T
		type T {f:String}
		input In @needs(p:"a") {f:String inner:In2}
		input In2 {deep:In}
		input In3 {grade:Grade cost:[Money]}
		type Query @public {m:Money g:[Grade!] u:U t:T f(in:In, two:In2, three:In3):String by(g:Grade, m:[Money!]):String}`)
	for _, query := range []string{
		`{m}`, `{g}`, `{u{__typename}}`, `{f(in:{f:"x"})}`, `{f(in:null)}`, `{f(two:{deep:{f:"x"}})}`,
		`{by(g:A)}`, `{by(g:null)}`, `{by(m:1)}`, `{by(m:[])}`, `{f(three:{grade:A})}`, `query($t:In3={cost:[1]}){f(three:$t)}`,
	} {
		require.NotEmpty(t, c.denies("none", query), query)
		c.allow("a", query)
	}
	c.deny("none", `query($m:[Money!]){by(m:$m)}`, "Query.by(m:)", map[string]any{"m": []any{1}})
	c.allow("none", `query($m:[Money!]){t{f} f f2:f(two:{} three:{}) by(m:$m)}`)
}

func TestFederation(t *testing.T) {
	c := newCourt(t, `
		scalar _Any
		directive @federation__authenticated on FIELD_DEFINITION
		type _Service {sdl:String}
		union _Entity = User | Card
		type User {id:ID! email:String @requiresScopes(scopes:[["a","b"],["c"]]) phone:String @federation__authenticated}
		type Card @requiresScopes(scopes:[["a"]]) {id:ID!}
		type Query {_entities(representations:[_Any!]!):[_Entity]! _service:_Service!}`)
	const reps = `_entities(representations:[{__typename:"User"}])`
	c.deny("", `{_service{sdl}}`, "Query._service")
	c.allow("none", `{_service{sdl}}`)
	c.deny("", `{`+reps+`{...on User{id}}}`, "Query._entities")
	c.allow("none", `{`+reps+`{...on User{id phone}}}`)
	c.deny("a", `{`+reps+`{...on User{email}}}`, "User.email")
	c.allow("ab", `{`+reps+`{...on User{email}}}`)
	c.deny("b", `{`+reps+`{...on Card{id}}}`, "Card.id")
	open := newCourt(t, `type Query{_service:String a:String @public}`)
	open.deny("", `{_service}`, "Query._service")
}

// What an interface's field returns may be narrower on a type: only that is asked for.
func TestNarrowerResults(t *testing.T) {
	c := newCourt(t, `
		interface Owned {owner:Actor}
		interface Actor {name:String}
		type Person implements Actor {name:String}
		type Robot implements Actor {name:String @can(permission:"a")}
		type Book implements Owned {owner:Person}
		type Tool implements Owned {owner:Robot}
		type Query @public {owned:Owned book:Book}
		union Books = Book`)
	c.deny("none", `{owned{owner{name}}}`, "Robot.name")
	c.allow("none", `{book{owner{name}}}`)
	c.allow("none", `{book{...on Owned{owner{name}}}}`)
	c.allow("none", `{owned{...on Books{...on Owned{owner{name}}}}}`)
	c.allow("none", `{owned{...F}} fragment F on Books{...G} fragment G on Owned{owner{...on Actor{name}}}`)
	c.deny("none", `{owned{...F ...G}} fragment F on Books{...G} fragment G on Owned{owner{...on Actor{name}}}`, "Robot.name")
}

// In a schema with more object types than bits, a type is not taken for another.
func TestManyObjectTypes(t *testing.T) {
	var sdl, all strings.Builder
	for i := range 700 {
		fmt.Fprintf(&sdl, "type T%[1]d implements Node & Titled { id: ID%[2]s title: ID own: ID }\n", i, map[bool]string{true: ` @can(permission: "a")`}[i%256 == 1 && i > 1])
		fmt.Fprintf(&all, " | T%d", i)
	}
	c := newCourt(t, `interface Node { id: ID } interface Titled { title: ID } union Few = T1 | T2 union Guarded = T1 | T257 union All = `+all.String()[3:]+`
		type Query @public { few: Few guarded: Guarded all: All node: Node }`+sdl.String())
	c.allow("none", `{few{...on Node{id}}}`)
	c.allow("none", `{few{...F}} fragment F on Node{id ...on Titled{title}}`)
	c.allow("none", `{node{...on T1{id}}}`)
	c.allow("none", `{all{...on Few{...on Node{id}}}}`)
	c.deny("none", `{guarded{...on Node{id}}}`, "T257.id")
	c.deny("none", `{guarded{...on T257{...on Node{id}}}}`, "T257.id")
	c.deny("none", `{node{id}}`, "T257.id")
	c.deny("none", `{all{...on Titled{...on Node{id}}}}`, "T257.id")
	c.allow("a", `{all{...on Titled{...on Node{id}}}}`)
}
