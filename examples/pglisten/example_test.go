package pglisten_test

import (
	"context"
	"log"
	"os"

	"github.com/latchkey-go/latchkey/examples/pglisten"
)

// wake should read the changes: with sqlstore, pass the store's Wake and the channel "latchkey_changes". This example
// has no checked output, since it needs a server; listen_test.go has one.
func ExampleListen() {
	ctx := context.Background()
	wake := func() { log.Print("something may have changed") }
	stop, err := pglisten.Listen(ctx, os.Getenv("DATABASE_URL"), "latchkey_changes", wake, func(err error) { log.Print(err) })
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
}
