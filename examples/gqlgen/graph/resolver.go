package graph

import "github.com/latchkey-go/latchkey/examples/gqlgen/blog"

// Resolver holds what the resolvers need.
type Resolver struct{ Blog *blog.Blog }
