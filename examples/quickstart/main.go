// Quickstart is the smallest server that uses Latchkey: public pages, content that needs a key, and keys that can be
// refreshed and invalidated. It keeps everything in memory and prints the curl lines to try.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"encoding/json"
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
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on; port 0 picks one")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("quickstart takes no arguments, only flags: %q", flag.Args())
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
		roles.Role{AppID: "public", Name: "Public API", Permissions: roles.Grants{"content/pages/read": true}},
		roles.Role{AppID: "reader", Name: "Reader", Permissions: roles.Grants{"content/*/read": true}},
		roles.Role{AppID: "editor", Name: "Editor", Permissions: roles.Grants{"content/**": true, "app/api/manage": true}},
	)
	users := auth.UserMap{"ada": {Name: "Ada", Role: "reader", Active: true}}

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

	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Users: users, Anonymous: publicapi.Fixed("public")})
	if err != nil {
		return err
	}
	manage := manager{ring, guard, policy, users}
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/pages/menus", "content/pages/read", http.HandlerFunc(menus))
	guard.Handle(mux, "POST /api/content/{model}", "content/{model}/create", http.HandlerFunc(create))
	guard.Handle(mux, "POST /keys/{id}/refresh", "app/api/manage", http.HandlerFunc(manage.refresh))
	guard.Handle(mux, "DELETE /keys/{id}", "app/api/manage", http.HandlerFunc(manage.invalidate))
	guard.HandleOpen(mux, "GET /healthz", http.HandlerFunc(healthy))

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w (choose another address with -addr; port 0 picks a free one)", err)
	}
	server := &http.Server{
		Handler:           guard.Identify(mux),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		drained <- server.Shutdown(drain)
	}()
	explain(out, "http://"+listener.Addr().String(), custom, personal)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained // Serve returns when Shutdown begins; requests under way still need the ring
}

func explain(out io.Writer, url string, custom, personal keys.Issued) {
	fmt.Fprintf(out, `listening on %[1]s
custom key %[2]s (role editor; shown once)
user key %[3]s (ada, role reader; shown once)

Try it:
  curl -i %[1]s/api/pages/menus
  curl -i -X POST %[1]s/api/content/posts -d '{"title":"Hello"}'
  curl -i -X POST %[1]s/api/content/posts -d '{"title":"Hello"}' -H 'api-key: %[2]s'
  curl -i -X POST %[1]s/api/content/posts -d '{"title":"Hello"}' -H 'Authorization: Bearer %[2]s'
  curl -i -X POST %[1]s/api/content/posts -d '{"title":"Hello"}' -H 'api-key: %[3]s'
  curl -i %[1]s/api/pages/menus -H 'api-key: wrong'
  curl -i -X POST %[1]s/keys/%[4]s/refresh -H 'api-key: %[2]s'
then, with the key that this one answers:
  curl -i -X DELETE %[1]s/keys/%[5]s -H 'api-key: THE-NEW-KEY'
`, url, custom.Key.Reveal(), personal.Key.Reveal(), custom.Record.ID, personal.Record.ID)
}

func menus(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, []map[string]string{{"title": "Home", "url": "/"}, {"title": "About", "url": "/about"}})
}

func create(w http.ResponseWriter, r *http.Request) {
	var item map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&item); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": "The body is not a JSON object"})
		return
	}
	caller, _ := auth.PrincipalFrom(r.Context())
	reply(w, http.StatusCreated, map[string]any{"model": r.PathValue("model"), "item": item, "by": caller.String()})
}

func healthy(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
