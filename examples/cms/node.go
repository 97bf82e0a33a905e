package main

import (
	"context"
	"errors"
	"log"
	"slices"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/database"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/examples/pglisten"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A node is one process on the database. It sees the changes of other nodes within config.staleness; on PostgreSQL it
// is notified at once.
type node struct {
	db       *database.Database
	store    *sqlstore.Store
	ring     *keys.Ring
	roles    *roles.Directory
	public   *publicapi.Service
	users    *users.Table
	sessions *sessions.Sessions
	content  *content.Store
	guard    *auth.Guard
	audit    audit.Log
	admin    *admin.Service
	log      *log.Logger
	profile  profile

	closers []func(context.Context) error // run last to first
}

// open builds a node on the database that c names. The database may be new.
func open(ctx context.Context, c config, logger *log.Logger) (n *node, err error) {
	n = &node{log: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close(ctx))
			n = nil
		}
	}()
	report := func(err error) { logger.Print(err) }

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
	n.sessions = sessions.New(n.store, n.users, c.secure)
	n.audit = n.store.Audit()

	peppers, err := n.db.Pepper(ctx, c.pepper, c.load != "")
	if err != nil {
		return n, err
	}
	n.ring, err = keys.Open(keys.Config{
		Store: n.store.Keys(), LastUsed: n.store.Keys(), Feed: n.store.Keys(), Staleness: c.staleness,
		StoreTimeout: c.patience, Peppers: peppers, OnError: report,
		ImportedKeys: true, // examples/cms/import brings them
	})
	if err != nil {
		return n, err
	}
	n.onClose(n.ring.Close)
	n.roles, err = roles.Open(ctx, roles.Config{Store: n.store.Roles(), Staleness: c.staleness, Timeout: c.patience, OnError: report})
	if err != nil {
		return n, err
	}
	n.onClose(n.roles.Close)
	permissions, err := catalog()
	if err != nil {
		return n, err
	}
	n.public, err = publicapi.New(publicapi.Config{
		Store: n.store.PublicAPI(), Directory: n.roles, Catalog: permissions, Names: n.names, Staleness: c.staleness,
	})
	if err != nil {
		return n, err
	}
	n.onClose(n.public.Close)
	cached := auth.CacheUsers(n.users, c.staleness)
	if err := n.follow(cached, report); err != nil {
		return n, err
	}
	n.guard, err = auth.New(n.profile.configure(auth.Config{
		Keys: n.ring, Roles: n.roles, Anonymous: n.public, Users: cached, SignedIn: n.sessions.User, Timeout: c.patience,
	}))
	if err != nil {
		return n, err
	}
	n.admin, err = admin.New(admin.Config{
		Keys: n.ring, Roles: n.roles, RoleStore: n.store.Roles(), Public: n.public, Users: n.users, Guard: n.guard,
		Audit: n.audit, InTx: n.store.InTx,
	})
	return n, err
}

// follow reloads cached state after a change on this or another node. Keys do that themselves.
func (n *node) follow(cached *auth.UserCache, report func(error)) error {
	stop := n.store.Follow(cached.Clear, n.roles.Reload, n.public.Reload)
	n.onClose(func(context.Context) error {
		stop()
		return nil
	})
	if n.db.Dialect != sqlstore.PostgreSQL {
		return nil
	}
	unlisten, err := pglisten.Listen(context.Background(), n.db.DSN, "latchkey_changes", n.store.Wake, report)
	if err != nil {
		return err
	}
	n.onClose(func(context.Context) error {
		unlisten()
		return nil
	})
	return nil
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
