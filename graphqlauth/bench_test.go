package graphqlauth_test

import (
	"context"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
)

// four is an operation of 4 fields with arguments. templated is another, whose permission is made from a variable, and
// with an input object in a variable that has something guarded in it.
const (
	four      = `query($n:Int){ echo(text:"x",admin:true) posts(first:$n){title draft} }`
	templated = `query($m:String,$f:Filter){ content(model:$m) filter(by:$f) posts(first:3){title} }`
)

// many is one of 42 fields, with fragments and a selection on an interface.
const many = `query{
	posts{...P} page{title author{...U}} titled{title} users(n:3){...U} again:users{...U}
	nodes{id ...on Post{...P} ...on Secret{id title}} search{...on Post{...P} ...on Tag{id}}
	a:public b:public c:public d:public known staff scoped }
	fragment P on Post{id title body draft}
	fragment U on User{id email phone}`

// judged is what the extension gets to see of an operation that is about to run in a request behind Handler.
type judged struct {
	extension *graphqlauth.Extension
	ctx       context.Context
	oc        graphql.OperationContext
}

func newJudged(t testing.TB, as, query string, vars map[string]any) *judged {
	s := newSite(t, siteOptions{})
	es := testschema.NewExecutableSchema(testschema.Config{})
	j := &judged{extension: graphqlauth.New(s.guard, graphqlauth.WithDirective("hasRole", hasRole))}
	require.NoError(t, j.extension.Validate(es))
	doc, errs := gqlparser.LoadQueryWithRules(es.Schema(), query, rules.NewDefaultRules())
	require.Empty(t, errs)
	j.ctx = context.WithValue(s.context(as), fourHops(0), true)
	for i := range 3 { // what gqlgen puts around a request's context
		j.ctx = context.WithValue(j.ctx, fourHops(i), true)
	}
	j.oc = graphql.OperationContext{
		Doc: doc, Operation: doc.Operations[0], Variables: vars,
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
	}
	return j
}

type fourHops int

// whole is the whole check as gqlgen calls it.
func (j *judged) whole() bool { return j.extension.MutateOperationContext(j.ctx, &j.oc) == nil }

func countFields(sels ast.SelectionSet) (n int) {
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			n += 1 + countFields(sel.SelectionSet)
		case *ast.InlineFragment:
			n += countFields(sel.SelectionSet)
		case *ast.FragmentSpread:
			n += countFields(sel.Definition.SelectionSet)
		}
	}
	return n
}

var vars = map[string]any{"n": int64(3), "m": "posts", "f": map[string]any{"text": "x", "inner": map[string]any{"admin": true}}}

func BenchmarkJudge(b *testing.B) {
	for _, c := range []struct {
		name, query string
		vars        map[string]any
	}{{"4 fields", four, vars}, {"4 fields, template and input", templated, vars}, {"42 fields", many, nil}} {
		b.Run(c.name, func(b *testing.B) {
			j := newJudged(b, "admin", c.query, c.vars)
			b.ReportAllocs()
			for b.Loop() {
				if !j.whole() {
					b.Fatal("refused")
				}
			}
		})
	}
}

func TestAllowedOperationsAllocateNothing(t *testing.T) {
	j := newJudged(t, "admin", many, nil)
	require.Equal(t, 42, countFields(j.oc.Operation.SelectionSet))
	for name, query := range map[string]string{"four": four, "templated": templated, "many": many} {
		j := newJudged(t, "admin", query, vars)
		require.True(t, j.whole())
		require.Zero(t, testing.AllocsPerRun(100, func() { j.whole() }), name)
	}
}

// The permissions of several roles stay cached beside each other.
func TestRolesInTurnAllocateNoMore(t *testing.T) {
	c := newCourt(t, `type Query{f:String @can(permission:"a")}`)
	allocations := func(as ...string) float64 {
		var all []func()
		for _, role := range as {
			ctx, oc := c.operation(role, `{f}`)
			all = append(all, func() { require.Nil(t, c.e.MutateOperationContext(ctx, oc)) })
		}
		return testing.AllocsPerRun(100, func() {
			for _, judge := range all {
				judge()
			}
		})
	}
	require.Equal(t, allocations("a", "a"), allocations("a", "ab"))
}
