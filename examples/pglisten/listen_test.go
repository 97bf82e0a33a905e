package pglisten_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/examples/pglisten"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

const channel = `changes "of" Ours` // used exactly as given: quoted, and not folded to lower case

func connect(t *testing.T, dsn string) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func notify(t *testing.T, conn *pgx.Conn) {
	_, err := conn.Exec(t.Context(), "SELECT pg_notify($1, 'x')", channel)
	require.NoError(t, err)
}

const backends = ` FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`

// awaitBackends waits until this many backends listen. The server ends a backend some time after its client has
// closed the connection.
func awaitBackends(t *testing.T, conn *pgx.Conn, want int) {
	t.Helper()
	n := -1
	for end := time.Now().Add(10 * time.Second); n != want; time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "%d backends listen, not %d", n, want)
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*)`+backends).Scan(&n))
	}
}

// cut ends the listener's backend.
func cut(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	awaitBackends(t, conn, 1)
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid))`+backends).Scan(&n))
	require.Equal(t, 1, n)
}

// listen starts a listener. It returns a channel of the calls of wake, and one of the errors.
func listen(t *testing.T, ctx context.Context, dsn string) (woken chan time.Time, lost chan error, stop func()) {
	woken, lost = make(chan time.Time, 1000), make(chan error, 1000)
	stop, err := pglisten.Listen(ctx, dsn, channel, func() { woken <- time.Now() }, func(err error) { lost <- err })
	require.NoError(t, err)
	t.Cleanup(stop)
	return woken, lost, stop
}

func receive[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: nothing within 10 s", what)
	}
	return v
}

func silent[T any](t *testing.T, c <-chan T, what string) {
	t.Helper()
	select {
	case <-c:
		t.Fatalf("%s: woken", what)
	case <-time.After(100 * time.Millisecond):
	}
}

func TestANotificationWakes(t *testing.T) {
	dsn := pgserver.Shared(t).NewDatabase(t)
	conn := connect(t, dsn)
	woken, lost, _ := listen(t, t.Context(), dsn)
	receive(t, woken, "after the first connect")
	for range 5 {
		begun := time.Now()
		notify(t, conn)
		t.Logf("woken after %v", receive(t, woken, "after a notification").Sub(begun))
	}
	_, err := conn.Exec(t.Context(), "SELECT pg_notify('another channel', 'x')")
	require.NoError(t, err)
	silent(t, woken, "another channel")
	require.Empty(t, lost)
}

func TestATransactionNotifiesWhenItCommits(t *testing.T) {
	dsn := pgserver.Shared(t).NewDatabase(t)
	conn := connect(t, dsn)
	woken, _, _ := listen(t, t.Context(), dsn)
	receive(t, woken, "after the first connect")
	for _, commit := range []bool{false, true} {
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "SELECT pg_notify($1, 'x')", channel)
		require.NoError(t, err)
		silent(t, woken, "an open transaction")
		if !commit {
			require.NoError(t, tx.Rollback(t.Context()))
			silent(t, woken, "a transaction that was rolled back")
			continue
		}
		require.NoError(t, tx.Commit(t.Context()))
		receive(t, woken, "a committed transaction")
	}
}

// Notifications sent while the listener is disconnected are lost, so it must call wake as soon as it has connected
// again.
func TestACutListenerComesBackAndLooks(t *testing.T) {
	dsn := pgserver.Shared(t).NewDatabase(t)
	conn := connect(t, dsn)
	woken, lost, _ := listen(t, t.Context(), dsn)
	receive(t, woken, "after the first connect")
	for range 3 {
		cut(t, conn)
		notify(t, conn)
		require.ErrorContains(t, receive(t, lost, "after the cut"), "pglisten: ")
		receive(t, woken, "after the reconnect")
		notify(t, conn)
		receive(t, woken, "after a notification on the new connection")
		for len(woken) > 0 { // the new connection may have received the first notification
			<-woken
		}
	}
}

func TestAServerThatGoesAwayIsWaitedFor(t *testing.T) {
	server := pgserver.Start(t)
	dsn := server.NewDatabase(t)
	woken, lost, _ := listen(t, t.Context(), dsn)
	receive(t, woken, "after the first connect")
	server.StopImmediate(t)
	for range 3 {
		receive(t, lost, "while the server is down")
	}
	silent(t, woken, "while the server is down")
	server.Restart(t)
	receive(t, woken, "once the server is up")
}

func TestManyNotificationsAreFewCalls(t *testing.T) {
	dsn := pgserver.Shared(t).NewDatabase(t)
	conn := connect(t, dsn)
	var calls, at atomic.Int64
	begun, goOn := make(chan struct{}, 1000), make(chan struct{})
	stop, err := pglisten.Listen(t.Context(), dsn, channel, func() {
		if at.Add(1) != 1 {
			t.Error("two calls at once")
		}
		defer at.Add(-1)
		calls.Add(1)
		begun <- struct{}{}
		<-goOn
	}, func(err error) { t.Error(err) })
	require.NoError(t, err)
	t.Cleanup(stop)
	receive(t, begun, "after the first connect")
	for range 200 {
		notify(t, conn)
	}
	require.EqualValues(t, 1, calls.Load(), "the first call still runs")
	close(goOn)
	receive(t, begun, "after the notifications")
	time.Sleep(100 * time.Millisecond)
	require.Less(t, calls.Load(), int64(200))
}

func TestNothingIsLeftRunning(t *testing.T) {
	dsn := pgserver.Shared(t).NewDatabase(t)
	conn := connect(t, dsn)
	before := goleak.IgnoreCurrent()
	t.Run("stop waits", func(t *testing.T) {
		woken, _, stop := listen(t, t.Context(), dsn)
		receive(t, woken, "after the first connect")
		stop()
		stop()
		goleak.VerifyNone(t, before)
		awaitBackends(t, conn, 0)
	})
	t.Run("the end of ctx is enough", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		woken, _, _ := listen(t, ctx, dsn)
		receive(t, woken, "after the first connect")
		cancel()
		left := errors.New("not asked yet")
		for end := time.Now().Add(10 * time.Second); left != nil && time.Now().Before(end); {
			left = goleak.Find(before) // tries for half a second
		}
		require.NoError(t, left)
		awaitBackends(t, conn, 0)
	})
	t.Run("also while no server answers", func(t *testing.T) {
		_, lost, stop := listen(t, t.Context(), "postgres://unknown@/none?host="+t.TempDir())
		receive(t, lost, "without a server")
		stop()
		goleak.VerifyNone(t, before)
	})
}

func TestMistakesAreToldAtOnce(t *testing.T) {
	for name, dsn := range map[string]string{"no port": "postgres://u:hunter2@h:x/db", "no DSN": "port=none password=hunter2"} {
		_, err := pglisten.Listen(t.Context(), dsn, channel, func() {}, nil)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hunter2", name)
	}
	_, err := pglisten.Listen(t.Context(), "postgres:///db", "", func() {}, nil)
	require.Error(t, err, "no channel")
	_, err = pglisten.Listen(t.Context(), "postgres:///db", channel, nil, nil)
	require.Error(t, err, "no function to wake")
}
