package cockpit_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// onEach runs a test on each engine, each in a database of its own.
func onEach(t *testing.T, test func(t *testing.T, open func(testing.TB) *node)) {
	t.Run("SQLite", func(t *testing.T) {
		folder := t.TempDir()
		test(t, func(tb testing.TB) *node {
			return openSQLite(tb, folder)
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn := pgserver.Shared(t).NewDatabase(t)
		test(t, func(tb testing.TB) *node { return openNode(tb, "pgx", sqlstore.PostgreSQL, dsn) })
	})
}

// openSQLite opens the one database in a folder.
func openSQLite(tb testing.TB, folder string) *node {
	return openNode(tb, "sqlite", sqlstore.SQLite, "file:"+filepath.Join(folder, "keys.db")+
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
}

// A node is one process of a host: the stores common to all nodes, and its own caches.
type node struct {
	*sqlstore.Store
	db        *sql.DB
	ring      *keys.Ring
	directory *roles.Directory
	into      cockpit.Into

	writes, failAt int
}

// staleness is how late a node may see a change by another.
const staleness = 500 * time.Millisecond

var errBroken = errors.New("the disk is full")

func (n *node) write() error {
	n.writes++
	if n.writes == n.failAt {
		return errBroken
	}
	return nil
}

func openNode(tb testing.TB, driver string, d sqlstore.Dialect, dsn string) *node {
	tb.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(tb, err)
	tb.Cleanup(func() { db.Close() })
	require.NoError(tb, sqlstore.Migrate(tb.Context(), db, d))
	_, err = db.ExecContext(tb.Context(), `CREATE TABLE IF NOT EXISTS people
		(id TEXT PRIMARY KEY, login TEXT, name TEXT, email TEXT, role TEXT, active INTEGER)`)
	require.NoError(tb, err)
	store, err := sqlstore.Open(tb.Context(), db, d)
	require.NoError(tb, err)
	tb.Cleanup(func() { store.Close() })
	n := &node{Store: store, db: db}
	n.ring, err = keys.Open(keys.Config{
		Store: keyStore{store.Keys(), n}, Feed: store.Keys(), Staleness: staleness, ImportedKeys: true,
		Peppers: []keys.Pepper{keys.NewPepper("p", bytes.Repeat([]byte("p"), 32))},
	})
	require.NoError(tb, err)
	tb.Cleanup(func() { n.ring.Close(context.Background()) })
	n.directory, err = roles.Open(tb.Context(), roles.Config{Store: store.Roles(), Staleness: staleness})
	require.NoError(tb, err)
	tb.Cleanup(func() { n.directory.Close(context.Background()) })
	catalog, err := roles.NewCatalog(roles.Group{Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Effect: roles.EffectRead},
	}})
	require.NoError(tb, err)
	n.into = cockpit.Into{
		Keys: n.ring, Roles: roleStore{store.Roles(), n}, Public: publicStore{store.PublicAPI(), n}, Catalog: catalog,
		Users: people{n}, InTx: store.InTx, Audit: auditLog{store.Audit(), n}, AllowWeak: true,
	}
	return n
}

type keyStore struct {
	keys.Store
	n *node
}

func (s keyStore) Insert(ctx context.Context, r keys.Record) error {
	if err := s.n.write(); err != nil {
		return err
	}
	return s.Store.Insert(ctx, r)
}

type roleStore struct {
	roles.Store
	n *node
}

func (s roleStore) Save(ctx context.Context, r roles.Role, revision roles.Revision) error {
	if err := s.n.write(); err != nil {
		return err
	}
	return s.Store.Save(ctx, r, revision)
}

type publicStore struct {
	publicapi.Store
	n *node
}

func (s publicStore) Save(ctx context.Context, set publicapi.Setting) error {
	if err := s.n.write(); err != nil {
		return err
	}
	return s.Store.Save(ctx, set)
}

type auditLog struct {
	audit.Log
	n *node
}

func (l auditLog) Append(ctx context.Context, r audit.Record) error {
	if err := l.n.write(); err != nil {
		return err
	}
	return l.Log.Append(ctx, r)
}

// people is a host's own table of users, in the same transaction.
type people struct{ n *node }

func (p people) Find(ctx context.Context, id string) (cockpit.User, error) {
	u := cockpit.User{ID: id}
	err := p.n.Executor(ctx).QueryRowContext(ctx, `SELECT login, name, email, role, active <> 0 FROM people WHERE id = $1`, id).
		Scan(&u.Login, &u.Name, &u.Email, &u.Role, &u.Active)
	if errors.Is(err, sql.ErrNoRows) {
		err = auth.ErrNoUser
	}
	return u, err
}

func (p people) Add(ctx context.Context, u cockpit.User) error {
	if err := p.n.write(); err != nil {
		return err
	}
	active := 0
	if u.Active {
		active = 1
	}
	_, err := p.n.Executor(ctx).ExecContext(ctx, `INSERT INTO people (id, login, name, email, role, active) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET login = excluded.login, name = excluded.name, email = excluded.email, role = excluded.role, active = excluded.active`,
		u.ID, u.Login, u.Name, u.Email, u.Role, active)
	return err
}

func (p people) Change(ctx context.Context, u cockpit.User) error { return p.Add(ctx, u) }

// User implements [auth.Users].
func (p people) User(ctx context.Context, id string) (auth.User, error) {
	u, err := p.Find(ctx, id)
	return auth.User{ID: id, Name: u.Name, Role: u.Role, Active: u.Active}, err
}

// count returns how many rows a table has.
func (n *node) count(tb testing.TB, table string) (rows int) {
	tb.Helper()
	require.NoError(tb, n.db.QueryRowContext(tb.Context(), "SELECT count(*) FROM "+table).Scan(&rows))
	return rows
}

// bring imports, after checking that Plan changes nothing and reports the same.
func (n *node) bring(tb testing.TB, s *cockpit.Source) *cockpit.Report {
	tb.Helper()
	before, err := n.Keys().Changes(tb.Context(), keys.Revision{})
	require.NoError(tb, err)
	planned, err := cockpit.Plan(tb.Context(), s, n.into)
	require.NoError(tb, err)
	after, err := n.Keys().Changes(tb.Context(), keys.Revision{})
	require.NoError(tb, err)
	require.Equal(tb, before, after, "Plan changes nothing")
	report, err := cockpit.Import(tb.Context(), s, n.into)
	require.NoError(tb, err)
	require.Equal(tb, planned, report)
	return report
}

// records returns all records by foreign ID.
func (n *node) records(tb testing.TB) map[string]keys.Record {
	tb.Helper()
	all := map[string]keys.Record{}
	f := keys.Filter{Limit: 1000}
	for {
		page, err := n.Keys().List(tb.Context(), n.ring.Space(), f) // the ring's records have no digests
		require.NoError(tb, err)
		for _, r := range page {
			all[r.ForeignID] = r
			f.After = r.ID
		}
		if len(page) < f.Limit {
			return all
		}
	}
}

// system opens Cockpit's own file, read-only.
func system(tb testing.TB, file string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?immutable=1", file))
	require.NoError(tb, err)
	tb.Cleanup(func() { db.Close() })
	return db
}

// storage reads Cockpit's file.
func storage(tb testing.TB) *cockpit.Source {
	tb.Helper()
	s, err := cockpit.ReadSQL(tb.Context(), system(tb, "testdata/system.sqlite"))
	require.NoError(tb, err)
	return s
}
