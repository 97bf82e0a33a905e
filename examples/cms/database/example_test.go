package database_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/latchkey-go/latchkey/examples/cms/database"
)

// A new database, and a read-only view of it.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "database-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "cms.db")
	_, err = database.Look(ctx, name)
	fmt.Println("there is one:", !errors.Is(err, fs.ErrNotExist))

	db, err := database.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := db.Prepare(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	for _, value := range []string{"first", "second"} {
		now, mine, err := db.Claim(ctx, "who came first", value)
		fmt.Println(now, mine, err)
	}

	looking, err := database.Look(ctx, name)
	if err != nil {
		log.Fatal(err)
	}
	defer looking.Close()
	_, err = looking.ExecContext(ctx, `DELETE FROM cms_settings`)
	fmt.Println("it can be written:", err == nil)
	// Output:
	// there is one: false
	// first true <nil>
	// first false <nil>
	// it can be written: false
}
