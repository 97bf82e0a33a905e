package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/database"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/keys"
)

// A node is one process on the database. It sees the changes of other nodes within config.staleness; on PostgreSQL it
// is notified at once.
type node struct {
	db       *database.Database
	store    *sqlstore.Store
	lk       *setup.Installation
	users    *users.Table
	sessions *sessions.Sessions
	content  *content.Store
	assets   *assets.Store // nil without a folder
	secure   bool
	log      *log.Logger
	profile  profile

	closers []func(context.Context) error // run last to first
}

// open builds a node on the database that c names. The database may be new.
func open(ctx context.Context, c config, logger *log.Logger) (n *node, err error) {
	n = &node{log: logger, secure: c.secure}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close(ctx))
			n = nil
		}
	}()
	if n.profile, err = profileNamed(c.profile); err != nil {
		return n, err
	}
	if n.db, err = database.Open(c.db); err != nil {
		return n, err
	}
	n.onClose(func(context.Context) error { return n.db.Close() })
	if n.store, err = n.db.Prepare(ctx); err != nil {
		return n, err
	}
	n.onClose(func(context.Context) error { return n.store.Close() })
	n.content, n.users = content.New(n.db.DB).WriteThrough(n.store), users.New(n.store)
	if folder := n.db.Uploads(c.uploads); folder != "" {
		if n.assets, err = assets.Open(n.db.DB, folder); err != nil {
			return n, err
		}
		n.onClose(func(context.Context) error { return n.assets.Close() })
	}
	n.sessions = sessions.New(n.store, n.users, c.secure)
	peppers, err := n.db.Pepper(ctx, c.pepper, c.load != "")
	if err != nil {
		return n, err
	}
	permissions, err := catalog()
	if err != nil {
		return n, err
	}
	set := setup.Config{
		Store: n.store, Users: n.users, ListUsers: n.users.List, SignedIn: n.sessions.User,
		Catalog: permissions, Names: n.names, Staleness: c.staleness,
		Logger: slog.New(slog.NewTextHandler(logger.Writer(), &slog.HandlerOptions{Level: slog.LevelError})),
		Keys: keys.Config{
			StoreTimeout: c.patience, Peppers: peppers,
			ImportedKeys: true, // examples/cms/import brings them
		},
		Guard: n.profile.configure(auth.Config{Timeout: c.patience}),
	}
	if n.db.Dialect == sqlstore.PostgreSQL {
		set.Listen = n.listen
	}
	if n.lk, err = setup.Open(ctx, set); err != nil {
		return n, err
	}
	n.onClose(n.lk.Close)
	return n, nil
}

// listen wakes the caches at each change on another node, for [setup.Config].
func (n *node) listen(ctx context.Context, channel string, wake func()) error {
	conn, err := pgx.Connect(ctx, n.db.DSN)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize())
	for err == nil {
		wake()
		_, err = conn.WaitForNotification(ctx)
	}
	return err
}

func (n *node) onClose(f func(context.Context) error) { n.closers = append(n.closers, f) }

// close saves last-used times and stops everything the node started.
func (n *node) close(ctx context.Context) error {
	var errs []error
	for _, closer := range slices.Backward(n.closers) {
		errs = append(errs, closer(ctx))
	}
	n.closers = nil
	return errors.Join(errs...)
}
