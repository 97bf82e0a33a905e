// Frameworks serves the same content with a framework of your choice, and prints a key to try it with.
//
//	GOWORK=off go run . chi
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alexedwards/scs/v2"
	mcpsdk "github.com/modelcontextprotocol/go-sdk/mcp"
	grpcgo "google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/calls"
	"github.com/latchkey-go/latchkey/examples/frameworks/chi"
	"github.com/latchkey-go/latchkey/examples/frameworks/connect"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
	"github.com/latchkey-go/latchkey/examples/frameworks/contentpb"
	"github.com/latchkey-go/latchkey/examples/frameworks/contentpb/contentpbconnect"
	"github.com/latchkey-go/latchkey/examples/frameworks/echo"
	"github.com/latchkey-go/latchkey/examples/frameworks/gin"
	"github.com/latchkey-go/latchkey/examples/frameworks/grpc"
	"github.com/latchkey-go/latchkey/examples/frameworks/htmx"
	"github.com/latchkey-go/latchkey/examples/frameworks/huma"
	"github.com/latchkey-go/latchkey/examples/frameworks/mcp"
	"github.com/latchkey-go/latchkey/examples/frameworks/nethttp"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// frameworks are the names that main takes.
var frameworks = []string{"net/http", "chi", "echo", "gin", "huma", "htmx", "connect", "grpc", "mcp"}

// config returns the rules that all servers have.
func config(ring *keys.Ring) auth.Config {
	return auth.Config{
		Keys: ring,
		Roles: roles.MustCompile(
			roles.Role{AppID: "public", Permissions: roles.Grants{"content/pages/read": true}},
			roles.Role{AppID: "writer", Permissions: roles.Grants{"content/posts/create": true}},
			roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}},
		),
		Anonymous: publicapi.Fixed("public"),
		Users:     auth.UserMap{"ada": {Name: "ada", Role: "editor", Active: true}},
	}
}

// A server is a framework with its routes. Router is the framework's own, with which tests find all routes.
type server struct {
	guard   *auth.Guard
	router  any
	handler http.Handler // or a *grpcgo.Server, which has a transport of its own
}

// A toolServer is an MCP server and the permissions of its tools.
type toolServer struct {
	*mcpsdk.Server
	mcp.Tools
}

func open(name string, c auth.Config, store *content.Store) (s server, err error) {
	sessions := scs.New()
	if name == "htmx" {
		htmx.Configure(&c, sessions)
	}
	if s.guard, err = auth.New(c); err != nil {
		return s, err
	}
	guard, service := s.guard, contentpb.Service{Store: store}
	gate := calls.Gate{Guard: guard, Needs: maps.Clone(contentpb.Needs)}
	routed := func(router http.Handler) (server, error) { return server{guard, router, guard.Identify(router)}, nil }
	switch name {
	case "net/http":
		return routed(nethttp.Router(guard, store))
	case "chi":
		return routed(chi.Router(guard, store))
	case "echo":
		return routed(echo.Router(guard, store))
	case "gin":
		return routed(gin.Router(guard, store))
	case "huma":
		return routed(huma.Router(guard, store, "public"))
	case "htmx":
		password := func(user, text string) bool { return user == "ada" && text == "lovelace" } // the host's own
		router := htmx.Router(guard, sessions, password, store)
		return server{guard, router, sessions.LoadAndSave(guard.Identify(router))}, nil
	case "connect":
		_, h := contentpbconnect.NewContentHandler(contentpb.Connect{Service: service}, connect.Options(gate)...)
		return server{guard, gate, h}, nil
	case "grpc":
		h := grpcgo.NewServer(append(grpc.Options(gate), grpcgo.ConnectionTimeout(5*time.Second),
			grpcgo.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 2 * time.Minute}))...)
		contentpb.RegisterContentServer(h, contentpb.GRPC{Service: service})
		return server{guard, gate, h}, nil
	case "mcp":
		router := mcpsdk.NewServer(&mcpsdk.Implementation{Name: "content", Version: "1.0.0"}, nil)
		tools, h := mcp.Content(guard, router, store)
		return server{guard, toolServer{router, tools}, h}, nil
	}
	return s, fmt.Errorf("%q is none of %s", name, strings.Join(frameworks, ", "))
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on; port 0 picks one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flag.Arg(0), *addr, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx is done.
func run(ctx context.Context, name, addr string, out io.Writer) error {
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(context.WithoutCancel(ctx))
	issued, err := ring.IssueCustom(ctx, keys.Custom{Name: "Try me", Role: "editor"})
	if err != nil {
		return err
	}
	s, err := open(name, config(ring), &content.Store{})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on %s with %s; key %s (role editor)\n", listener.Addr(), name, issued.Key.Reveal())
	if s, ok := s.handler.(*grpcgo.Server); ok {
		context.AfterFunc(ctx, s.Stop)
		return s.Serve(listener)
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
