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

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/load"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
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
	if _, err := db.ExecContext(ctx, users.Schema+content.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}
	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	ring := keys.NewRing(store.Keys())
	defer ring.Close(ctx)
	directory, err := roles.Open(ctx, roles.Config{Store: store.Roles()})
	if err != nil {
		log.Fatal(err)
	}
	defer directory.Close(ctx)
	public, err := publicapi.New(publicapi.Config{Store: store.PublicAPI(), Roles: directory})
	if err != nil {
		log.Fatal(err)
	}

	into := load.Into{
		Roles: directory, Users: users.New(store), Keys: ring, Public: public, Content: content.New(db),
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
	// refused: key "Old one": keys: refused: a weak key is only taken under a pepper
	// added 1 roles, 0 users, 1 keys, 0 models and 0 items
	// refused: key "Old one": keys: refused: a weak key is only taken under a pepper
	// added 0 roles, 0 users, 0 keys, 0 models and 0 items
}
