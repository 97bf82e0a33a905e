package main

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/database"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/keys"
)

// A target is the CMS's database for an import. Nodes that use it are notified of the changes.
type target struct {
	db      *database.Database
	store   *sqlstore.Store
	ring    *keys.Ring
	users   *users.Table
	content *content.Store
	uploads string       // folder of uploaded files; "" is none
	after   func() error // runs after closing; may be nil
}

// prepare opens a target on a database, and closes the database if that fails.
func prepare(ctx context.Context, db *database.Database, pepper string, after func() error) (t *target, err error) {
	t = &target{db: db, after: after}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close(ctx))
			t = nil
		}
	}()
	if t.store, err = db.Prepare(ctx); err != nil {
		return t, err
	}
	peppers, err := db.Pepper(ctx, pepper, true)
	if err != nil {
		return t, err
	}
	if t.ring, err = keys.Open(keys.Config{Store: t.store.Keys(), Peppers: peppers, ImportedKeys: true}); err != nil {
		return t, err
	}
	t.users, t.content = users.New(t.store), content.New(db.DB).WriteThrough(t.store)
	return t, nil
}

func (t *target) close(ctx context.Context) error {
	var errs []error
	if t.ring != nil {
		errs = append(errs, t.ring.Close(context.WithoutCancel(ctx)))
	}
	if t.store != nil {
		errs = append(errs, t.store.Close())
	}
	errs = append(errs, t.db.Close())
	if t.after != nil {
		errs = append(errs, t.after())
	}
	return errors.Join(errs...)
}
