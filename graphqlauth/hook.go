package graphqlauth

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/latchkey-go/latchkey/auth"
)

// Cleared is the hook of a directive that [WithDirective] gave its meaning. It decides nothing: it goes on if the
// extension has cleared the operation and this very field of it, and denies otherwise, as where somebody forgot
// the extension.
func Cleared(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	c, ok := cleared(ctx)
	if !ok {
		return nil, unchecked()
	}
	if c.part != nil {
		if err, ok := c.part.allows(ctx); !ok {
			return nil, err
		}
	}
	return next(ctx)
}

// Can is the hook of @can. Like all hooks here, it is [Cleared]: what the directive says, the extension has read
// from the schema.
func Can(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) {
	return Cleared(ctx, obj, next)
}

// Authenticated is the hook of @authenticated. See [Cleared].
func Authenticated(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	return Cleared(ctx, obj, next)
}

// RequiresScopes is the hook of @requiresScopes. See [Cleared].
func RequiresScopes(ctx context.Context, obj any, next graphql.Resolver, _ [][]string) (any, error) {
	return Cleared(ctx, obj, next)
}

// Public is the hook of @public. See [Cleared].
func Public(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	return Cleared(ctx, obj, next)
}

// Owner is the hook of a directive on fields that only some callers may see of some objects, such as @owner: owns is
// asked with the object that the field is on. Which objects there are is known only while the operation runs, so
// such a directive is this hook and no rule; it guards where gqlgen calls it, which is fields of object types, and
// comes on top of all rules.
//
// An object that is no T, a caller who is nobody and an operation that the extension did not clear are denied.
// owns may be called concurrently, once for each object of a list: it should not ask a store.
func Owner[T any](owns func(ctx context.Context, p auth.Principal, obj T) bool) func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	return func(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
		return Cleared(ctx, obj, func(ctx context.Context) (any, error) {
			c, _ := cleared(ctx)
			p, ok := c.by.guard.PrincipalFrom(ctx)
			if object, fits := obj.(T); ok && fits && owns(ctx, p, object) {
				return next(ctx)
			}
			fc := graphql.GetFieldContext(ctx)
			return nil, denied(p.Authenticated(), denial{coordinate: fc.Object + "." + fc.Field.Name})
		})
	}
}

// A clearance says that the extension has walked an operation, arguments and variables included. Nobody else can
// write one: its type and the places where it lies are ours.
type clearance struct {
	by   *Extension
	part *partial // nil: nothing of the operation is denied
}

// attest notes that an operation may run. The first one of a request goes into the exchange that [Handler] made, for
// which nothing is allocated; others, such as those of a websocket, and those without a Handler, into their Stats.
func attest(ctx context.Context, oc *graphql.OperationContext, c clearance) {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		if x.operation.CompareAndSwap(nil, oc) || x.operation.Load() == oc && x.clearance.by == c.by {
			x.clearance = c // nobody looks at it before the operation runs
			return
		}
	}
	kept := c // so that only here something is allocated
	oc.Stats.SetExtension(extensionName, &kept)
}

// cleared returns what was attested of the operation that ctx belongs to.
func cleared(ctx context.Context) (clearance, bool) {
	if !graphql.HasOperationContext(ctx) {
		return clearance{}, false
	}
	oc := graphql.GetOperationContext(ctx)
	if c, ok := oc.Stats.GetExtension(extensionName).(*clearance); ok {
		return *c, true
	}
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok && x.operation.Load() == oc {
		return x.clearance, true
	}
	return clearance{}, false
}
