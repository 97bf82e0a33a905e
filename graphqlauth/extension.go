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

// judge gives the verdict on an operation, for the principal in ctx and by the policy of the moment. With a refusal
// the whole operation is refused. Without one, clear means that nothing of it is denied; if it is not clear, what is
// denied must be kept from running.
func (e *Extension) judge(ctx context.Context, oc *graphql.OperationContext) (clear bool, refusal *gqlerror.Error) {
	var w walk
	return e.walk(ctx, oc, &w)
}

// walk is judge, and leaves in w what it found on the way. w is zero.
func (e *Extension) walk(ctx context.Context, oc *graphql.OperationContext, w *walk) (clear bool, refusal *gqlerror.Error) {
	if e.plan == nil || oc == nil || oc.Operation == nil {
		return false, undecided() // it was not told of a server's schema, or there is no operation
	}
	kind := oc.Operation.Operation
	root := e.rootOf(kind)
	if root == nil {
		return false, undecided()
	}
	w.asker = e.asker(ctx)
	w.vars, w.maxRoots = oc.Variables, e.config.maxAliases
	within := w.root(root, oc.Operation.SelectionSet)
	switch {
	case !within:
		return false, tooMany("root fields", w.maxRoots)
	case w.unconditional:
		return false, invalid("@skip and @include need a boolean")
	case w.unsure():
		return false, undecided()
	case w.denials.first == nil:
		return true, nil
	case e.config.modes[kind] == ModePartial && w.deniedRoots < w.judgedRoots:
		return false, nil
	}
	return false, w.denials.refuse(w.known)
}

// asker says who asks. Nothing is looked up before a rule wants to know.
func (e *Extension) asker(ctx context.Context) asker {
	a := asker{plan: e.plan, standings: &e.standings, guard: e.guard}
	if p, ok := e.guard.PrincipalFrom(ctx); ok {
		a.principal, a.role, a.known, a.scoped = p, p.Role(), p.Authenticated(), p.Key().HasScopes()
	}
	return a
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

// tooMany is the error for an operation that is too large.
func tooMany(what string, limit int) *gqlerror.Error {
	return invalid("too many %s: at most %d are allowed", what, limit)
}

// invalid is an error with the code of a validation error, for which gqlgen has a status of its own.
func invalid(format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}
