// Nodes is one of several servers with common keys: start it twice on one database, change something on one, and ask
// the other.
//
//	go run ./examples/nodes -db /tmp/keys.db
//	go run ./examples/nodes -db /tmp/keys.db
//
// It prints "listening on http://HOST:PORT" and serves GET /posts to callers with the permission content/posts/read.
// Type changes as commands, one per line; each is answered by one line; see commands in command.go. It runs until
// SIGTERM or until its input ends, so that no node outlives the test that started it.
package main

import (
	"bufio"
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

func main() {
	var c config
	flag.StringVar(&c.db, "db", "", "a SQLite file, or a postgres:// DSN")
	flag.DurationVar(&c.staleness, "b", 5*time.Second, "how long a change made by another node may go unseen")
	flag.BoolVar(&c.listen, "listen", true, "listen to PostgreSQL's notifications, which makes it milliseconds")
	addr := flag.String("addr", "127.0.0.1:0", "address to serve on; port 0 picks one")
	flag.Parse()
	if c.db == "" || c.staleness <= 0 || flag.NArg() > 0 {
		log.Fatal("nodes needs -db, a -b above zero, and no arguments")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c, *addr, os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx is done or in ends.
func run(ctx context.Context, c config, addr string, in io.Reader, out io.Writer) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	n, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close(context.WithoutCancel(ctx))) }()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%v\n", listener.Addr())
	go func() {
		defer stop()
		for lines := bufio.NewScanner(in); lines.Scan(); {
			fmt.Fprintln(out, n.command(ctx, lines.Text()))
		}
	}()
	server := &http.Server{
		Handler:           n.handler(),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		drained <- server.Shutdown(drain)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}
