package graphqlauth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// Handler goes around a gqlgen server. It is guard's Identify, so a credential that is shown and not good is refused
// before the query is read, and a caller who shows nothing goes on: the rules decide, and over a websocket the key may
// still come with connection_init. Answers to rejected operations get their status, which gqlgen cannot give: 401,
// 403, or 503 while nothing can be vouched for. Vary and Cache-Control are those of every guarded answer.
func Handler(guard *auth.Guard, next http.Handler) http.Handler {
	return guard.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{Context: r.Context()}
		x.answer.ResponseWriter, x.answer.exchange = w, x
		if r.Header.Get("Upgrade") == "" { // a websocket has no status to change
			w = &x.answer.answer
			if x.answer.flusher, _ = x.answer.ResponseWriter.(http.Flusher); x.answer.flusher != nil {
				w = &x.answer
			}
		}
		next.ServeHTTP(w, r.WithContext(x))
	}))
}

// An exchange is the context of one request, in which [attest] and [report] leave what they know of its operation.
type exchange struct {
	context.Context
	answer    flushing
	refusal   atomic.Pointer[gqlerror.Error] // why the operation was rejected
	operation atomic.Pointer[graphql.OperationContext]
	clearance clearance // of that operation
}

// exchangeKey finds the exchange that a context belongs to.
type exchangeKey struct{}

// Value finds the exchange itself, then what the context around it holds.
func (x *exchange) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return x
	}
	return x.Context.Value(key)
}

// String keeps the request, and the key in it, out of texts that print a context.
func (x *exchange) String() string { return "latchkey.GraphQL" }

// Format is String, whatever the verb.
func (x *exchange) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, x.String()) }

// report tells the exchange that its operation was rejected.
func report(ctx context.Context, refusal *gqlerror.Error) {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		x.refusal.Store(refusal)
	}
}

// An answer is a ResponseWriter that gives a rejected operation its status.
type answer struct {
	http.ResponseWriter
	exchange *exchange
	begun    bool // the header was written
}

// WriteHeader writes the header, with the rejection's own status if there is one.
func (a *answer) WriteHeader(status int) {
	if refusal := a.exchange.refusal.Load(); refusal != nil && !a.begun && status >= 200 {
		h := a.Header()
		switch refusal.Extensions["code"] {
		case CodeUnauthenticated:
			status = http.StatusUnauthorized
			h.Set("WWW-Authenticate", `Bearer realm="api"`) // what package auth tells those who showed no key
		case CodeForbidden:
			status = http.StatusForbidden
		case CodeUnavailable:
			status = http.StatusServiceUnavailable
			h.Set("Retry-After", "1")
		}
		h.Set("Cache-Control", "no-store") // a transport may have said otherwise
	}
	a.begun = a.begun || status >= 200
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets an http.ResponseController find what the server's writer can do.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// A flushing is an answer whose writer can flush, which streams look for.
type flushing struct {
	answer
	flusher http.Flusher
}

// Flush implements [http.Flusher].
func (f *flushing) Flush() {
	if !f.begun {
		f.WriteHeader(http.StatusOK)
	}
	f.flusher.Flush()
}
