package graphqlauth

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
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
