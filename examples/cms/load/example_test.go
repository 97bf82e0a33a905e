package load_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/load"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/keys"
)

// A file is loaded twice. The host brings the driver.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "load-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "load.db")+"?_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := sqlstore.Migrate(ctx, db, sqlstore.SQLite); err != nil {
		log.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, users.Schema(sqlstore.SQLite)+content.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	ring, err := keys.Open(keys.Config{Store: store.Keys(), ImportedKeys: true})
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Close(ctx)
	into := load.Into{
		Content: content.New(db),
		Access: cockpit.Into{
			Keys: ring, Roles: store.Roles(), Public: store.PublicAPI(), Users: load.Accounts(users.New(store)), InTx: store.InTx,
			Audit: audit.NewMemoryLog(0),
		},
		Say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) },
	}
	for range 2 {
		file, err := load.Read(strings.NewReader(`{
			"roles": [{"appid": "reader", "permissions": {"content/posts/read": true}}],
			"api_keys": [
				{"_id": "6b048abb", "name": "Website", "role": "reader", "key": "API-7d6e61ba39d3670bf4888c726c1e628540a4baec"},
				{"_id": "6b048abc", "name": "Old one", "role": "reader", "key": "letmein"}
			]
		}`))
		if err != nil {
			log.Fatal(err)
		}
		if err := into.Add(ctx, file); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// refused key 6b048abc "Old one": the key has, or may have, less than 112 bits of randomness
	// added 1 roles, 0 users, 1 keys, 0 models and 0 items
	// refused key 6b048abc "Old one": the key has, or may have, less than 112 bits of randomness
	// added 0 roles, 0 users, 0 keys, 0 models and 0 items
}
