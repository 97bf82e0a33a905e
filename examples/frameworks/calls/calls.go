// Package calls decides on the calls of gRPC and Connect, whose codes have the same numbers.
package calls

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/latchkey-go/latchkey/auth"
)

// glue

// A Gate has the permission that each method needs; "" needs none. The permission of a stream has no {name}.
type Gate struct {
	Guard *auth.Guard
	Needs map[string]string
}

// Check decides on a call and returns a context with its caller. A method that Needs lacks is refused. The {model} of a
// permission is the one in message, which is the message that the handler gets.
func (g Gate) Check(ctx context.Context, method string, header http.Header, from string, message any) (context.Context, error) {
	permission, ok := g.Needs[method]
	if !ok {
		permission = "(none is written for " + method + ")" // malformed: 500, and the event says why
	}
	address, _ := netip.ParseAddrPort(from) // its zero Addr is unknown
	call := auth.Call{Header: header, Operation: method, Permission: permission, Peer: address.Addr()}
	if m, ok := message.(interface{ GetModel() string }); ok {
		call.Values = map[string]string{"model": m.GetModel()}
	}
	p, err := g.Guard.CheckCall(ctx, call)
	return auth.NewContext(ctx, p), err
}

// Ended returns the refusal that ended the stream with this context of auth.Follow, or err.
func Ended(ctx context.Context, err error) error {
	if refusal, ok := errors.AsType[*auth.Refusal](context.Cause(ctx)); ok {
		return refusal
	}
	return err
}

// Code returns the code of a refusal.
func Code(refusal *auth.Refusal) uint32 {
	switch refusal.Status {
	case http.StatusBadRequest:
		return 3 // INVALID_ARGUMENT
	case http.StatusUnauthorized:
		return 16 // UNAUTHENTICATED
	case http.StatusForbidden:
		return 7 // PERMISSION_DENIED
	case http.StatusTooManyRequests:
		return 8 // RESOURCE_EXHAUSTED
	case http.StatusServiceUnavailable:
		return 14 // UNAVAILABLE
	}
	return 13 // INTERNAL
}
