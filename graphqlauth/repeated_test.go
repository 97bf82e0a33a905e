package graphqlauth_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

// Root fields count wherever they stand: a field that returns a root type does not open a second count.
func TestRootFieldsCountEverywhere(t *testing.T) {
	s := newSite(t, siteOptions{})
	most := graphqlauth.DefaultMaxAliases
	for name, query := range map[string]string{
		"nested":             "{self{" + repeatf(600, "a%d:public ") + "}}",
		"nested, barely":     "{self{" + repeatf(most, "a%d:public ") + "}}",
		"nested twice":       "{self{self{" + repeatf(most, "a%d:public ") + "}}}",
		"in a fragment":      "{self{...F}} fragment F on Query{" + repeatf(most, "a%d:public ") + "}",
		"in many places":     "{" + repeatf(10, "s%d:self{...F} ") + "} fragment F on Query{" + repeatf(5, "a%d:public ") + "}",
		"in many levels":     "{a:self{...F} b:self{...F}} fragment F on Query{a:self{...G} b:self{...G} c:self{...G}} fragment G on Query{" + repeatf(8, "a%d:public ") + "}",
		"in a list's object": "{self{...on Query{...on Query{" + repeatf(most, "a%d:mine ") + "}}}}",
	} {
		r := s.ask("admin", query)
		require.Equal(t, 422, r.status, "%s: %s", name, r.body)
		require.Zero(t, r.ran, name)
		require.Contains(t, r.body, "too many root fields", name)
	}
	for _, query := range []string{
		"{self{" + repeatf(most-1, "a%d:public ") + "}}",
		"{" + repeatf(8, "s%d:self{...F} ") + "} fragment F on Query{" + repeatf(5, "a%d:public ") + "}",
	} {
		require.Empty(t, s.ask("admin", query).Errors, query)
	}

	// A root type behind an interface, and one that a mutation returns.
	c := newCourt(t, `interface I {hello:ID i:I} type Query implements I @public {hello:ID i:I} type A implements I {hello:ID i:I}
		type Mutation @public {save:Saved} type Saved {query:Query}`)
	tooMany := func(query string) bool {
		ctx, oc := c.operation("none", query)
		err := c.e.MutateOperationContext(ctx, oc)
		return err != nil && strings.Contains(err.Message, "too many root fields")
	}
	require.True(t, tooMany("{i{"+repeatf(60, "a%d:hello ")+"}}"))
	require.True(t, tooMany("mutation{save{query{"+repeatf(60, "a%d:hello ")+"}}}"))
	require.False(t, tooMany("{i{...on A{"+repeatf(60, "a%d:hello ")+"}}}"))
}

// gqlgen decodes an argument again for each object that its field is on, so what is sent once may cost a thousand times
// its size.
func TestArgumentsAreNotDecodedWithoutEnd(t *testing.T) {
	const schema = `
		input In {n:[Int!] in:In}
		type Query @public {users:[User!] nested:[[User!]!]! user:User other(in:In):ID}
		type User {id:ID posts(in:In):ID friend:User friends:[User!]}`
	numbers := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = i
		}
		return list
	}
	big := map[string]any{"in": map[string]any{"n": numbers(8000)}} // 29 KB or more as JSON
	for _, c := range []struct {
		name, query string
		vars        map[string]any
		items       int
		ok          bool
	}{
		{"a large variable, once for each of few", `query($in:In){users{posts(in:$in)}}`, big, 20, true},
		{"a large variable, once for each of many", `query($in:In){users{posts(in:$in)}}`, big, 1000, false},
		{"in a list of lists", `query($in:In){nested{posts(in:$in)}}`, big, 1000, false},
		{"in a fragment, in an object of each", `query($in:In){users{...F}} fragment F on User{friend{friend{posts(in:$in)}}}`, big, 1000, false},
		{"inside a literal", `query($in:In){users{posts(in:{in:{in:$in}})}}`, big, 1000, false},
		{"in parts", `query($in:In){users{friends{posts(in:$in)}}}`, big, 30, false},
		{"merged with a field without it", `query($in:In){users{id} users{posts(in:$in)}}`, big, 1000, false},
		{"a large literal", `{users{posts(in:{n:[` + strings.Repeat("1,", 4000) + `]})}}`, nil, 2000, false},
		{"a small one, for many", `query($in:In){users{posts(in:$in)}}`, map[string]any{"in": map[string]any{"n": numbers(5)}}, 10_000, true},
		{"outside the list", `query($in:In){users{id} other(in:$in)}`, big, 10_000, true},
		{"under many names", `query($in:In){user{` + repeatf(900, "a%d:posts(in:$in) ") + `}}`, big, 1, false},
		{"under few names", `query($in:In){user{` + repeatf(20, "a%d:posts(in:$in) ") + `}}`, big, 1, true},
		{"a large one, once", `query($in:In){other(in:$in)}`, map[string]any{"in": map[string]any{"n": numbers(200_000)}}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			answered, err := repeatedly(t, schema, c.query, c.vars, c.items)
			if c.ok {
				require.Empty(t, err)
			} else {
				require.Contains(t, err, "too many")
				require.Less(t, answered, 200)
			}
		})
	}
}

// A repeater answers operations as gqlgen's generated code does, with lists of so many items, and counts the arguments
// that it decodes.
type repeater struct {
	schema  *ast.Schema
	items   int
	decoded int
}

func (x *repeater) object(ctx context.Context, def *ast.Definition, sels ast.SelectionSet) {
	oc := graphql.GetOperationContext(ctx)
	for _, f := range graphql.CollectFields(oc, sels, []string{def.Name}) {
		if len(f.Arguments) > 0 {
			x.decoded++
			f.ArgumentMap(oc.Variables)
		}
		ctx := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: def.Name, Field: f})
		out := x.schema.Types[f.Definition.Type.Name()]
		value, err := oc.ResolverMiddleware(ctx, func(context.Context) (any, error) {
			switch t := f.Definition.Type; {
			case t.Elem != nil && t.Elem.Elem != nil:
				return [][]*int{make([]*int, x.items/2), make([]*int, x.items/2)}, nil
			case t.Elem != nil:
				return make([]*int, x.items), nil
			}
			return "one", nil
		})
		if err != nil {
			graphql.AddError(ctx, err)
			continue
		}
		items := 1
		if _, one := value.(string); !one {
			items = x.items
		}
		for range items {
			if out.Kind == ast.Object {
				x.object(ctx, out, f.Selections)
			}
		}
	}
}

// repeatedly runs an operation on a server whose lists have so many items. It returns how often an argument was decoded,
// and the first error.
func repeatedly(t *testing.T, sdl, query string, vars map[string]any, items int) (decoded int, failure string) {
	t.Helper()
	es := schemaOf(t, graphqlauth.SDL, sdl).(*graphql.ExecutableSchemaMock)
	x := &repeater{schema: es.Schema(), items: items}
	es.ExecFunc = func(ctx context.Context) graphql.ResponseHandler {
		return graphql.OneShot(func() *graphql.Response {
			x.object(ctx, x.schema.Query, graphql.GetOperationContext(ctx).Operation.SelectionSet)
			return &graphql.Response{Data: []byte("{}")}
		}())
	}
	srv := handler.New(es)
	srv.AddTransport(transport.POST{})
	graphqlauth.Secure(srv)
	r := httptest.NewRequest("POST", "/", strings.NewReader(asJSON(t, map[string]any{"query": query, "variables": vars})))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	var answer graphql.Response
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	for _, err := range answer.Errors {
		return x.decoded, err.Message
	}
	return x.decoded, ""
}
