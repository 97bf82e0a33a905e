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

// A clearance is for one operation. Another operation of the same request, such as the next of a batch, needs its own:
// hooks deny one that the extension did not judge, and neither gets what the other is allowed.
func TestAClearanceIsForOneOperation(t *testing.T) {
	s := newSite(t, siteOptions{})
	schema := testschema.NewExecutableSchema(testschema.Config{Resolvers: s.root, Directives: hooks()})
	e := graphqlauth.New(s.guard, graphqlauth.WithDirective("hasRole", hasRole), graphqlauth.WithMode(graphqlauth.ModePartial))
	require.NoError(t, e.Validate(schema))
	operation := func(query string) *graphql.OperationContext {
		doc, errs := gqlparser.LoadQueryWithRules(schema.Schema(), query, rules.NewDefaultRules())
		require.Empty(t, errs)
		return &graphql.OperationContext{
			RawQuery: query, Doc: doc, Operation: doc.Operations[0], Variables: map[string]any{},
			ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
		}
	}
	// runs reports whether the hook of the operation's last field goes on to its resolver.
	runs := func(ctx context.Context, oc *graphql.OperationContext) bool {
		field := oc.Operation.SelectionSet[len(oc.Operation.SelectionSet)-1].(*ast.Field)
		ctx = graphql.WithOperationContext(ctx, oc)
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: graphql.CollectedField{Field: field}})
		got, _ := graphqlauth.Cleared(ctx, nil, func(context.Context) (any, error) { return true, nil })
		return got != nil
	}

	for _, c := range []struct {
		first, second string
		want          [2]bool
	}{
		{`{public}`, `{public}`, [2]bool{true, true}},
		{`{public secret{title}}`, `{public}`, [2]bool{false, true}},
		{`{public}`, `{public secret{title}}`, [2]bool{true, false}},
	} {
		ctx := s.context("reader")
		first, second := operation(c.first), operation(c.second)
		require.Nil(t, e.MutateOperationContext(ctx, first))
		require.False(t, runs(ctx, second), "not judged, in a request of which another operation was")
		require.Equal(t, c.want[0], runs(ctx, first))
		require.Nil(t, e.MutateOperationContext(ctx, second))
		require.Equal(t, c.want, [2]bool{runs(ctx, first), runs(ctx, second)}, "%s and %s", c.first, c.second)
		require.False(t, runs(ctx, operation(c.first)), "the same text is another operation")
		require.False(t, runs(t.Context(), first), "outside the request")
	}
}
