package adminapi_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// An engine is a kind of database.
type engine struct {
	name    string
	dialect sqlstore.Dialect
	driver  string
	create  func(*testing.T) (dsn string) // a new, empty one
}

var engines = []engine{
	{"SQLite", sqlstore.SQLite, "sqlite", func(t *testing.T) string {
		return "file:" + filepath.Join(t.TempDir(), "keys.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
	}},
	{"PostgreSQL", sqlstore.PostgreSQL, "pgx", func(t *testing.T) string { return pgserver.Shared(t).NewDatabase(t) }},
}

// each runs a test over each engine. Without PostgreSQL its part is skipped, and fails in CI.
func each(t *testing.T, test func(t *testing.T, open func() *sqlstore.Store)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			dsn := e.create(t)
			test(t, func() *sqlstore.Store {
				db, err := sql.Open(e.driver, dsn)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, db.Close()) })
				require.NoError(t, sqlstore.Migrate(t.Context(), db, e.dialect))
				store, err := sqlstore.Open(t.Context(), db, e.dialect)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, store.Close()) })
				return store
			})
		})
	}
}

var errDisk = errors.New("disk full")

// A log is an audit log that tests break. It is the last step of a transaction, so all earlier steps are rolled back.
type log struct {
	audit.Log
	broken atomic.Bool
}

func (l *log) Append(ctx context.Context, r audit.Record) error {
	if err := l.Log.Append(ctx, r); err != nil || !l.broken.Load() {
		return err
	}
	return errDisk
}

// A node is one of several programs over one database.
type node struct {
	ring      *keys.Ring
	directory *roles.Directory
	public    *publicapi.Service
	service   *admin.Service
	guard     *auth.Guard
	log       *log
	// uncommitted runs in each change, after the last write and before the commit.
	uncommitted func()
	again       bool // the first attempt of each change is rolled back and tried again
}

func newNode(t *testing.T, store *sqlstore.Store) *node {
	ctx := t.Context()
	n := &node{log: &log{Log: store.Audit()}, uncommitted: func() {}}
	var err error
	n.ring, err = keys.Open(keys.Config{Store: store.Keys(), Feed: store.Keys(), StoreTimeout: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.ring.Close(context.Background())) })
	n.directory, err = roles.Open(ctx, roles.Config{Store: store.Roles(), Timeout: 10 * time.Second, Staleness: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.directory.Close(context.Background())) })
	n.public, err = publicapi.New(publicapi.Config{Store: store.PublicAPI(), Directory: n.directory, Staleness: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.public.Close(context.Background())) })
	n.guard, err = auth.New(auth.Config{Keys: n.ring, Roles: n.directory, Anonymous: n.public})
	require.NoError(t, err)
	n.service, err = admin.New(admin.Config{Keys: n.ring, Guard: n.guard, Roles: n.directory, RoleStore: store.Roles(),
		Public: n.public, Audit: n.log, Timeout: time.Minute,
		InTx: func(ctx context.Context, f func(context.Context) error) error {
			if n.again {
				_ = store.InTx(ctx, func(ctx context.Context) error { return errors.Join(f(ctx), errDisk) })
			}
			return store.InTx(ctx, func(ctx context.Context) error {
				defer n.uncommitted()
				return f(ctx)
			})
		}})
	require.NoError(t, err)
	return n
}

// open makes a role the public one, and confirms everything that this opens.
func (n *node) open(ctx context.Context, appid string) error {
	preview, err := n.service.PreviewPublic(ctx, n.root(), appid)
	if err != nil {
		return err
	}
	_, err = n.service.OpenPublic(ctx, n.root(), appid, admin.Confirmation{Token: preview.Token, Acknowledged: preview.Writes})
	return err
}

func (n *node) root() auth.Principal { return n.guard.PrincipalForRole(roles.Admin) }
