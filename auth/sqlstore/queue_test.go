package sqlstore

import (
	"context"
	"database/sql"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWritersAreServedInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := make(queue, 1)
		require.NoError(t, q.enter(t.Context()))
		var served []int
		for i := range 20 {
			go func() {
				if q.enter(context.Background()) == nil {
					served = append(served, i)
					q.leave()
				}
			}()
			synctest.Wait()
		}
		q.leave()
		synctest.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, served)
		require.NoError(t, q.enter(t.Context()), "the queue is free again")
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := make(queue, 1)
		require.NoError(t, q.enter(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, q.enter(ctx), context.DeadlineExceeded)

		next := make(chan error)
		go func() { next <- q.enter(context.Background()) }()
		synctest.Wait()
		q.leave()
		require.NoError(t, <-next, "the writer that gave up is passed over")
		q.leave()
		require.ErrorIs(t, q.enter(ctx), context.DeadlineExceeded, "a context that is done does not get a free turn")
	})
}

func TestNoWriterWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := make(queue, 1)
		require.NoError(t, q.enter(t.Context()))
		began := time.Now()
		require.ErrorIs(t, q.enter(context.Background()), errWait)
		require.Equal(t, maxWait, time.Since(began))
	})
}

func TestADatabaseHasOneQueueAsLongAsItLives(t *testing.T) {
	size := func() (n int) {
		queues.Range(func(any, any) bool { n++; return true })
		return n
	}
	before := size()
	one, two := new(sql.DB), new(sql.DB)
	require.Equal(t, queueOf(one), queueOf(one))
	require.NotEqual(t, queueOf(one), queueOf(two))
	require.Equal(t, before+2, size())
	runtime.KeepAlive(one)
	runtime.KeepAlive(two)
	require.Eventually(t, func() bool { runtime.GC(); return size() == before }, 10*time.Second, time.Millisecond)
}

func TestStatementsThatOnlyReadDoNotQueue(t *testing.T) {
	for query, reads := range map[string]bool{
		"SELECT 1": true, "\n\tselect replace(a, 'b', 'c') from t": true, "VALUES (1)": true, "EXPLAIN DELETE FROM t": true,
		"-- name: Get :one\nSELECT 1": true, "/* a * b **/ SELECT 1": true, "WITH a AS (SELECT 1) SELECT * FROM a": true,
		"WITH a AS (SELECT deleted_at FROM t) SELECT * FROM a": true,

		"INSERT INTO t VALUES (1) RETURNING id": false, "update t set a = 1 returning a": false, "DELETE FROM t": false,
		"REPLACE INTO t VALUES (1)": false, "CREATE TABLE t (a)": false, "PRAGMA user_version = 1": false, "": false,
		"WITH a AS (SELECT 1)\nINSERT INTO t SELECT * FROM a": false, "-- SELECT 1\nDELETE FROM t": false,
		"/* SELECT */ DELETE FROM t /* */ -- SELECT": false, "/* a */ DELETE FROM t; /* b */ SELECT 1": false,
		"-- SELECT 1": false, "SELECTED": false, "/* SELECT 1": false,
	} {
		require.Equal(t, reads, readsOnly(query), query)
	}
}
