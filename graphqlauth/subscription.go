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

// InterceptOperation keeps watch over subscriptions: one whose caller is no longer good, or may not have it any
// more, gets one error and completes, whether it is silent or not: as soon as the guard reports a change on this node,
// else when [WithRecheck] says. Over a [Websocket] a caller who is no longer good loses the whole socket. In
// [ModePartial] mode, one of which only a part was denied ends with UNAVAILABLE when roles change: the client begins it
// again.
func (e *Extension) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	oc := graphql.GetOperationContext(ctx)
	if oc == nil || oc.Operation == nil || oc.Operation.Operation != ast.Subscription {
		return next(ctx)
	}
	sub := e.subscribe(ctx, oc)
	if err := sub.begin(); err != nil {
		sub.end(nil)
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{err}})
	}
	return sub.deliver(next(sub.ctx))
}

// A subscription is one operation that lives on.
type subscription struct {
	e      *Extension
	stream *stream
	ctx    context.Context // the operation's; done when the subscription is over
	cancel context.CancelFunc
	oc     *graphql.OperationContext // what there is to judge of it, apart from what resolvers have in hand
	first  auth.Principal            // whom ctx carries

	start verdict // under which it runs

	mu   sync.Mutex
	over bool
	err  *gqlerror.Error // why it was ended, until it is told; nil: by itself, or nobody is left to tell
}

// streamKey finds the stream of the socket that an operation came over.
type streamKey struct{ e *Extension }

// subscribe makes oc's subscription a part of the socket that it came over, or else a stream of its own.
func (e *Extension) subscribe(ctx context.Context, oc *graphql.OperationContext) *subscription {
	sub := &subscription{e: e, start: verdict{clear: true}}
	sub.oc = &graphql.OperationContext{Operation: oc.Operation, Variables: own(oc.Variables).(map[string]any)}
	if c, ok := cleared(ctx); ok && c.part != nil {
		sub.start = verdict{policy: c.part.asker.policy, rights: c.part.asker.principal.Rights()}
	}
	sub.first, _ = e.guard.PrincipalFrom(ctx)
	sub.ctx, sub.cancel = context.WithCancel(ctx)
	if sub.stream, _ = ctx.Value(streamKey{e}).(*stream); sub.stream == nil {
		sub.stream = e.streams.add(sub.ctx, sub.first, func(refusal *auth.Refusal) { sub.end(refused(refusal)) })
	}
	if !sub.stream.join(sub) {
		sub.end(tooMany("subscriptions on one socket", sub.stream.room))
	}
	context.AfterFunc(sub.ctx, func() { sub.end(nil) })
	return sub
}

// begin makes sure that the verdict under which it starts is one that any later change will have revised.
func (sub *subscription) begin() *gqlerror.Error {
	confirmed := false
	if sub.stream.fresh() {
		confirmed = sub.judge(sub.stream.who()) == nil
	} else {
		confirmed = sub.stream.check(sub.stream.ctx, sub.stream.recheck)
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	switch {
	case sub.over && sub.err != nil:
		return sub.err
	case sub.over, !confirmed:
		return refused(outOfReach)
	}
	return nil
}

// judge judges it again, for whom the caller is now, and ends it if they may not have it. Its error is that of
// roles which cannot be vouched for: no verdict.
func (sub *subscription) judge(p auth.Principal) (trouble error) {
	defer func() {
		if recover() != nil { // whatever it was, it is not shown
			trouble = outOfReach
		}
	}()
	clear, refusal := sub.e.judge(sub.as(sub.ctx, p), sub.oc)
	if refusal != nil && refusal.Extensions["code"] == CodeUnavailable {
		return outOfReach
	}
	now := verdict{clear, sub.e.guard.Policy(), p.Rights()}
	switch {
	case refusal != nil:
		sub.end(refusal)
	case !now.keeps(sub.start): // a part of it was denied, or is now: that cannot be changed under way
		sub.end(refused(outOfReach))
	}
	return nil
}

// A verdict is how a subscription may run, and what that was decided by.
type verdict struct {
	clear  bool // nothing of it is denied
	policy *roles.Policy
	rights roles.Rights
}

// keeps reports whether what runs under start may go on as it is.
func (v verdict) keeps(start verdict) bool {
	if start.clear {
		return v.clear
	}
	return v.policy == start.policy && v.rights.Role == start.rights.Role && slices.Equal(v.rights.Scopes, start.rights.Scopes)
}

// as makes ctx carry p.
func (sub *subscription) as(ctx context.Context, p auth.Principal) context.Context {
	if p == sub.first {
		return ctx
	}
	return auth.NewContext(ctx, p)
}

// end ends it once: err, if there is one, is what the client will hear of it.
func (sub *subscription) end(err *gqlerror.Error) {
	sub.mu.Lock()
	over := sub.over
	if !over {
		sub.over, sub.err = true, err
	}
	sub.mu.Unlock()
	if over {
		return
	}
	sub.stream.part(sub)
	sub.cancel()
}

// deliver hands on what comes from next, as long as that may be: each event is resolved for whom the caller is
// by then, and delivered once they are confirmed. At the end comes the error, if there is one, and nil.
func (sub *subscription) deliver(next graphql.ResponseHandler) graphql.ResponseHandler {
	return func(ctx context.Context) *graphql.Response {
		response := next(sub.as(ctx, sub.stream.who()))
		if response != nil && sub.stream.hold(ctx) && !sub.isOver() {
			return response
		}
		sub.end(nil)
		return sub.last()
	}
}

func (sub *subscription) isOver() bool {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return sub.over
}

// last is the response that says why it ended, once.
func (sub *subscription) last() *graphql.Response {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.err == nil {
		return nil
	}
	response := &graphql.Response{Errors: gqlerror.List{sub.err}}
	sub.err = nil
	return response
}

// outOfReach is no verdict: the caller is asked to come again.
var outOfReach = &auth.Refusal{Status: http.StatusServiceUnavailable, Reason: auth.ReasonNoPolicy, RetryAfter: time.Second}

// refused is a refusal of the guard's in GraphQL's words.
func refused(refusal *auth.Refusal) *gqlerror.Error {
	code := CodeUnavailable
	switch {
	case refusal.Status == http.StatusForbidden:
		code = CodeForbidden
	case refusal.Status < http.StatusForbidden:
		code = CodeUnauthenticated
	}
	return &gqlerror.Error{Err: refusal, Message: refusal.Error(), Extensions: map[string]any{"code": code}}
}
