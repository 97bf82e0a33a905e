package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	connectgo "connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	grpcgo "google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/latchkey-go/latchkey/examples/frameworks/calls"
	"github.com/latchkey-go/latchkey/examples/frameworks/contentpb"
	"github.com/latchkey-go/latchkey/examples/frameworks/contentpb/contentpbconnect"
)

// statusOf gives the status of HTTP for a code of gRPC or Connect.
func statusOf(code uint32) int {
	status, ok := map[uint32]int{0: 200, 1: 499, 3: 400, 16: 401, 7: 403, 8: 429, 13: 500, 14: 503}[code]
	if !ok {
		return int(code)
	}
	return status
}

// decoded is the value for which a client of HTTP sends this segment. A call sends the value.
func decoded(t *testing.T, segment string) string {
	value, err := url.PathUnescape(segment)
	require.NoError(t, err)
	return value
}

// A caller calls the service through a transport.
type caller struct {
	menus  func(ctx context.Context, key string) error
	create func(ctx context.Context, key, model string) error
	// watch calls got for each item until the stream ends.
	watch func(ctx context.Context, key string, got func(*contentpb.CreateReply)) error
	code  func(error) uint32
}

// dialCalls makes the site of a service whose methods calls.Gate guards. raw sends a request of HTTP to Menus.
func dialCalls(t *testing.T, s *site, c caller, raw func(method, key string) int) {
	needs := s.router.(calls.Gate).Needs
	s.caller = c
	s.menus = func(key string) int { return statusOf(c.code(c.menus(t.Context(), key))) }
	s.create = func(key, model string) int { return statusOf(c.code(c.create(t.Context(), key, decoded(t, model)))) }
	s.method = raw
	s.misnamed = func(key string) int {
		needs[contentpb.Content_Menus_FullMethodName] = "content/{model}/read" // the message has no model
		return s.menus(key)
	}
	s.forget = func() string {
		delete(needs, contentpb.Content_Menus_FullMethodName)
		require.Equal(t, 500, s.menus(s.editor), "and it is refused")
		require.ErrorContains(t, s.events()[0].Err, "none is written for /content.v1.Content/Menus")
		return contentpb.Content_Menus_FullMethodName
	}
	s.sweep = func() (unguarded []string, guarded map[string]string) {
		methods := contentpb.File_contentpb_content_proto.Services().ByName("Content").Methods()
		for i := range methods.Len() {
			name := "/content.v1.Content/" + string(methods.Get(i).Name())
			if _, ok := needs[name]; !ok {
				unguarded = append(unguarded, name)
			}
		}
		return unguarded, needs
	}
}

func dialGRPC(t *testing.T, s *site) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := s.handler.(*grpcgo.Server)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpcgo.NewClient(listener.Addr().String(), grpcgo.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })

	// HTTP/2 without TLS, as gRPC speaks it
	transport := &http.Transport{Protocols: &http.Protocols{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	raw := func(method, key string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+listener.Addr().String()+contentpb.Content_Menus_FullMethodName, nil)
		require.NoError(t, err)
		r.Header = withKey(key)
		r.Header.Set("Content-Type", "application/grpc")
		resp, err := transport.RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	dialCalls(t, s, grpcCaller(contentpb.NewContentClient(conn)), raw)
}

func grpcCaller(client contentpb.ContentClient) caller {
	with := func(ctx context.Context, key string) context.Context {
		if key == "" {
			return ctx
		}
		return metadata.AppendToOutgoingContext(ctx, "api-key", key)
	}
	return caller{
		menus: func(ctx context.Context, key string) error {
			_, err := client.Menus(with(ctx, key), &contentpb.MenusRequest{})
			return err
		},
		create: func(ctx context.Context, key, model string) error {
			_, err := client.Create(with(ctx, key), &contentpb.CreateRequest{Model: model})
			return err
		},
		watch: func(ctx context.Context, key string, got func(*contentpb.CreateReply)) error {
			stream, err := client.Watch(with(ctx, key), &contentpb.WatchRequest{})
			for err == nil {
				var item *contentpb.CreateReply
				if item, err = stream.Recv(); err == nil {
					got(item)
				}
			}
			return err
		},
		code: func(err error) uint32 { return uint32(status.Code(err)) },
	}
}

func dialConnect(t *testing.T, s *site) {
	url := listen(t, s.handler)
	raw := func(method, key string) int {
		resp, _ := send(t, method, url+contentpb.Content_Menus_FullMethodName, "", withKey(key))
		return resp.StatusCode
	}
	dialCalls(t, s, connectCaller(contentpbconnect.NewContentClient(http.DefaultClient, url)), raw)
}

func connectCaller(client contentpbconnect.ContentClient) caller {
	with := func(ctx context.Context, key string) context.Context {
		ctx, call := connectgo.NewClientContext(ctx)
		if key != "" {
			call.RequestHeader().Set("Authorization", "Bearer "+key)
		}
		return ctx
	}
	return caller{
		menus: func(ctx context.Context, key string) error {
			_, err := client.Menus(with(ctx, key), &contentpb.MenusRequest{})
			return err
		},
		create: func(ctx context.Context, key, model string) error {
			_, err := client.Create(with(ctx, key), &contentpb.CreateRequest{Model: model})
			return err
		},
		watch: func(ctx context.Context, key string, got func(*contentpb.CreateReply)) error {
			stream, err := client.Watch(with(ctx, key), &contentpb.WatchRequest{})
			if err != nil {
				return err
			}
			defer stream.Close()
			for stream.Receive() {
				got(stream.Msg())
			}
			return stream.Err()
		},
		code: func(err error) uint32 {
			if err == nil {
				return 0
			}
			return uint32(connectgo.CodeOf(err))
		},
	}
}

// A stream ends when its caller's key does, and needs the permission to begin.
func TestStreams(t *testing.T) {
	for _, name := range []string{"grpc", "connect"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, name)
			c := s.caller
			none := func(*contentpb.CreateReply) { t.Error("an item") }
			for key, want := range map[string]int{"": 401, s.wrong: 401, s.writer: 403} {
				require.Equal(t, want, statusOf(c.code(c.watch(t.Context(), key, none))))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()

			require.NoError(t, c.create(ctx, s.editor, "posts"))
			items := make(chan string, 2)
			ended := make(chan error)
			go func() {
				ended <- c.watch(ctx, s.editor, func(item *contentpb.CreateReply) { items <- item.GetModel() + " by " + item.GetBy() })
			}()
			require.Equal(t, "posts by editor", <-items)
			require.NoError(t, c.create(ctx, s.writer, "posts"))
			require.Equal(t, "posts by writer", <-items)
			require.NoError(t, s.ring.Invalidate(ctx, s.editorID))
			require.Equal(t, 401, statusOf(c.code(<-ended)), "and not a timeout")
			require.NoError(t, ctx.Err())
		})
	}
}
