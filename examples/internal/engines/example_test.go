package engines_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Keys and roles in a SQLite file: a role that is deleted takes its keys' rights along.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "latchkey")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "keys.db")+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
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

	directory, err := roles.Open(ctx, roles.Config{Store: store.Roles()})
	if err != nil {
		log.Fatal(err)
	}
	defer directory.Close(ctx)
	ring, err := keys.Open(keys.Config{Store: store.Keys(), LastUsed: store.Keys()})
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Close(ctx)

	if err := directory.Save(ctx, roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}}); err != nil {
		log.Fatal(err)
	}
	issued, err := ring.IssueCustom(ctx, keys.Custom{Name: "Website build", Role: "editor"})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		verified, err := ring.Verify(ctx, issued.Key.Reveal())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("good, with role %q\n", verified.Role())
		if verified.Role() != "" {
			if err := directory.Delete(ctx, "editor"); err != nil {
				log.Fatal(err)
			}
		}
	}
	// Output:
	// good, with role "editor"
	// good, with role ""
}
