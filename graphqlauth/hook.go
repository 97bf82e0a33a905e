package graphqlauth

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/latchkey-go/latchkey/auth"
)

// Cleared is the hook of a directive that [WithDirective] made a rule. It makes no decision: it runs next if the
// extension has allowed the operation and this field of it, and denies otherwise, for example if the server does not
// use the extension.
func Cleared(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	c, ok := cleared(ctx)
	if !ok {
		return nil, noExtensionError()
	}
	if c.part != nil {
		if err, ok := c.part.allows(ctx); !ok {
			return nil, err
		}
	}
	return next(ctx)
}

// Can is the hook of @can. Like all hooks here it is [Cleared]: the extension has read the directive's arguments from
// the schema.
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

// Owner returns the hook of a directive for fields that depend on the object, such as @owner: owns is called with the
// object that the field is on. Objects are known only while the operation runs, so such a directive is not a rule. The
// hook guards where gqlgen calls it, on fields of object types, in addition to all rules.
//
// It denies if the object is not a T, if there is no principal, and if the extension did not allow the operation. owns
// may be called concurrently, once for each object of a list, so it should not ask a store.
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

// A clearance says that the extension has walked an operation with its arguments and variables. Its type is not
// exported, so no other package can make one.
type clearance struct {
	by   *Extension
	part *partial // nil if nothing of the operation is denied
}

// recordClearance stores that an operation may run. The first operation of a request is stored in the requestState
// that [Handler] made, without an allocation. Others, such as those of a websocket or without a Handler, are stored in
// their Stats.
func recordClearance(ctx context.Context, oc *graphql.OperationContext, c clearance) {
	if x, ok := ctx.Value(requestStateKey{}).(*requestState); ok {
		if x.operation.CompareAndSwap(nil, oc) || x.operation.Load() == oc && x.clearance.by == c.by {
			x.clearance = c // read only after the operation has started
			return
		}
	}
	kept := c // a copy, so that only this path allocates
	oc.Stats.SetExtension(extensionName, &kept)
}

// cleared returns the clearance of the operation that ctx belongs to.
func cleared(ctx context.Context) (clearance, bool) {
	if !graphql.HasOperationContext(ctx) {
		return clearance{}, false
	}
	oc := graphql.GetOperationContext(ctx)
	if c, ok := oc.Stats.GetExtension(extensionName).(*clearance); ok {
		return *c, true
	}
	if x, ok := ctx.Value(requestStateKey{}).(*requestState); ok && x.operation.Load() == oc {
		return x.clearance, true
	}
	return clearance{}, false
}
