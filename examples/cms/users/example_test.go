package users_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// A table of the host's own in the library's database, in one transaction with it. The host brings the driver.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "users-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "users.db"))
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
	if _, err := db.ExecContext(ctx, users.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}

	table := users.New(store)
	stop := store.Follow(func() { fmt.Println("nodes are told: users may have changed") })
	defer stop()
	ada := users.User{ID: "u1", Login: "ada", Name: "Ada", Role: "editor", Active: true}
	for range 2 {
		added, err := table.Add(ctx, ada)
		fmt.Println(added, err)
	}
	fmt.Println(table.User(ctx, "u1"))
	fmt.Println(table.User(ctx, "u2"))
	// Output:
	// nodes are told: users may have changed
	// 1 <nil>
	// 0 <nil>
	// {u1 Ada editor true} <nil>
	// {   false} auth: no such user
}
