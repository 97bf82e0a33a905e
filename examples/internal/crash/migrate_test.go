package crash

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
)

// Migrate is killed with kill -9 before each statement on a new database, commits included, and after the last. Each
// time the next Migrate completes with the right schema.
func TestAKilledMigrateIsCompleted(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			dsn := e.newDatabase(t)
			kills := 0
			for ; kills < 500; kills++ {
				empty := e.emptied(t, dsn, kills)
				err := command(t, "migrate", e, empty, kills).Run()
				if err == nil {
					break // it completed
				}
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				require.Equal(t, "signal: killed", exit.Error(), "kill %d", kills)
				store, db, end := e.openFor(t, empty) // migrates
				e.checkSchema(t, db)
				checkServes(t, store)
				end()
			}
			require.Greater(t, kills, 5, "Migrate does hardly anything")
			require.Less(t, kills, 500)
			t.Logf("SUMMARY %s: killed at each of %d steps, completed each time", t.Name(), kills)
		})
	}
}

// emptied returns a DSN of a new, empty place: another file, or another schema in the same database.
func (e engine) emptied(t *testing.T, dsn string, number int) string {
	t.Helper()
	if e == sqlite {
		return fmt.Sprintf("%s-%d", dsn, number)
	}
	schema := fmt.Sprintf("attempt%d", number)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err = conn.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	return dsn + "&search_path=" + schema
}

// checkServes issues a key and verifies it.
func checkServes(t *testing.T, store *sqlstore.Store) {
	t.Helper()
	r, err := keys.Open(keys.Config{Store: store.Keys()})
	require.NoError(t, err)
	issued, err := r.IssueCustom(t.Context(), keys.Custom{Name: "after"})
	require.NoError(t, err)
	_, err = r.Verify(t.Context(), issued.Key.Reveal())
	require.NoError(t, err)
	require.NoError(t, r.Close(t.Context()))
}

// childMigrate migrates, and kills its process before the statement with this number.
func childMigrate(ctx context.Context, e engine, dsn string, number int) error {
	ordinary, err := e.connect(dsn) // for its driver
	if err != nil {
		return err
	}
	fuse := &fuse{}
	fuse.left.Store(int64(number))
	db := sql.OpenDB(fusedConnector{ordinary.Driver(), e.source(dsn), fuse})
	if err := sqlstore.Migrate(ctx, db, e.dialect); err != nil {
		return err
	}
	fuse.burn() // after the last commit
	return nil
}

// A fuse kills its own process.
type fuse struct{ left atomic.Int64 }

func (f *fuse) burn() {
	if f.left.Add(-1) < 0 {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// A fusedConnector makes connections that burn a fuse with each request.
type fusedConnector struct {
	driver driver.Driver
	dsn    string
	fuse   *fuse
}

func (c fusedConnector) Driver() driver.Driver { return c.driver }

func (c fusedConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return fusedConn{conn, c.fuse}, nil
}

// A fusedConn forwards the interfaces of both drivers, so that database/sql behaves as usual.
type fusedConn struct {
	driver.Conn
	fuse *fuse
}

func (c fusedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.fuse.burn()
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c fusedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.fuse.burn()
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c fusedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.fuse.burn()
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c fusedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.fuse.burn()
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return fusedTx{tx, c.fuse}, nil
}

func (c fusedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type fusedTx struct {
	driver.Tx
	fuse *fuse
}

func (t fusedTx) Commit() error {
	t.fuse.burn()
	return t.Tx.Commit()
}
