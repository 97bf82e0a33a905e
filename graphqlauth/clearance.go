package graphqlauth

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

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
