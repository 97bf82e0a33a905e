package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
)

// A client is killed with kill -9 while it works. Each step that it had reported as done is permanent, no old value
// comes back, no key has two good values, and the database is intact.
func TestAKilledClientLosesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			dsn := e.newDatabase(t)
			e.open(t, dsn) // migrates
			l, kills := newLedger(), times(20, 200)
			for round := range kills {
				name := fmt.Sprintf("round%d", round)
				touched := runAndKill(t, l, e, named(e, dsn, name), round)
				awaitNoBackend(t, e, dsn, name)
				checkAll(t, l, e, dsn, touched, 200)
			}
			checkAll(t, l, e, dsn, l.all(), 0)
			require.NotZero(t, l.acked)
			t.Logf("SUMMARY %s: %d kills, %d keys, %d acknowledged steps, 0 lost; %d steps were done without having been told",
				t.Name(), kills, len(l.entries), l.acked, l.lost)
		})
	}
}

// checkAll opens the database again and checks keys and schema.
func checkAll(t *testing.T, l *ledger, e engine, dsn string, touched []string, others int) {
	t.Helper()
	store, db, end := e.openFor(t, dsn)
	defer end()
	r, err := keys.Open(keys.Config{Store: store.Keys()})
	require.NoError(t, err)
	require.NoError(t, l.check(t.Context(), r, touched, others))
	require.NoError(t, r.Close(t.Context()))
	e.checkSchema(t, db)
}

// named gives the child's connections a name in PostgreSQL.
func named(e engine, dsn, name string) string {
	if e == sqlite {
		return dsn
	}
	return dsn + "&application_name=" + url.QueryEscape(name)
}

// awaitNoBackend waits until PostgreSQL has noticed that its client is dead: until then, it may still commit.
func awaitNoBackend(t *testing.T, e engine, dsn, name string) {
	t.Helper()
	if e == sqlite {
		return
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	for begun, n := time.Now(), 1; n > 0; time.Sleep(time.Millisecond) {
		require.Less(t, time.Since(begun), 20*time.Second, "backends of a client that is dead")
		const backends = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
		require.NoError(t, conn.QueryRow(t.Context(), backends, name).Scan(&n))
	}
}

// The server is stopped at once, as in a crash, while clients work. Again nothing is lost, and the same store and the
// same ring work once the server is back.
func TestAServerThatCrashesLosesNothing(t *testing.T) {
	t.Parallel()
	server := pgserver.Start(t)
	dsn := server.NewDatabase(t)
	store, _ := postgres.open(t, dsn)
	r := ring(t, keys.Config{Store: store.Keys(), LastUsed: store.Keys(), Feed: store.Keys()})
	l, crashes := newLedger(), times(3, 20)
	for round := range crashes {
		failed := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			failed <- haveWork(ctx, r, fmt.Sprintf("round%d", round), l.note)
		}()
		select {
		case err := <-failed:
			t.Fatalf("before the crash: %v", err)
		case <-time.After(20*time.Millisecond + rand.N(150*time.Millisecond)):
		}
		server.StopImmediate(t)
		err := <-failed
		require.ErrorIs(t, err, keys.ErrStore)
		require.NotErrorIs(t, err, keys.ErrInvalid)
		server.Restart(t)
		checkAll(t, l, postgres, dsn, l.all(), 0)
		for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) { // the pool still has dead connections
			_, err := r.List(t.Context(), keys.Filter{})
			if err == nil {
				break
			}
			require.False(t, errors.Is(err, keys.ErrInvalid) || time.Since(begun) > 10*time.Second, "the store does not go on: %v", err)
		}
	}
	t.Logf("SUMMARY %s: %d crashes, %d keys, %d acknowledged steps, 0 lost; %d steps were done without having been told",
		t.Name(), crashes, len(l.entries), l.acked, l.lost)
}
