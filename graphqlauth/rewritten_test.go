package graphqlauth_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
)

// A rewriter is an extension of the host that changes each operation, as early as it can.
type rewriter func(*graphql.OperationContext)

func (rewriter) ExtensionName() string                   { return "Rewriter" }
func (rewriter) Validate(graphql.ExecutableSchema) error { return nil }
func (f rewriter) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	f(oc)
	return nil
}

// rewritings turn an operation that the reader may run into one that they may not.
var rewritings = []struct {
	name, query string
	vars        map[string]any
	rewrite     rewriter
}{
	{"a variable of a permission", `query($m:String){content(model:$m)}`, map[string]any{"m": "posts"},
		func(oc *graphql.OperationContext) { oc.Variables["m"] = "secret" }},
	{"other variables", `query($m:String){content(model:$m)}`, map[string]any{"m": "posts"},
		func(oc *graphql.OperationContext) { oc.Variables = map[string]any{"m": "secret"} }},
	{"a field of an input", `query($f:Filter){filter(by:$f)}`, map[string]any{"f": map[string]any{"text": "x"}},
		func(oc *graphql.OperationContext) { oc.Variables["f"].(map[string]any)["admin"] = true }},
	{"a condition", `query($no:Boolean!){public secret @include(if:$no){title}}`, map[string]any{"no": false},
		func(oc *graphql.OperationContext) { oc.Variables["no"] = true }},
	{"the operation", `{public}`, nil, func(oc *graphql.OperationContext) { *oc.Operation = *operationOf(`{secret{title}}`) }},
	{"another operation", `{public}`, nil, func(oc *graphql.OperationContext) { oc.Operation = operationOf(`{public secret{title}}`) }},
	{"a selection", `{public posts{title}}`, nil, func(oc *graphql.OperationContext) {
		oc.Operation.SelectionSet = append(oc.Operation.SelectionSet, operationOf(`{secret{title}}`).SelectionSet...)
	}},
	{"a nested selection", `{nodes{...on Tag{id}}}`, nil, func(oc *graphql.OperationContext) {
		oc.Operation.SelectionSet[0].(*ast.Field).SelectionSet = operationOf(`{nodes{...on Secret{title}}}`).SelectionSet[0].(*ast.Field).SelectionSet
	}},
	{"a fragment of the document", `{nodes{...F}} fragment F on Tag{id}`, nil, func(oc *graphql.OperationContext) {
		doc := *oc.Doc
		doc.Fragments = ast.FragmentDefinitionList{{Name: "F", TypeCondition: "Secret", SelectionSet: operationOf(`{nodes{...on Secret{title}}}`).
			SelectionSet[0].(*ast.Field).SelectionSet[0].(*ast.InlineFragment).SelectionSet}}
		oc.Doc = &doc
	}},
	{"a mutation in place of a query", `{public}`, nil, func(oc *graphql.OperationContext) { oc.Operation = operationOf(`mutation{drop}`) }},
}

func operationOf(query string) *ast.OperationDefinition {
	doc, errs := gqlparser.LoadQueryWithRules(testschema.NewExecutableSchema(testschema.Config{}).Schema(), query, rules.NewDefaultRules())
	if errs != nil {
		panic(errs)
	}
	return doc.Operations[0]
}

// What was judged is what runs: an operation that another extension changes after it was judged is judged again.
func TestARewrittenOperationIsJudgedAgain(t *testing.T) {
	for _, c := range rewritings {
		for how, install := range map[string]func(*site){
			"as an extension": func(s *site) { s.server.Use(c.rewrite) },
			"around the operation": func(s *site) {
				s.server.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
					c.rewrite(graphql.GetOperationContext(ctx))
					return next(ctx)
				})
			},
		} {
			for _, accept := range []string{"application/json", "text/event-stream"} {
				t.Run(c.name+", "+how+", "+accept, func(t *testing.T) {
					s := newSite(t, siteOptions{directives: passThrough()})
					s.server.SetQueryCache(graphql.NoCache[*ast.QueryDocument]{}) // because some rewrite the document
					require.Empty(t, s.ask("reader", c.query, c.vars).Errors)
					install(s)
					r := httptest.NewRequest("POST", "/graphql", strings.NewReader(asJSON(t, map[string]any{"query": c.query, "variables": c.vars})))
					r.Header.Set("Content-Type", "application/json")
					r.Header.Set("Accept", accept)
					reply := s.send("reader", r)
					require.Contains(t, reply.body, graphqlauth.CodeForbidden)
					require.Zero(t, reply.ran)
					require.False(t, reply.leaked(), reply.body)
					if accept == "application/json" {
						require.Equal(t, 403, reply.status)
					}
				})
			}
		}
	}
}

// A rewritten operation that is still allowed runs, and one that was partly denied is decided by what it became.
func TestARewrittenOperationMayRun(t *testing.T) {
	s := newSite(t, siteOptions{})
	s.server.Use(rewriter(func(oc *graphql.OperationContext) {
		if _, ok := oc.Variables["m"]; ok {
			oc.Variables = map[string]any{"m": "posts"}
		}
	}))
	require.Equal(t, "of posts", s.ask("reader", `query($m:String){content(model:$m)}`, map[string]any{"m": "posts"}).Data["content"])
	r := s.ask("reader", `query($m:String){public content(model:$m)}`, map[string]any{"m": "secret"})
	require.Equal(t, "of posts", r.Data["content"], "what runs is what was rewritten")
}

// Another operation in the place of the judged one is refused.
func TestAnOperationThatWasNotJudgedIsRefused(t *testing.T) {
	s := newSite(t, siteOptions{bare: true, directives: passThrough()})
	s.server.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		other := *graphql.GetOperationContext(ctx)
		return next(graphql.WithOperationContext(ctx, &other))
	})
	s.server.Use(graphqlauth.New(s.guard, graphqlauth.WithDirective("hasRole", hasRole)))
	r := s.ask("reader", `{public}`)
	require.Equal(t, []string{"UNAVAILABLE"}, r.codes(), r.body)
	require.Zero(t, r.ran)
}

func TestARewrittenSubscriptionIsJudgedAgain(t *testing.T) {
	subscribe := func(s *site) reply {
		r := httptest.NewRequest("POST", "/graphql", strings.NewReader(`{"query":"subscription{ticks{title}}"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream")
		return s.send("reader", r)
	}
	require.Contains(t, subscribe(newSite(t, siteOptions{})).body, "a title")
	denied := func(oc *graphql.OperationContext) { oc.Operation = operationOf(`subscription{ticks{draft}}`) }
	for _, install := range []func(*site){
		func(s *site) { s.server.Use(rewriter(denied)) },
		func(s *site) {
			s.server.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
				denied(graphql.GetOperationContext(ctx))
				return next(ctx)
			})
		},
	} {
		s := newSite(t, siteOptions{directives: passThrough()})
		install(s)
		r := subscribe(s)
		require.Contains(t, r.body, graphqlauth.CodeForbidden)
		require.Zero(t, r.ran)
		require.False(t, r.leaked())
	}
}
