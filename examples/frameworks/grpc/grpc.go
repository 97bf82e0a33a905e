// Package grpc guards google.golang.org/grpc: its calls, and its streams while they last.
package grpc

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/calls"
)

// glue

// Options are the options of a server whose calls gate decides on.
func Options(gate calls.Gate) []grpc.ServerOption {
	check := func(ctx context.Context, method string, message any) (context.Context, error) {
		header, _ := metadata.FromIncomingContext(ctx)
		from, _ := peer.FromContext(ctx)
		return gate.Check(ctx, method, http.Header(header), from.Addr.String(), message)
	}
	unary := func(ctx context.Context, message any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
		if ctx, err = check(ctx, info.FullMethod, message); err == nil {
			reply, err = handler(ctx, message)
		}
		return reply, answer(err)
	}
	stream := func(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		ctx, err := check(s.Context(), info.FullMethod, nil)
		if err == nil {
			ctx, stop := auth.Follow(ctx) // done when the caller's access ends
			defer stop()
			err = calls.Ended(ctx, handler(srv, followed{s, ctx}))
		}
		return answer(err)
	}
	return []grpc.ServerOption{grpc.UnaryInterceptor(unary), grpc.StreamInterceptor(stream), grpc.MaxRecvMsgSize(1 << 20)}
}

type followed struct {
	grpc.ServerStream
	ctx context.Context
}

func (f followed) Context() context.Context { return f.ctx }

// answer gives a refusal its code, also one of auth.Allowed in a handler.
func answer(err error) error {
	if refusal, ok := errors.AsType[*auth.Refusal](err); ok {
		return status.Error(codes.Code(calls.Code(refusal)), refusal.Error())
	}
	return err
}
