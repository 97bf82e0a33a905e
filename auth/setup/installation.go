package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/adminapi"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// An Installation is what [Open] has opened. It is safe for concurrent use.
type Installation struct {
	Guard  *auth.Guard
	Keys   *keys.Ring
	Roles  *roles.Directory
	Public *publicapi.Service
	Admin  *admin.Service
	Store  *sqlstore.Store // nil: everything is in memory

	stores
	users   *auth.UserCache // nil: they are asked each time
	closing atomic.Bool
	closers []func(context.Context) error
}

// Open opens an installation. Its error holds all mistakes in c, or is that of a store. Nothing is left running then.
func Open(ctx context.Context, c Config) (_ *Installation, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Staleness, c.Logger = cmp.Or(c.Staleness, 5*time.Second), cmp.Or(c.Logger, slog.Default())
	lk := &Installation{}
	defer func() {
		if err != nil {
			err = errors.Join(err, lk.Close(context.WithoutCancel(ctx)))
		}
	}()
	if err := lk.openStores(ctx, c); err != nil {
		return nil, err
	}
	onError := reporter(c.Logger)
	k := c.Keys
	k.Store, k.Staleness, k.OnError, k.Check = lk.keys, c.Staleness, onError, lk.checkKey
	if lk.Store != nil {
		k.LastUsed, k.Feed = lk.Store.Keys(), lk.Store.Keys()
	}
	if lk.Keys, err = keys.Open(k); err != nil {
		return nil, err
	}
	lk.onClose(lk.Keys.Close)
	if err := lk.start(ctx, lk.Keys); err != nil {
		return nil, err
	}
	if lk.Roles, err = roles.Open(ctx, roles.Config{Store: lk.roles, Staleness: c.Staleness, Timeout: k.StoreTimeout, OnError: onError}); err != nil {
		return nil, err
	}
	lk.onClose(lk.Roles.Close)
	lk.Public, err = publicapi.New(publicapi.Config{
		Store: lk.public, Directory: lk.Roles, Catalog: c.Catalog, Names: c.Names, Staleness: c.Staleness,
	})
	if err != nil {
		return nil, err
	}
	lk.onClose(lk.Public.Close)
	if err := lk.openGuard(c); err != nil {
		return nil, err
	}
	lk.follow(c.Listen, onError)
	a := admin.Config{
		Keys: lk.Keys, Audit: lk.audit, Guard: lk.Guard, Roles: lk.Roles, RoleStore: lk.roles, Public: lk.Public, DropRole: c.DropRole,
	}
	if c.ListUsers != nil {
		a.Users = listed{c.Users, c.ListUsers}
	}
	if lk.Store != nil { // in memory, a Service makes its changes one by one
		a.InTx = lk.inTx
	}
	if lk.Admin, err = admin.New(a); err != nil {
		return nil, err
	}
	return lk, nil
}

// stores are where an installation keeps everything.
type stores struct {
	config Config
	keys   keys.Store
	roles  roles.Store
	public publicapi.Store
	audit  audit.Log
	inTx   func(context.Context, func(context.Context) error) error
}

func (lk *Installation) openStores(ctx context.Context, c Config) error {
	if lk.Store = c.Store; c.DB != nil {
		if err := sqlstore.Migrate(ctx, c.DB, c.Dialect); err != nil {
			return err
		}
		store, err := sqlstore.Open(ctx, c.DB, c.Dialect)
		if err != nil {
			return err
		}
		lk.Store = store
		lk.onClose(func(context.Context) error { return store.Close() })
	}
	if s := lk.Store; s != nil {
		lk.stores = stores{c, s.Keys(), s.Roles(), s.PublicAPI(), s.Audit(), s.InTx}
		return nil
	}
	inTx := func(ctx context.Context, f func(context.Context) error) error { return f(ctx) }
	lk.stores = stores{c, keys.NewMemoryStore(), roles.NewMemoryStore(), publicapi.NewMemoryStore(), audit.NewMemoryLog(0), inTx}
	return nil
}

func (lk *Installation) openGuard(c Config) (err error) {
	g := c.Guard
	g.Keys, g.Roles, g.Anonymous, g.Users, g.SignedIn = lk.Keys, lk.Roles, lk.Public, c.Users, c.SignedIn
	g.RoleChanges, g.Changes = lk.Roles.Watch, append(slices.Clone(g.Changes), lk.Public.Watch)
	if c.Users != nil && lk.Store != nil {
		lk.users = auth.CacheUsers(c.Users, c.Staleness)
		g.Users, g.Changes = lk.users, append(g.Changes, lk.users.Watch)
	}
	if g.Observe == nil {
		g.Observe = auth.LogTo(c.Logger)
	}
	lk.Guard, err = auth.New(g)
	return err
}

// checkKey refuses a key that is of no use.
func (lk *Installation) checkKey(ctx context.Context, rec keys.Record) error {
	if rec.Kind == keys.KindUser && lk.config.Users == nil {
		return fmt.Errorf("%w: a user key needs setup.Config.Users", keys.ErrRefused)
	}
	if rec.Role == "" || rec.Role == roles.Admin || lk.Roles.Policy().Has(rec.Role) {
		return nil
	}
	stored, _, err := lk.roles.Load(ctx) // the role may be new
	if err == nil && !slices.ContainsFunc(stored, func(r roles.Role) bool { return r.AppID == rec.Role }) {
		err = fmt.Errorf("%w: there is no role %q", keys.ErrRefused, rec.Role)
	}
	return err
}

// listed is the host's users for management, without a cache.
type listed struct {
	auth.Users
	list func(context.Context, admin.UserFilter) ([]auth.User, error)
}

// List implements [admin.Users].
func (l listed) List(ctx context.Context, f admin.UserFilter) ([]auth.User, error) {
	return l.list(ctx, f)
}

// MountAPI registers the JSON API under prefix, such as "/admin"; see [adminapi.Handler].
func (lk *Installation) MountAPI(mux *http.ServeMux, prefix string) {
	mount(mux, prefix, adminapi.Handler(lk.Admin))
}

// MountConsole registers the console under prefix, such as "/system"; see [console.Handler].
func (lk *Installation) MountConsole(mux *http.ServeMux, prefix string, c console.Config) {
	mount(mux, prefix, console.Handler(lk.Admin, c))
}

func mount(mux *http.ServeMux, prefix string, h http.Handler) {
	prefix = strings.TrimSuffix(prefix, "/")
	mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
}

// Healthz returns a handler for load balancers: 200 while requests can be decided, and 503 while the store has not
// confirmed the roles within the staleness, or once Close was called. It tells no more, but to callers with the super role
// how long ago that was. It asks no store unless Staleness is AlwaysAsk. Register it with [auth.Guard.HandleOpen].
func (lk *Installation) Healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lk.closing.Load() || lk.Roles.Policy() == nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
		if p, _ := lk.Guard.PrincipalFrom(r.Context()); p.Role() == roles.Admin {
			_, _ = fmt.Fprintln(w, "The store confirmed the roles", lk.Roles.Age(), "ago.")
		}
	})
}

// UserChanged has all nodes ask for a user again whose name, role or Active has changed. In a transaction of Store it acts on commit.
func (lk *Installation) UserChanged(ctx context.Context, id string) error {
	if lk.users != nil {
		lk.users.Forget(id)
	}
	if lk.Store == nil {
		return nil
	}
	return lk.Store.Touch(ctx)
}

// UserRemoved is UserChanged for a user whom the host removes. It also invalidates the user's keys in the space of Keys, in one
// transaction with its audit record.
func (lk *Installation) UserRemoved(ctx context.Context, id string) error {
	return lk.inTx(ctx, func(ctx context.Context) error {
		n, err := lk.Keys.InvalidateUser(ctx, id)
		if err != nil {
			return err
		}
		return errors.Join(lk.record(ctx, "user.remove", id, map[string]any{"keys": n}), lk.UserChanged(ctx, id))
	})
}

func (lk *Installation) onClose(f func(context.Context) error) { lk.closers = append(lk.closers, f) }

// Close saves times of last use and stops all that Open started. It does not close the host's database. Call it after
// the server's Shutdown. It may be called again.
func (lk *Installation) Close(ctx context.Context) error {
	if lk.closing.Swap(true) {
		return nil
	}
	var errs []error
	for _, closer := range slices.Backward(lk.closers) {
		errs = append(errs, closer(ctx))
	}
	return errors.Join(errs...)
}
