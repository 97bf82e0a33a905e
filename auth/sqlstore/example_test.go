package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// This example needs a driver, which this module does not have, so it is compiled and not run. One that runs is in
// examples/internal/engines.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:keys.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := sqlstore.Migrate(ctx, db, sqlstore.SQLite); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ring, err := keys.Open(keys.Config{Store: store.Keys(), LastUsed: store.Keys()})
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Close(ctx)
	directory, err := roles.Open(ctx, roles.Config{Store: store.Roles()})
	if err != nil {
		log.Fatal(err)
	}
	defer directory.Close(ctx)

	// A key of the host's own user, in one step with the user.
	err = store.InTx(ctx, func(ctx context.Context) error {
		if _, err := store.Executor(ctx).ExecContext(ctx, "INSERT INTO users (id) VALUES (?)", "ada"); err != nil {
			return err
		}
		issued, err := ring.IssueUser(ctx, "ada", keys.User{})
		if err != nil {
			return err
		}
		fmt.Println("made", issued.Record.ID)
		return store.Touch(ctx) // other nodes may have known that there is no such user
	})
	if err != nil {
		log.Fatal(err)
	}
}
