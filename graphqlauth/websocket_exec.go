package graphqlauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// A socketExecutor asks for the caller again at each operation that comes over a socket, as HTTP would.
type socketExecutor struct {
	graphql.GraphExecutor
	socket *socket
}

// CreateOperationContext implements graphql.GraphExecutor. A caller who is not good any more loses the socket;
// what is no verdict, a limit or a store in trouble, refuses the one operation.
func (x socketExecutor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	s := x.socket
	p, err := s.guard.CheckMessage(s.request.WithContext(auth.NewContext(ctx, s.stream.who())), nil)
	if err == nil && s.stream.ended() == nil {
		s.stream.saw(p)
		return x.GraphExecutor.CreateOperationContext(auth.NewContext(ctx, p), params)
	}
	refusal, ok := errors.AsType[*auth.Refusal](err)
	if !ok {
		refusal = outOfReach
	}
	if refusal.Status < http.StatusTooManyRequests {
		s.stream.end(refusal)
	}
	return &graphql.OperationContext{
		RawQuery: params.Query, OperationName: params.OperationName, Headers: params.Headers,
		DisableIntrospection: true,
		RecoverFunc:          graphql.DefaultRecover,
		ResolverMiddleware:   func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
		Stats:                graphql.Stats{Read: params.ReadTime, OperationStart: graphql.GetStartTime(ctx)},
	}, gqlerror.List{refused(refusal)}
}

// DispatchOperation implements graphql.GraphExecutor.
func (x socketExecutor) DispatchOperation(ctx context.Context, oc *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	return x.GraphExecutor.DispatchOperation(auth.NewContext(ctx, x.socket.stream.who()), oc)
}
