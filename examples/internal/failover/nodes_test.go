package failover

import (
	"context"
	"database/sql"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

const staleness = 4 * time.Second // longer than most failovers here, so that caches outlive them

// A cluster is the primary that nodes connect to.
type cluster struct {
	t       *testing.T
	primary *pgserver.Server
	address atomic.Pointer[string] // of the primary's socket
}

// use makes s the primary for new connections.
func (c *cluster) use(s *pgserver.Server) {
	socket := s.Socket()
	c.primary = s
	c.address.Store(&socket)
}

// direct opens the store on one server.
func (c *cluster) direct(s *pgserver.Server) *sqlstore.Store {
	db, err := sql.Open("pgx", s.DSN("postgres"))
	require.NoError(c.t, err)
	c.t.Cleanup(func() { db.Close() })
	store, err := sqlstore.Open(c.t.Context(), db, sqlstore.PostgreSQL)
	require.NoError(c.t, err)
	return store
}

// open returns a pool of connections to the current primary.
func (c *cluster) open() *sql.DB {
	config, err := pgx.ParseConfig(c.primary.DSN("postgres"))
	require.NoError(c.t, err)
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", *c.address.Load())
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(30)
	db.SetMaxIdleConns(30)
	c.t.Cleanup(func() { db.Close() })
	return db
}

// query runs a statement on one server, by itself.
func query(t *testing.T, s *pgserver.Server, text string) (answer string) {
	t.Helper()
	db, err := sql.Open("pgx", s.DSN("postgres"))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(t.Context(), text).Scan(&answer))
	return answer
}

// alter changes a setting of a running server.
func alter(t *testing.T, s *pgserver.Server, setting, value string) {
	t.Helper()
	db, err := sql.Open("pgx", s.DSN("postgres"))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "ALTER SYSTEM SET "+setting+" = '"+value+"'")
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "SELECT pg_reload_conf()")
	require.NoError(t, err)
}

// A node is one process: a ring and a directory that follow the store.
type node struct {
	db        *sql.DB
	store     *sqlstore.Store
	ring      *keys.Ring
	directory *roles.Directory
}

func (c *cluster) node() *node {
	t := c.t
	n := &node{db: c.open()}
	var err error
	n.store, err = sqlstore.Open(t.Context(), n.db, sqlstore.PostgreSQL)
	require.NoError(t, err)
	n.ring, err = keys.Open(keys.Config{Store: n.store.Keys(), LastUsed: n.store.Keys(), Feed: n.store.Keys(), Staleness: staleness})
	require.NoError(t, err)
	n.directory, err = roles.Open(t.Context(), roles.Config{Store: n.store.Roles(), Staleness: staleness})
	require.NoError(t, err)
	return n
}

func (n *node) close(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, n.ring.Close(ctx))
	require.NoError(t, n.directory.Close(ctx))
	_ = n.store.Close() // its statements are those of connections that broke
}
