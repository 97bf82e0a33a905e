package graphqlauth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// Handler wraps a gqlgen server. It is the guard's Identify: it refuses a bad credential before the query is read and
// lets callers without one pass, because the rules decide, and a websocket may send the key in connection_init. It
// gives refused operations the status that gqlgen cannot set: 401, 403, or 503 if no decision is possible. Vary and
// Cache-Control are those of every guarded response: around it, inside guard.Identify, [auth.PublicCache] acts on queries
// over GET of which nothing is denied and that have no errors.
func Handler(guard *auth.Guard, next http.Handler) http.Handler {
	return guard.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &requestState{Context: r.Context(), request: r}
		x.writer.ResponseWriter, x.writer.state = w, x
		if r.Header.Get("Upgrade") == "" { // a websocket's status does not change
			w = &x.writer.statusWriter
			if x.writer.flusher, _ = x.writer.ResponseWriter.(http.Flusher); x.writer.flusher != nil {
				w = &x.writer
			}
		}
		next.ServeHTTP(w, r.WithContext(x))
	}))
}

// A requestState is the context of one request. [recordClearance] and [report] store the decision on its operation
// here.
type requestState struct {
	context.Context
	request   *http.Request // carries Context
	writer    flushWriter
	refusal   atomic.Pointer[gqlerror.Error] // why the operation was refused
	operation atomic.Pointer[graphql.OperationContext]
	clearance clearance   // of operation
	cacheable atomic.Bool // nothing of it was denied, and it has no errors
}

// requestStateKey finds the requestState of a context.
type requestStateKey struct{}

// Value returns the requestState itself, or a value of the outer context.
func (x *requestState) Value(key any) any {
	if _, ok := key.(requestStateKey); ok {
		return x
	}
	return x.Context.Value(key)
}

// String keeps the request, and the key in it, out of texts that print a context.
func (x *requestState) String() string { return "latchkey.GraphQL" }

// Format is String for every verb.
func (x *requestState) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, x.String()) }

// report records that the operation was refused.
func report(ctx context.Context, refusal *gqlerror.Error) {
	if x, ok := ctx.Value(requestStateKey{}).(*requestState); ok {
		x.refusal.Store(refusal)
	}
}

// A statusWriter is a ResponseWriter that gives a refused operation its status.
type statusWriter struct {
	http.ResponseWriter
	state *requestState
	begun bool // the header was written
}

// WriteHeader writes the header, with the status of the refusal if there is one.
func (a *statusWriter) WriteHeader(status int) {
	if a.begun || status < 200 {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.begun = true
	h := a.Header()
	if refusal := a.state.refusal.Load(); refusal != nil {
		switch refusal.Extensions["code"] {
		case CodeUnauthenticated:
			status = http.StatusUnauthorized
			h.Set("WWW-Authenticate", `Bearer realm="api"`) // as package auth answers a request without a credential
		case CodeForbidden:
			status = http.StatusForbidden
		case CodeUnavailable:
			status = http.StatusServiceUnavailable
			h.Set("Retry-After", "1")
		}
	}
	if !a.state.cacheable.Load() || len(h["Cache-Control"]) != 1 || !strings.HasPrefix(h.Get("Content-Type"), "application/") {
		h.Set("Cache-Control", "no-store") // transports set or add other values
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *statusWriter) Write(b []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets an http.ResponseController find the server's writer.
func (a *statusWriter) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// A flushWriter is a statusWriter whose writer can flush, which transports for streams look for.
type flushWriter struct {
	statusWriter
	flusher http.Flusher
}

// Flush implements [http.Flusher].
func (f *flushWriter) Flush() {
	if !f.begun {
		f.WriteHeader(http.StatusOK)
	}
	f.flusher.Flush()
}

// Cleared is the hook of @authenticated and @public, and of a directive that [WithDirective] made a rule. It makes no
// decision: it runs next if the extension has allowed the operation and this field of it, and denies otherwise, for
// example if the server does not use the extension, or at a field where only directives without a meaning stand.
func Cleared(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	c, ok := cleared(ctx)
	if !ok {
		return nil, miswired("", "the operation was not checked, since the server does not Use graphqlauth.New")
	}
	if f, at := c.by.plan.fieldOf(ctx); f == nil || !f.hooked {
		return nil, miswired(at, "a directive has a hook of graphqlauth and no meaning: give it one with WithDirective")
	}
	if c.part != nil {
		if err, ok := c.part.allows(ctx); !ok {
			return nil, err
		}
	}
	return next(ctx)
}

// miswired is the error for the host's developer.
func miswired(coordinate, text string) *gqlerror.Error {
	return &gqlerror.Error{Message: "Permission denied: " + text, Extensions: map[string]any{"code": CodeForbidden, "coordinate": coordinate}}
}

// Can is the hook of @can. Like all hooks here it is [Cleared]: the extension has read the directive's arguments from
// the schema.
func Can(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) {
	return Cleared(ctx, obj, next)
}

// RequiresScopes is the hook of @requiresScopes. See [Cleared].
func RequiresScopes(ctx context.Context, obj any, next graphql.Resolver, _ [][]string) (any, error) {
	return Cleared(ctx, obj, next)
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
