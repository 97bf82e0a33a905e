package graphqlauth

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/latchkey-go/latchkey/auth"
)

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
