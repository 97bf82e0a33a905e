package graphqlauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

const (
	defaultInitTimeout      = 10 * time.Second
	defaultMaxSubscriptions = 100
)

// Close codes of a [Websocket]: those of graphql-transport-ws, sent in both subprotocols.
const (
	CloseBadRequest = 4400 // connection_init is not an object, or has several credentials or one under a wrong name
	CloseForbidden  = 4403 // the key is missing, or not valid (any more)
	CloseTryAgain   = 1013 // a store error or a rate limit: not a verdict
)

const (
	closeInternal = 1011
	maxReason     = 123 // bytes of a reason in a close frame, RFC 6455
)

// A Websocket is gqlgen's websocket transport for both its subprotocols, graphql-transport-ws and graphql-ws, that
// authenticates the caller before any operation runs. The key is in a header of the upgrade request (a bad one is
// refused with 401 before the upgrade) or, for browsers, which cannot set headers there, in the payload of
// connection_init: {"api-key": "…"} or {"Authorization": "Bearer …"}, the names in any case, also inside {"headers": {…}}.
// Two credentials are refused, and so is a key under any other name; the reason says which names are read. Without a key
// the caller has the public role, if the public API is open. Resolvers and InitFunc do not see the key in the payload;
// Config.StripCredentials removes one in the upgrade's header.
//
// Each operation is authenticated like a request, with Config.Limit and an event for the observer. Between operations
// the socket is closed with [CloseForbidden] when its key is not valid any more; see [WithRecheck]. Subscriptions that
// only lost a permission complete with an error, and the socket stays.
//
// Every field of gqlgen's transport keeps its meaning; an InitTimeout of zero is ten seconds. InitFunc runs after
// authentication, with the caller in its context and without the key; if it returns a nil context, the one that it was
// given is used. Browsers open sockets to other origins freely: gqlgen's Implementation accepts only the request's own host
// unless configured otherwise. It needs gqlgen v0.17.91 or newer, which introduced Implementation.
type Websocket struct {
	transport.Websocket
	// Extension is the extension that the server uses. Without it every upgrade is refused with 503.
	Extension *Extension
	// MaxSubscriptions is how many subscriptions one socket may have at a time: each holds a goroutine, and gqlgen sets
	// no limit. One more is refused, and the socket stays. Zero is 100; less is no limit.
	MaxSubscriptions int
	// KeyNames are more names under which connection_init may have the key, such as authToken, in any case: the key alone,
	// or the text of an Authorization header.
	KeyNames []string
}

var _ graphql.Transport = Websocket{}

// Do implements graphql.Transport.
func (t Websocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if t.Extension == nil || t.Extension.plan == nil {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	t.Extension.guard.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.serve(w, r, exec)
	})).ServeHTTP(w, r)
}

func (t Websocket) serve(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	e := t.Extension
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &socket{guard: e.guard, hostInit: t.InitFunc, names: t.KeyNames, cancel: cancel}
	s.stream = e.rechecker.add(ctx, auth.Principal{}, s.end)
	s.stream.limit = cmp.Or(t.MaxSubscriptions, defaultMaxSubscriptions)
	s.request = r.WithContext(context.WithValue(ctx, streamKey{e}, s.stream))

	inner := t.Websocket
	inner.InitFunc = s.init
	inner.InitTimeout = cmp.Or(inner.InitTimeout, defaultInitTimeout)
	if inner.Implementation == nil {
		inner.Implementation = transport.CoderWebsocketImplementation{}
	}
	inner.Implementation = acceptor{inner.Implementation, s}
	if heard := inner.CloseFunc; heard != nil {
		inner.CloseFunc = func(ctx context.Context, code int) { heard(ctx, s.code(code)) }
	}
	defer s.finish()
	inner.Do(w, s.request, socketExecutor{exec, s})
}

// A socket is one connection.
type socket struct {
	guard        *auth.Guard
	hostInit     transport.WebsocketInitFunc
	names        []string      // Websocket.KeyNames
	request      *http.Request // the upgrade request
	cancel       context.CancelFunc
	stream       *stream
	conn         *connection // nil until the upgrade is accepted
	initReceived bool        // connection_init came
	acknowledged atomic.Bool // connection_ack was sent
}

// init authenticates the sender of connection_init, then calls the host's InitFunc.
func (s *socket) init(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
	s.initReceived = true
	headers := credentials(payload, s.names, s.guard.Format())
	s.stream.check(ctx, func(context.Context) (auth.Principal, error) { return s.guard.CheckMessage(s.request, headers) })
	if ctx, err := s.refused(ctx); err != nil {
		return ctx, nil, err
	}
	p := s.stream.current()
	if before, _ := s.guard.PrincipalFrom(ctx); before.KeyID() == "" && p.KeyID() != "" {
		redact(payload, s.names, headers)
	}
	ctx = auth.NewContext(ctx, p)
	own, answer := ctx, (*transport.InitPayload)(nil)
	if s.hostInit != nil {
		var err error
		if own, answer, err = s.hostInit(ctx, payload); own == nil {
			own = ctx // gqlgen would panic, and leave the connection open
		}
		if err != nil {
			return own, answer, err
		}
	}
	s.acknowledged.Store(true)
	if ctx, err := s.refused(own); err != nil { // the stream ended meanwhile
		return ctx, nil, err
	}
	return own, answer, nil
}

// refused returns why the stream ended, with a context that carries the close code for gqlgen.
func (s *socket) refused(ctx context.Context) (context.Context, error) {
	refusal := s.stream.ended()
	if refusal == nil && s.stream.ctx.Err() != nil {
		refusal = unavailable // the client has left, so it does not read this
	}
	if refusal == nil {
		return ctx, nil
	}
	code, reason := closing(refusal)
	ctx = transport.WithWebsocketCloseCode(ctx, code)
	if code == CloseTryAgain {
		return transport.AppendCloseReason(ctx, reason), refusal
	}
	read := "connection_init is read for " + strings.Join(append([]string{"api-key", "Authorization"}, s.names...), ", ")
	reason += ": " + read
	return transport.AppendCloseReason(ctx, reason[:min(len(reason), maxReason)]), fmt.Errorf("%w: %s", refusal, read)
}

// end closes the connection and cancels its operations. Before connection_ack, init closes it.
func (s *socket) end(refusal *auth.Refusal) {
	if s.acknowledged.Load() {
		s.guard.Report(s.request.WithContext(auth.NewContext(s.request.Context(), s.stream.current())), "", refusal)
		s.conn.shut(closing(refusal))
	}
	s.cancel()
}

// code returns the close code that was sent, which gqlgen may not know.
func (s *socket) code(code int) int {
	if refusal := s.stream.ended(); refusal != nil {
		code, _ = closing(refusal)
	}
	return code
}

// finish closes a connection that gqlgen leaves open: one whose connection_init payload is not an object, or whose
// InitFunc panicked.
func (s *socket) finish() {
	if s.conn == nil || s.acknowledged.Load() {
		return
	}
	if s.initReceived {
		_ = s.conn.WriteClose(closeInternal, "Internal server error")
	} else {
		_ = s.conn.WriteClose(CloseBadRequest, "Bad request")
	}
	_ = s.conn.Close()
}

// closing returns the close code and reason of a refusal.
func closing(refusal *auth.Refusal) (code int, reason string) {
	switch refusal.Status {
	case http.StatusBadRequest:
		return CloseBadRequest, "Bad request"
	case http.StatusUnauthorized, http.StatusForbidden:
		return CloseForbidden, "Forbidden"
	}
	return CloseTryAgain, "Try again later"
}

// A socketExecutor authenticates the caller again at each operation over a socket, as HTTP would.
type socketExecutor struct {
	graphql.GraphExecutor
	socket *socket
}

// CreateOperationContext implements graphql.GraphExecutor. A caller who is refused loses the socket; a rate limit or a
// store error refuses only the operation.
func (x socketExecutor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	s := x.socket
	p, err := s.guard.CheckMessage(s.request.WithContext(auth.NewContext(ctx, s.stream.current())), nil)
	if err == nil && s.stream.ended() == nil {
		s.stream.setPrincipal(p)
		return x.GraphExecutor.CreateOperationContext(auth.NewContext(ctx, p), params)
	}
	refusal, ok := errors.AsType[*auth.Refusal](err)
	if !ok {
		refusal = unavailable
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
	return x.GraphExecutor.DispatchOperation(auth.NewContext(ctx, x.socket.stream.current()), oc)
}

// An acceptor is the host's websocket implementation, wrapped to keep each connection.
type acceptor struct {
	transport.WebsocketImplementation
	socket *socket
}

// Accept implements transport.WebsocketImplementation.
func (a acceptor) Accept(w http.ResponseWriter, r *http.Request, options transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	conn, err := a.WebsocketImplementation.Accept(w, r, options)
	if err != nil {
		return nil, err
	}
	a.socket.conn = &connection{WebsocketConn: conn}
	return a.socket.conn, nil
}

// A connection is closed with one code, by the first goroutine that closes it, and carries nothing after shut.
type connection struct {
	transport.WebsocketConn
	final   atomic.Pointer[closeFrame]
	closing sync.Once
}

// A closeFrame is the content of a close frame.
type closeFrame struct {
	code   int
	reason string
}

// shut closes the connection with our code. It waits neither for gqlgen's lock, which a writer holds while the client
// does not read, nor for the host's implementation.
func (c *connection) shut(code int, reason string) {
	c.final.Store(&closeFrame{code, reason})
	go func() { _ = c.WriteClose(code, reason) }()
}

// WriteClose implements transport.WebsocketConn. Only the first call has an effect. It sends our close frame if shut
// was called.
func (c *connection) WriteClose(code int, reason string) (err error) {
	c.closing.Do(func() {
		if own := c.final.Load(); own != nil {
			code, reason = own.code, own.reason
		}
		err = c.WebsocketConn.WriteClose(code, reason)
	})
	return err
}

// NextReader implements transport.WebsocketConn.
func (c *connection) NextReader() (int, io.Reader, error) {
	kind, r, err := c.WebsocketConn.NextReader()
	if c.final.Load() != nil {
		return 0, nil, transport.ErrWebsocketClosed
	}
	return kind, r, err
}

// WriteJSON implements transport.WebsocketConn.
func (c *connection) WriteJSON(v any) error {
	if c.final.Load() != nil {
		return transport.ErrWebsocketClosed
	}
	return c.WebsocketConn.WriteJSON(v)
}

// SetReadLimit implements transport.WebsocketReadLimiter, if the host's connection does.
func (c *connection) SetReadLimit(limit int64) {
	if l, ok := c.WebsocketConn.(transport.WebsocketReadLimiter); ok {
		l.SetReadLimit(limit)
	}
}

// SetReadDeadline implements transport.WebsocketReadDeadliner, if the host's connection does.
func (c *connection) SetReadDeadline(t time.Time) error {
	if d, ok := c.WebsocketConn.(transport.WebsocketReadDeadliner); ok {
		return d.SetReadDeadline(t)
	}
	return nil
}
