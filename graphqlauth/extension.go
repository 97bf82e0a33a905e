package graphqlauth

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// An Extension enforces the rules of one server's schema. Make it with [New] and give it to the server's Use. It may
// be used concurrently.
type Extension struct {
	guard     *auth.Guard
	config    *config
	schema    *ast.Schema
	plan      *plan
	roots     [3]*typ // of queries, mutations, subscriptions
	rechecker rechecker

	grants grantCache
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
	e.rechecker.init(guard, e.config.recheck)
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

// MutateOperationContext decides on an operation before any of it runs. An operation with denied fields is refused, or
// runs with a middleware that skips the denied fields.
func (e *Extension) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	var w walk
	clear, refusal := e.walk(ctx, oc, &w)
	if refusal != nil {
		report(ctx, refusal)
		return refusal
	}
	c := clearance{by: e}
	if !clear {
		c.part = &partial{caller: w.caller, vars: oc.Variables, reported: map[denial]bool{}}
		oc.ResolverMiddleware = c.part.around(oc.ResolverMiddleware)
	}
	recordClearance(ctx, oc, c)
	return nil
}

// decide decides on an operation for the principal in ctx under the current policy. A refusal refuses the whole
// operation. Otherwise clear reports whether nothing of it is denied; if it is false, the caller of decide must keep
// the denied fields from running.
func (e *Extension) decide(ctx context.Context, oc *graphql.OperationContext) (clear bool, refusal *gqlerror.Error) {
	var w walk
	return e.walk(ctx, oc, &w)
}

// walk is decide, and leaves its findings in w, which must be zero.
func (e *Extension) walk(ctx context.Context, oc *graphql.OperationContext, w *walk) (clear bool, refusal *gqlerror.Error) {
	if e.plan == nil || oc == nil || oc.Operation == nil {
		return false, noPolicyError() // Validate was not called, or there is no operation
	}
	kind := oc.Operation.Operation
	root := e.rootOf(kind)
	if root == nil {
		return false, noPolicyError()
	}
	w.caller = e.caller(ctx)
	w.vars, w.maxRoots = oc.Variables, e.config.maxAliases
	within := w.root(root, oc.Operation.SelectionSet)
	switch {
	case !within:
		return false, tooMany("root fields", w.maxRoots)
	case w.unconditional:
		return false, invalid("@skip and @include need a boolean")
	case w.noPolicy():
		return false, noPolicyError()
	case w.denials.first == nil:
		return true, nil
	case e.config.modes[kind] == ModePartial && w.deniedRoots < w.checkedRoots:
		return false, nil
	}
	return false, w.denials.refuse(w.authenticated)
}

// caller returns the caller in ctx. It loads no policy.
func (e *Extension) caller(ctx context.Context) caller {
	c := caller{plan: e.plan, grants: &e.grants, guard: e.guard}
	if p, ok := e.guard.PrincipalFrom(ctx); ok {
		c.principal, c.role, c.authenticated, c.scoped = p, p.Role(), p.Authenticated(), p.Key().HasScopes()
	}
	return c
}

func (e *Extension) rootOf(kind ast.Operation) *typ {
	switch kind {
	case ast.Query, "":
		return e.roots[0]
	case ast.Mutation:
		return e.roots[1]
	case ast.Subscription:
		return e.roots[2]
	}
	return nil
}

// tooMany returns the error for an operation that is too large.
func tooMany(what string, limit int) *gqlerror.Error {
	return invalid("too many %s: at most %d are allowed", what, limit)
}

// invalid returns an error with the code of a validation error, for which gqlgen has its own status.
func invalid(format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}
