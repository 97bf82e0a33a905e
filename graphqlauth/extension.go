package graphqlauth

import (
	"cmp"
	"context"
	"errors"
	"maps"

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
	roots     map[ast.Operation]*typ
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
	k := compile(schema, e.config)
	k.hooks(es)
	if err := mistakes(k.findings); err != nil {
		return err
	}
	e.schema, e.plan, e.roots = schema, k.plan, map[ast.Operation]*typ{}
	for kind, def := range rootsOf(schema) {
		e.roots[kind] = k.plan.types[def.Name]
	}
	return nil
}

// MutateOperationContext decides on an operation before any of it runs. An operation with denied fields is refused, or
// runs with a middleware that skips the denied fields.
func (e *Extension) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	var w walk
	clear, refusal := e.walk(ctx, oc, &w)
	if refusal != nil {
		e.refuse(ctx, refusal, w.denials.list)
		return refusal
	}
	c := clearance{by: e}
	if !clear {
		c.part = &partial{by: e, caller: w.caller}
		oc.ResolverMiddleware = c.part.around(oc.ResolverMiddleware)
	}
	recordClearance(ctx, oc, c)
	return nil
}

// walk decides on an operation for the principal in ctx under the current policy, and leaves its findings in w, which must
// be zero. A refusal refuses the whole operation. Otherwise clear reports whether nothing of it is denied; if it is false,
// the caller of walk must keep the denied fields from running.
func (e *Extension) walk(ctx context.Context, oc *graphql.OperationContext, w *walk) (clear bool, refusal *gqlerror.Error) {
	if e.plan == nil || oc == nil || oc.Operation == nil {
		return false, refused(unavailable) // Validate was not called, or there is no operation
	}
	kind := oc.Operation.Operation
	root := e.roots[cmp.Or(kind, ast.Query)]
	if root == nil {
		return false, refused(unavailable)
	}
	w.caller = e.caller(ctx)
	w.doc, w.vars, w.maxRoots = oc.Doc, oc.Variables, e.config.maxAliases
	w.selection(scopeOf(root), oc.Operation.SelectionSet, true)
	if w.nestedRoots && w.maxRoots > 0 {
		w.roots = max(w.roots, (&measure{fields: e.plan.fields}).of(oc.Operation.SelectionSet).roots)
	}
	switch {
	case w.tooManyRoots():
		return false, tooMany("root fields", w.maxRoots)
	case w.badCondition:
		return false, invalid("@skip and @include need a boolean")
	case w.noPolicy():
		return false, refused(unavailable)
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
		c.principal, c.role, c.authenticated = p, p.Role(), p.Authenticated()
		for range p.Key().Scopes() {
			c.scoped = true
		}
	}
	return c
}

// rootsOf returns the root types that a schema has.
func rootsOf(schema *ast.Schema) map[ast.Operation]*ast.Definition {
	roots := map[ast.Operation]*ast.Definition{
		ast.Query: schema.Query, ast.Mutation: schema.Mutation, ast.Subscription: schema.Subscription,
	}
	maps.DeleteFunc(roots, func(_ ast.Operation, def *ast.Definition) bool { return def == nil })
	return roots
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
