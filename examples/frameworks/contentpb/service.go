// Package contentpb is the service of the gRPC and Connect examples: what it does, without a transport.
package contentpb

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/grpc"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Needs has the permission of each method; "" needs none. The permission of a stream has no {name}.
var Needs = map[string]string{
	Content_Menus_FullMethodName:  "content/pages/read",
	Content_Create_FullMethodName: "content/{model}/create",
	Content_Watch_FullMethodName:  "content/items/watch",
}

// A Service does what both transports serve.
type Service struct{ Store *content.Store }

// Menus returns the menus.
func (s Service) Menus(context.Context, *MenusRequest) (*MenusReply, error) {
	return &MenusReply{Menus: s.Store.Menus()}, nil
}

// Create creates an item.
func (s Service) Create(ctx context.Context, r *CreateRequest) (*CreateReply, error) {
	item := s.Store.Create(ctx, r.GetModel())
	return &CreateReply{Model: item.Model, By: item.By}, nil
}

// stream sends each item, old and new, until ctx is done.
func (s Service) stream(ctx context.Context, send func(*CreateReply) error) error {
	for sent := 0; ; {
		items, next := s.Store.Items(sent)
		for _, item := range items {
			if err := auth.Allowed(ctx, Needs[Content_Watch_FullMethodName]); err != nil {
				return err // the role has lost it since the stream began
			}
			if err := send(&CreateReply{Model: item.Model, By: item.By}); err != nil {
				return err
			}
		}
		sent += len(items)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
		}
	}
}

// GRPC is the service for gRPC.
type GRPC struct {
	Service
	UnsafeContentServer
}

// Watch sends each item that is created.
func (s GRPC) Watch(_ *WatchRequest, stream grpc.ServerStreamingServer[CreateReply]) error {
	return s.stream(stream.Context(), stream.Send)
}

// Connect is the service for Connect.
type Connect struct{ Service }

// Watch sends each item that is created.
func (s Connect) Watch(ctx context.Context, _ *WatchRequest, stream *connect.ServerStream[CreateReply]) error {
	return s.stream(ctx, stream.Send)
}
