package cockpit_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
)

// Half the keys are users', half custom. LATCHKEY_LONG=1 has 10,000 of them.
func TestALargeCockpit(t *testing.T) {
	total := 200
	if os.Getenv("LATCHKEY_LONG") != "" {
		total = 10_000
	}
	file := filepath.Join(t.TempDir(), "system.sqlite")
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	defer db.Close()
	for _, table := range []string{"roles", "users", "api_keys"} {
		_, err := db.ExecContext(t.Context(), "CREATE TABLE "+table+" (id INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT)")
		require.NoError(t, err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `INSERT INTO roles (document) VALUES ('{"appid":"editor","permissions":{"content/posts/create":true}}')`)
	require.NoError(t, err)
	for i := range total / 2 {
		_, err := tx.ExecContext(t.Context(), "INSERT INTO users (document) VALUES (?)", fmt.Sprintf(
			`{"_id":"u%d","user":"user%d","name":"User %d","email":"u%d@example.com","active":true,"role":"editor","apiKey":%q,"_created":1795459770}`, i, i, i, i, text("USR-", i)))
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "INSERT INTO api_keys (document) VALUES (?)", fmt.Sprintf(
			`{"_id":"k%d","name":"key %d","role":"editor","meta":[],"key":%q,"_created":1795459770}`, i, i, text("API-", i)))
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())

	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		n := open(t)
		peak := watch(t)
		began := time.Now()
		s, err := cockpit.ReadSQL(t.Context(), db)
		require.NoError(t, err)
		read := time.Since(began)
		_, err = cockpit.Plan(t.Context(), s, n.into)
		require.NoError(t, err)
		planned := time.Since(began)
		report, err := cockpit.Import(t.Context(), s, n.into)
		require.NoError(t, err)
		imported := time.Since(began)
		again, err := cockpit.Import(t.Context(), s, n.into)
		require.NoError(t, err)
		t.Logf("%d keys: read in %v, planned in %v, imported in %v, again in %v; the heap's peak was %d MiB", total,
			read.Round(time.Millisecond), (planned - read).Round(time.Millisecond), (imported - planned).Round(time.Millisecond),
			(time.Since(began) - imported).Round(time.Millisecond), peak()>>20)
		require.Equal(t, total, report.Count(cockpit.AboutKey, cockpit.VerdictNew))
		require.Equal(t, total, again.Count(cockpit.AboutKey, cockpit.VerdictUnchanged))
		require.Less(t, peak(), uint64(128<<20))
	})
}

// text is the text of a strong key.
func text(prefix string, n int) string {
	sum := sha256.Sum256(fmt.Append(nil, prefix, n))
	return fmt.Sprintf("%s%x", prefix, sum[:20])
}

// watch returns a function that returns the largest heap since.
func watch(t *testing.T) (peak func() uint64) {
	runtime.GC()
	var most atomic.Uint64
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most.Store(max(most.Load(), m.HeapAlloc))
	}
	look()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				look()
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	return most.Load
}
