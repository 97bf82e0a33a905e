package graphqlauth

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// InterceptOperation judges an operation again after the extensions used later have seen it, because they may rewrite
// it or its variables. It also ends a subscription whose caller loses access: it gets one error and completes, even if
// it is silent, as soon as the guard reports a change on this node, else within the time of [WithRecheck]. Over a
// [Websocket] a caller whose key is not valid any more loses the whole socket. In [ModePartial] mode a subscription of
// which a part was denied ends with UNAVAILABLE when roles change, and the client starts it again.
func (e *Extension) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	oc := graphql.GetOperationContext(ctx)
	if oc == nil || oc.Operation == nil || oc.Operation.Operation != ast.Subscription {
		handler := next(ctx) // resolvers run when it is called
		if err := e.judgeAgain(ctx, oc); err != nil {
			return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{err}})
		}
		return handler
	}
	sub := e.subscribe(ctx, oc)
	err := sub.begin()
	if err == nil {
		oc.ResolverMiddleware = sub.aroundFirst(oc, oc.ResolverMiddleware)
		return sub.deliver(next(sub.ctx))
	}
	sub.end(nil)
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{err}})
}

// judgeAgain decides on an operation as it is about to run. What was allowed as a whole must be so again; otherwise the
// decisions on fields see what became of it.
func (e *Extension) judgeAgain(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	var w walk
	clear, refusal := e.walk(ctx, oc, &w)
	c, ok := cleared(ctx)
	switch {
	case !ok || c.by != e:
		refusal = refused(unavailable) // another operation took the place of the one that was judged
	case refusal == nil && !clear && c.part == nil:
		refusal = w.denials.refuse(w.authenticated)
	}
	if refusal != nil {
		e.refuse(ctx, refusal, w.denials.list)
	}
	return refusal
}

// aroundFirst returns the middleware of a subscription, which judges it again before its first resolver runs. After
// that the variables belong to the resolvers.
func (sub *subscription) aroundFirst(oc *graphql.OperationContext, next graphql.FieldMiddleware) graphql.FieldMiddleware {
	first := sync.OnceValue(func() *gqlerror.Error {
		sub.stream.checkMu.Lock()
		sub.oc = copyOperation(oc)
		sub.stream.checkMu.Unlock()
		return sub.begin()
	})
	return func(ctx context.Context, resolver graphql.Resolver) (any, error) {
		if err := first(); err != nil {
			return nil, err
		}
		return next(ctx, resolver)
	}
}

// A subscription is one running subscription operation.
type subscription struct {
	e       *Extension
	stream  *stream
	ctx     context.Context // the operation's; done when the subscription is over, with the error for the client as cause
	cancel  context.CancelCauseFunc
	oc      *graphql.OperationContext // a copy for reauthorize, apart from the one that resolvers use
	initial auth.Principal            // the principal in ctx

	start verdict // the verdict under which it runs

	reported bool // the client got the error
}

// streamKey finds the stream of the socket that an operation came over.
type streamKey struct{ e *Extension }

// subscribe adds oc's subscription to the stream of its socket, or to a new stream.
func (e *Extension) subscribe(ctx context.Context, oc *graphql.OperationContext) *subscription {
	sub := &subscription{e: e, start: verdict{clear: true}, oc: copyOperation(oc)}
	if c, ok := cleared(ctx); ok && c.part != nil {
		sub.start = verdict{policy: c.part.caller.policy, rights: c.part.caller.principal.Rights()}
	}
	sub.initial, _ = e.guard.PrincipalFrom(ctx)
	sub.ctx, sub.cancel = context.WithCancelCause(ctx)
	if sub.stream, _ = ctx.Value(streamKey{e}).(*stream); sub.stream == nil {
		sub.stream = e.rechecker.add(sub.ctx, sub.initial, func(refusal *auth.Refusal) {
			e.refuse(ctx, refused(refusal), nil)
			sub.end(refused(refusal))
		})
	}
	if !sub.stream.add(sub) {
		sub.end(tooMany("subscriptions on one socket", sub.stream.limit))
	}
	context.AfterFunc(sub.ctx, func() { sub.end(nil) })
	return sub
}

// begin authorizes again after the subscription was added, so that a change that raced with its start is not missed.
func (sub *subscription) begin() *gqlerror.Error {
	confirmed := false
	if sub.stream.fresh() {
		confirmed = sub.reauthorize(sub.stream.current()) == nil
	} else {
		confirmed = sub.stream.check(sub.stream.ctx, sub.stream.recheck)
	}
	switch err := sub.failure(); {
	case err != nil:
		return err
	case sub.ctx.Err() != nil, !confirmed:
		return refused(unavailable)
	}
	return nil
}

// reauthorize decides on the subscription again for p, and ends it if it is denied. It returns an error, which is not
// a verdict, if the guard has no policy.
func (sub *subscription) reauthorize(p auth.Principal) (err error) {
	defer func() {
		if recover() != nil { // the value may hold a secret, so it is dropped
			err = unavailable
		}
	}()
	var w walk
	ctx := sub.withPrincipal(sub.ctx, p)
	clear, refusal := sub.e.walk(ctx, sub.oc, &w)
	if refusal != nil && refusal.Extensions["code"] == CodeUnavailable {
		return unavailable
	}
	now := verdict{clear, sub.e.guard.Policy(), p.Rights()}
	switch {
	case refusal != nil:
		if sub.ctx.Err() == nil {
			sub.e.refuse(ctx, refusal, w.denials.list)
		}
		sub.end(refusal)
	case !now.compatibleWith(sub.start): // the denied part differs: a running operation cannot change it
		sub.end(refused(unavailable))
	}
	return nil
}

// A verdict is the decision on a subscription, and the policy and rights it was made with.
type verdict struct {
	clear  bool // nothing is denied
	policy *roles.Policy
	rights roles.Rights
}

// compatibleWith reports whether a subscription that started under start may go on under v.
func (v verdict) compatibleWith(start verdict) bool {
	if start.clear {
		return v.clear
	}
	return v.policy == start.policy && v.rights.Role == start.rights.Role && slices.Equal(v.rights.Scopes, start.rights.Scopes)
}

// withPrincipal returns ctx with p as its principal.
func (sub *subscription) withPrincipal(ctx context.Context, p auth.Principal) context.Context {
	if p == sub.initial {
		return ctx
	}
	return auth.NewContext(ctx, p)
}

// end ends the subscription. The first err, if it is a [gqlerror.Error], is delivered to the client.
func (sub *subscription) end(err error) {
	sub.stream.remove(sub)
	sub.cancel(err)
}

// failure returns the error that ended the subscription, or nil if it is not over or ended by itself.
func (sub *subscription) failure() *gqlerror.Error {
	err, _ := context.Cause(sub.ctx).(*gqlerror.Error)
	return err
}

// deliver returns the events of next while the caller may have them: each is resolved for the current principal and
// delivered after the caller is confirmed. The final response is the error, if there is one, then nil.
func (sub *subscription) deliver(next graphql.ResponseHandler) graphql.ResponseHandler {
	return func(ctx context.Context) *graphql.Response {
		response := next(sub.withPrincipal(ctx, sub.stream.current()))
		if response != nil && sub.stream.confirm(ctx) && sub.ctx.Err() == nil {
			return response
		}
		sub.end(nil)
		return sub.finalResponse()
	}
}

// finalResponse returns the response with the error that ended the subscription, once.
func (sub *subscription) finalResponse() *graphql.Response {
	err := sub.failure()
	if err == nil || sub.reported {
		return nil
	}
	sub.reported = true
	return &graphql.Response{Errors: gqlerror.List{err}}
}

// unavailable is not a verdict: the client should try again.
var unavailable = &auth.Refusal{Status: http.StatusServiceUnavailable, Reason: auth.ReasonNoPolicy, RetryAfter: time.Second}

// refused returns a refusal of the guard as a GraphQL error.
func refused(refusal *auth.Refusal) *gqlerror.Error {
	code := CodeUnavailable
	switch {
	case refusal.Status == http.StatusForbidden:
		code = CodeForbidden
	case refusal.Status < http.StatusForbidden:
		code = CodeUnauthenticated
	}
	err := &gqlerror.Error{Err: refusal, Message: refusal.Error(), Extensions: map[string]any{"code": code}}
	if refusal.Missing != "" {
		err.Extensions["permission"] = refusal.Missing
	}
	return err
}
