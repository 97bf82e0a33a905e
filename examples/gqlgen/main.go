// Gqlgen is an ordinary gqlgen project behind Latchkey: its schema says what each field needs, and one extension
// enforces it over POST, GET, server-sent events and websockets. It keeps everything in memory, serves a page to try
// it at /, and prints the curl lines to try.
//
//	go run ./examples/gqlgen
//
// The schema is in graph/schema.graphqls. After a change to it, in this folder:
//
//	go run github.com/99designs/gqlgen generate
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/gqlgen/blog"
	"github.com/latchkey-go/latchkey/examples/gqlgen/graph"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on; port 0 picks one")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("gqlgen takes no arguments, only flags: %q", flag.Args())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx is done.
func run(ctx context.Context, addr string, out io.Writer) error {
	policy := roles.MustCompile(
		roles.Role{AppID: "public", Name: "Public API", Permissions: roles.Grants{"content/posts/read": true}},
		roles.Role{AppID: "reader", Name: "Reader", Permissions: roles.Grants{"content/*/read": true}},
		roles.Role{AppID: "editor", Name: "Editor", Permissions: roles.Grants{"content/**": true, "app/**": true}},
	)
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(context.WithoutCancel(ctx))
	custom, err := ring.IssueCustom(ctx, keys.Custom{Name: "Website build", Role: "editor"})
	if err != nil {
		return err
	}
	personal, err := ring.IssueUser(ctx, "ada", keys.User{})
	if err != nil {
		return err
	}
	guard, err := auth.New(auth.Config{
		Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("public"),
		Users: auth.UserMap{"ada": {Name: "Ada", Role: "reader", Active: true}},
	})
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.Handle("/graphql", graphqlauth.Handler(guard, newServer(guard, config(&graph.Resolver{Blog: blog.New()}))))
	guard.Handle(mux, "DELETE /keys/{id}", "app/api/manage", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch err := ring.Invalidate(r.Context(), r.PathValue("id")); {
		case errors.Is(err, keys.ErrNotFound):
			http.Error(w, "No such key", http.StatusNotFound)
		case err != nil:
			guard.Refuse(w, r, err)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	servePage(guard, mux)

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w (choose another address with -addr; port 0 picks a free one)", err)
	}
	streams, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, // time to read a request; a subscription may last longer
		BaseContext: func(net.Listener) context.Context { return streams },
	}
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		time.AfterFunc(time.Second, cut) // requests have had their time; a subscription would never end
		drained <- server.Shutdown(drain)
	}()
	explain(out, "http://"+listener.Addr().String(), custom, personal)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

func explain(out io.Writer, url string, custom, personal keys.Issued) {
	fmt.Fprintf(out, `listening on %[1]s
custom key %[2]s (role editor; may write; shown once)
user key %[3]s (ada, role reader; may read; shown once)

Try it in a browser at %[1]s/ or here:
  curl -i %[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"{ posts { title } }"}'
  curl -i %[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"{ secret { title } }"}'
  curl -i %[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"{ posts { title } secret { title } }"}' -H 'api-key: %[3]s'
  curl -i %[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"mutation { createPost(input: {title: \"Hello\"}) { id } }"}' -H 'api-key: %[3]s'
  curl -i %[1]s/graphql -H 'Content-Type: application/json' -d '{"query":"mutation { createPost(input: {title: \"Hello\"}) { id } }"}' -H 'api-key: %[2]s'
  curl -iN %[1]s/graphql -H 'Content-Type: application/json' -H 'Accept: text/event-stream' -d '{"query":"subscription { clock }"}' -H 'api-key: %[3]s'
while that one runs, in another terminal, invalidate its key:
  curl -i -X DELETE %[1]s/keys/%[4]s -H 'api-key: %[2]s'
`, url, custom.Key.Reveal(), personal.Key.Reveal(), personal.Record.ID)
}
