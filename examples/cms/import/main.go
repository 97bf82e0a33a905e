// Import moves a whole Cockpit 2 into the example CMS: roles, users, keys, the public API, models, items and assets. It reads
// Cockpit's storage folder and never writes to it.
//
//	go run ./examples/cms/import -from /var/www/cockpit/storage -db cms.db -dry-run
//	go run ./examples/cms/import -from /var/www/cockpit/storage -db cms.db
//	go run ./examples/cms -db cms.db -profile cockpit
//
// Each key that worked goes on working; passwords and revisions stay behind. It may be run again at any time:
// existing records are not changed. With -dry-run nothing is written, and the report says what would be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/latchkey-go/latchkey/examples/cms/database"
)

type config struct {
	from, db, pepper, uploads string
	dryRun                    bool
}

func main() {
	var c config
	flag.StringVar(&c.from, "from", "", "Cockpit's storage folder; it is only read")
	flag.StringVar(&c.db, "db", "", "SQLite file, or postgres:// DSN, of the CMS; made if it is missing")
	flag.StringVar(&c.pepper, "pepper", "", "file with the secret that keys are digested with, as for the CMS (default: beside the SQLite file)")
	flag.StringVar(&c.uploads, "uploads", "", "folder for uploaded files, as for the CMS (default: beside the SQLite file)")
	flag.BoolVar(&c.dryRun, "dry-run", false, "write nothing, and say what would be")
	flag.Parse()
	if flag.NArg() > 0 || c.from == "" || c.db == "" {
		log.Fatal("import needs -from and -db, and takes no arguments")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, c config, out io.Writer) (err error) {
	start := time.Now()
	from, err := openStorage(c.from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	if from.has(c.db) || from.has(c.uploads) {
		return errors.New("-db or -uploads names what is Cockpit's own, which is only read: name another file or folder")
	}
	db, err := openTarget(ctx, &c, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close(ctx)) }()
	db.uploads = db.db.Uploads(c.uploads)
	if err := move(ctx, from, db, c.dryRun, out); err != nil {
		return err
	}
	fmt.Fprintf(out, "took %s%s\n", time.Since(start).Round(time.Millisecond), peak())
	return nil
}

// openTarget opens the database to write. A dry run opens it read-only, or uses an empty temporary one if there is
// none yet.
func openTarget(ctx context.Context, c *config, out io.Writer) (*target, error) {
	if !c.dryRun {
		db, err := database.Open(c.db)
		if err != nil {
			return nil, err
		}
		return prepare(ctx, db, c.pepper, nil)
	}
	db, err := database.Look(ctx, c.db)
	if err == nil {
		return prepare(ctx, db, c.pepper, nil)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fmt.Fprintln(out, "the database is new")
	folder, err := os.MkdirTemp("", "latchkey-import-")
	if err != nil {
		return nil, err
	}
	remove := func() error { return os.RemoveAll(folder) }
	if db, err = database.Open(filepath.Join(folder, "empty.db")); err != nil {
		return nil, errors.Join(err, remove())
	}
	return prepare(ctx, db, "", remove)
}
