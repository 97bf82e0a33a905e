// Package connect guards connectrpc.com/connect: its calls, and its streams while they last.
package connect

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/calls"
)

// glue

// Options are the options of a handler whose calls gate decides on.
func Options(gate calls.Gate) []connect.HandlerOption {
	return []connect.HandlerOption{connect.WithInterceptors(interceptor{gate}), connect.WithReadMaxBytes(1 << 20)}
}

type interceptor struct{ gate calls.Gate }

func (i interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (reply connect.AnyResponse, err error) {
		if ctx, err = i.gate.Check(ctx, r.Spec().Procedure, r.Header(), r.Peer().Addr, r.Any()); err == nil {
			reply, err = next(ctx, r)
		}
		return reply, answer(err)
	}
}

func (i interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, err := i.gate.Check(ctx, conn.Spec().Procedure, conn.RequestHeader(), conn.Peer().Addr, nil)
		if err == nil {
			ctx, stop := auth.Follow(ctx) // done when the caller's access ends
			defer stop()
			err = calls.Ended(ctx, next(ctx, conn))
		}
		return answer(err)
	}
}

func (i interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// answer gives a refusal its code, also one of auth.Allowed in a handler.
func answer(err error) error {
	if refusal, ok := errors.AsType[*auth.Refusal](err); ok {
		return connect.NewError(connect.Code(calls.Code(refusal)), refusal)
	}
	return err
}
