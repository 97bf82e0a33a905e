package graphqlauth

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// An Extension enforces the rules of one server's schema. Make it with [New] and hand it to the server's Use. It may
// be used concurrently.
type Extension struct {
	guard   *auth.Guard
	config  *config
	schema  *ast.Schema
	plan    *plan
	roots   [3]*typ // of queries, mutations, subscriptions
	streams streams

	standings standings
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
	graphql.OperationInterceptor
	graphql.ResponseInterceptor
} = (*Extension)(nil)

// New makes an extension for the server whose callers guard identifies.
func New(guard *auth.Guard, opts ...Option) *Extension {
	e := &Extension{guard: guard, config: newConfig(opts)}
	e.streams.init(guard, e.config.recheck)
	return e
}

// ExtensionName implements [graphql.HandlerExtension].
func (e *Extension) ExtensionName() string { return extensionName }

const extensionName = "LatchkeyAuth"

// Validate compiles the rules in the schema. Its error lists every mistake in them; the server's Use panics with it.
func (e *Extension) Validate(es graphql.ExecutableSchema) error {
	if e.guard == nil {
		return errors.New("graphqlauth: there is no guard")
	}
	schema := es.Schema()
	if e.plan != nil && e.schema != schema {
		return errors.New("graphqlauth: an extension serves one schema: make another with New")
	}
	p, findings := compile(schema, e.config)
	if err := mistakes(findings); err != nil {
		return err
	}
	e.schema, e.plan = schema, p
	for i, def := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		if def != nil {
			e.roots[i] = p.types[def.Name]
		}
	}
	return nil
}

// MutateOperationContext judges an operation before anything of it runs. One of which something is denied is
// refused, or goes on with a middleware that keeps the denied fields from running.
func (e *Extension) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	var w walk
	clear, refusal := e.walk(ctx, oc, &w)
	if refusal != nil {
		report(ctx, refusal)
		return refusal
	}
	c := clearance{by: e}
	if !clear {
		c.part = &partial{asker: w.asker, vars: oc.Variables, told: map[denial]bool{}}
		oc.ResolverMiddleware = c.part.around(oc.ResolverMiddleware)
	}
	attest(ctx, oc, c)
	return nil
}
