// Cms is a small headless CMS with Cockpit's content addresses, over Latchkey's SQL stores: SQLite by default,
// PostgreSQL by DSN, several nodes on one database, and a console in the browser. It prints a password to sign in
// with and curl lines to try.
//
//	go run ./examples/cms
//	go run ./examples/cms -load documents.json -db cms.db
//	go run ./examples/cms -db postgres://…
//	go run ./examples/cms -profile cockpit -db cms.db
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
)

type config struct {
	addr, db, load, pepper, uploads string
	profile                         string        // "" is the library's own; "cockpit" is Cockpit's
	secure                          bool          // the session cookie is sent over TLS only
	staleness                       time.Duration // how late this node may see a change by another node
	patience                        time.Duration // for one store call; zero: one second
}

func main() {
	var c config
	flag.StringVar(&c.addr, "addr", "127.0.0.1:8080", "address to listen on; port 0 picks one")
	flag.StringVar(&c.db, "db", "", "SQLite file, or postgres:// DSN (default: cms.db in a new temporary folder)")
	flag.StringVar(&c.load, "load", "", "JSON file of roles, users, keys, models and items to add, as Cockpit stores them")
	flag.StringVar(&c.pepper, "pepper", "", "file with the secret that keys are digested with (default: beside the SQLite file; made if missing)")
	flag.StringVar(&c.uploads, "uploads", "", "folder of uploaded files, the same for each node (default: beside the SQLite file; without it PostgreSQL has no assets)")
	flag.StringVar(&c.profile, "profile", "", "what the API looks like to its clients: \"cockpit\" answers as Cockpit CMS does")
	flag.BoolVar(&c.secure, "secure-cookies", false, "send the session's cookie over TLS alone: set it behind a proxy that ends TLS")
	flag.Parse()
	c.staleness = 5 * time.Second
	if flag.NArg() > 0 {
		log.Fatalf("cms takes no arguments, only flags: %q", flag.Args())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c, os.Stdout, os.Stderr); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx is done. Then it answers requests under way and saves last-used times.
func run(ctx context.Context, c config, out, problems io.Writer) (err error) {
	// Listen first: the keys made below are printed once, and only if the server can start.
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("%w (choose another address with -addr; port 0 picks a free one)", err)
	}
	defer listener.Close()
	n, err := open(ctx, c, log.New(problems, "cms: ", log.LstdFlags))
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, n.close(closing))
	}()
	issued, err := n.fill(ctx, c.load)
	if err != nil {
		return err
	}
	login, password, err := n.users.First(ctx)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: n.site(), MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		// A connection that has sent nothing gets five seconds, so this must be longer.
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		drained <- server.Shutdown(drain)
	}()
	explain(out, "http://"+listener.Addr().String(), n.db.Name, issued, login, password)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained // Serve returns when Shutdown begins; requests under way still need the node
}
