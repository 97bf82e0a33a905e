package engines_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
)

// pooled opens the tests' database through PgBouncer in transaction mode.
func pooled(t *testing.T, pooler func(string) string, mode string) *sql.DB {
	t.Helper()
	postgres(t)
	direct, err := url.Parse(postgresDSN)
	require.NoError(t, err)
	db, err := sql.Open("pgx", pooler(strings.TrimPrefix(direct.Path, "/"))+"&default_query_exec_mode="+mode)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	return db
}

// Behind PgBouncer in transaction mode all stores keep their promises, with the option Unprepared and a driver that
// prepares nothing.
func TestBehindPgBouncer(t *testing.T) {
	pooler := pgserver.Shared(t).Pooler(t)
	for _, mode := range []string{"exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			db := pooled(t, pooler, mode)
			name := "PgBouncer " + mode
			spares[name] = make(chan spare, 64)
			conform(t, engine{name, sqlstore.PostgreSQL, func(testing.TB) place {
				prefix := fmt.Sprintf("test%d_", prefixes.Add(1))
				return place{db, []sqlstore.Option{sqlstore.Prefix(prefix), sqlstore.Unprepared()}, prefix}
			}})
		})
	}
}

// Without the option the error says what to do.
func TestPgBouncerWithoutTheOption(t *testing.T) {
	pooler := pgserver.Shared(t).Pooler(t)
	for _, mode := range []string{"cache_statement", "exec"} {
		db := pooled(t, pooler, mode)
		prefix := sqlstore.Prefix(fmt.Sprintf("test%d_", prefixes.Add(1)))
		require.NoError(t, sqlstore.Migrate(t.Context(), pooled(t, pooler, "exec"), sqlstore.PostgreSQL, prefix, sqlstore.Unprepared()))
		failed := make(chan error, 8)
		for range cap(failed) { // clients at once share connections
			go func() {
				s, err := sqlstore.Open(t.Context(), db, sqlstore.PostgreSQL, prefix)
				for i := 0; i < 200 && err == nil; i++ {
					_, err = s.Keys().Changes(t.Context(), keys.Revision{})
				}
				failed <- err
			}()
		}
		var err error
		for range cap(failed) {
			err = errors.Join(err, <-failed)
		}
		require.ErrorContains(t, err, "Unprepared", mode)
	}
}
