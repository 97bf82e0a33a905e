package graphqlauth

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
)

// An acceptor is the host's implementation of websockets, with a hand on each connection.
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

// A connection is closed with one code, whoever closes it, and carries nothing once it was shut.
type connection struct {
	transport.WebsocketConn
	final   atomic.Pointer[ending]
	closing sync.Once
}

// An ending is what a close frame says.
type ending struct {
	code   int
	reason string
}

// shut closes it with an ending of ours. It waits neither for gqlgen's lock, which whoever writes holds for as long
// as the client does not read, nor for the host's implementation.
func (c *connection) shut(code int, reason string) {
	c.final.Store(&ending{code, reason})
	go func() { _ = c.WriteClose(code, reason) }()
}

// WriteClose implements transport.WebsocketConn. The first call counts, with our ending if there is one.
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
