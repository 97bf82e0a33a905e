package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// failing is a driver of one connection at a time, whose statements in fails return an error.
type failing struct {
	fails          map[string]bool
	opened, closed int
}

func (f *failing) Connect(context.Context) (driver.Conn, error) {
	f.opened++
	return failingConn{f}, nil
}
func (f *failing) Driver() driver.Driver { return nil }

type failingConn struct{ f *failing }

var errDisk = errors.New("disk I/O error")

func (c failingConn) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	if c.f.fails[query] {
		return nil, errDisk
	}
	return driver.ResultNoRows, nil
}

func (c failingConn) Close() error                        { c.f.closed++; return nil }
func (c failingConn) Prepare(string) (driver.Stmt, error) { return nil, errDisk }
func (c failingConn) Begin() (driver.Tx, error)           { return nil, errDisk }

// A connection whose transaction may still be open is closed, so that no other caller writes in that transaction.
func TestAConnectionWhoseTransactionMayBeOpenIsClosed(t *testing.T) {
	for _, c := range []struct {
		fails  []string
		closed int
	}{
		{nil, 0},
		{[]string{"COMMIT"}, 0}, // and ROLLBACK has ended the transaction
		{[]string{"COMMIT", "ROLLBACK"}, 1},
	} {
		f := &failing{fails: map[string]bool{}}
		for _, query := range c.fails {
			f.fails[query] = true
		}
		db := sql.OpenDB(f)
		tx, err := beginImmediate(t.Context(), db, make(queue, 1))
		require.NoError(t, err)
		require.Equal(t, len(c.fails) > 0, tx.commit() != nil, c.fails)
		tx.release()
		require.Equal(t, c.closed, f.closed, c.fails)
		require.NoError(t, db.Close())
	}
}
