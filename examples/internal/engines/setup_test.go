package engines_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

var firstStart = setup.Start{
	Roles:  []roles.Role{{AppID: "reader", Permissions: roles.Grants{"pages/read": true}}},
	Public: "reader", PublicWrites: []string{"pages/read"},
	Administrator: "Operator", Key: keys.NewKey("API-31af51f6156406100684470eda9c62fdba62f13c"),
}

// node opens an installation on a store of its own, as another process would.
func node(t *testing.T, e engine, p place, c setup.Config) *setup.Installation {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), p.db, e.dialect, p.options...)
	require.NoError(t, err)
	c.Store, c.Logger, c.Start = store, slog.New(slog.DiscardHandler), firstStart
	lk, err := setup.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, lk.Close(context.Background()))
		require.NoError(t, store.Close())
	})
	return lk
}

// ask returns the status of GET /pages with a key. It asks again after a 503: a slow machine may miss the staleness.
func ask(lk *setup.Installation, key string) int {
	mux := http.NewServeMux()
	lk.Guard.Handle(mux, "GET /pages", "pages/read", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for try := 0; ; try++ {
		r, w := httptest.NewRequest("GET", "/pages", nil), httptest.NewRecorder()
		if key != "" {
			r.Header.Set("api-key", key)
		}
		lk.Guard.Identify(mux).ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || try == 500 {
			return w.Code
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Four nodes that start at once make one first start, and none repeats what an operator has undone.
func TestTheFirstStartHappensOnce(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		_, p := e.fresh(t)
		nodes := make([]*setup.Installation, 4)
		var all sync.WaitGroup
		for i := range nodes {
			all.Go(func() { nodes[i] = node(t, e, p, setup.Config{}) })
		}
		all.Wait()
		for _, lk := range nodes {
			require.Equal(t, 200, ask(lk, ""))
			require.Equal(t, 200, ask(lk, firstStart.Key.Reveal()))
		}
		lk := nodes[0]
		log, err := lk.Admin.Config().Audit.List(t.Context(), audit.Filter{})
		require.NoError(t, err)
		require.Len(t, log, 3, "a role, the public API, a key")

		some, err := lk.Keys.List(t.Context(), keys.Filter{})
		require.NoError(t, err)
		require.Len(t, some, 1)
		require.NoError(t, lk.Keys.Invalidate(t.Context(), some[0].ID))
		require.NoError(t, lk.Public.Disable(t.Context(), "ada"))
		again := node(t, e, p, setup.Config{})
		require.Equal(t, 401, ask(again, ""))
		require.Equal(t, 401, ask(again, firstStart.Key.Reveal()))
	})
}

// A start that fails half way leaves nothing, and the next one does it all.
func TestAFirstStartIsOneTransaction(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		broken := firstStart
		broken.PublicWrites = []string{"pages/read", "pages/update"}
		broken.Roles = nil // so that Open finds it only in the transaction
		_, err := setup.Open(t.Context(), setup.Config{Store: s, Logger: slog.New(slog.DiscardHandler), Start: broken})
		require.ErrorContains(t, err, `no role "reader"`)
		some, err := s.Keys().List(t.Context(), "", keys.Filter{})
		require.NoError(t, err)
		require.Empty(t, some)
		require.Equal(t, 200, ask(node(t, e, p, setup.Config{}), ""))
	})
}

// A table is the host's users in the same database.
type table struct{ db *sql.DB }

// User implements [auth.Users].
func (u table) User(ctx context.Context, id string) (auth.User, error) {
	found := auth.User{ID: id}
	row := sqlstore.ExecutorFrom(ctx, u.db).QueryRowContext(ctx, `SELECT role, active FROM host_users WHERE id = $1`, id)
	err := row.Scan(&found.Role, &found.Active)
	if errors.Is(err, sql.ErrNoRows) {
		err = auth.ErrNoUser
	}
	return found, err
}

// A change of a user, and its removal, act at once on the node and soon on another one. Code without the store is part of
// the transaction that its context carries.
func TestUsersOnTwoNodes(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		_, p := e.fresh(t)
		p.exec(t, `CREATE TABLE IF NOT EXISTS host_users (id TEXT PRIMARY KEY, role TEXT NOT NULL, active BOOLEAN NOT NULL)`)
		p.exec(t, `DELETE FROM host_users`)
		p.exec(t, `INSERT INTO host_users VALUES ('bob', 'reader', TRUE)`)
		users := table{p.db}
		c := setup.Config{Users: users, Staleness: 300 * time.Millisecond, ListUsers: func(context.Context, admin.UserFilter) ([]auth.User, error) {
			return []auth.User{{ID: "bob"}}, nil
		}}
		here, there := node(t, e, p, c), node(t, e, p, c)
		issued, err := here.Keys.IssueUser(t.Context(), "bob", keys.User{})
		require.NoError(t, err)
		bob := issued.Key.Reveal()
		soon := func(want int, lk *setup.Installation) {
			t.Helper()
			require.Eventually(t, func() bool { return ask(lk, bob) == want }, slower*2*time.Second, 10*time.Millisecond)
		}
		soon(200, here)
		soon(200, there)

		rollback := errors.New("undo")
		change := func(active bool, end error) error {
			return here.Store.InTx(t.Context(), func(ctx context.Context) error {
				_, err := sqlstore.ExecutorFrom(ctx, p.db).ExecContext(ctx, `UPDATE host_users SET active = $1 WHERE id = 'bob'`, active)
				require.NoError(t, err)
				inside, err := users.User(ctx, "bob")
				require.NoError(t, err)
				require.Equal(t, active, inside.Active, "it reads in the transaction")
				return errors.Join(end, here.UserChanged(ctx, "bob"))
			})
		}
		require.ErrorIs(t, change(false, rollback), rollback)
		require.Equal(t, 200, ask(here, bob))
		require.NoError(t, change(false, nil))
		require.Equal(t, 401, ask(here, bob))
		soon(401, there)
		require.NoError(t, change(true, nil))
		require.Equal(t, 200, ask(here, bob))
		soon(200, there)
		require.NoError(t, here.UserRemoved(t.Context(), "bob"))
		require.Equal(t, 401, ask(here, bob))
		soon(401, there)

		_, err = sqlstore.ExecutorFrom(t.Context(), p.db).ExecContext(t.Context(), `DELETE FROM host_users`)
		require.NoError(t, err, "outside of a transaction")
	})
}

// Listen is README's: with it a change on another node acts long before the next poll.
func TestListenIsFasterThanAPoll(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		if e.dialect != sqlstore.PostgreSQL {
			t.Skip("SQLite has no notifications")
		}
		_, p := e.fresh(t)
		listening := make(chan struct{}, 8)
		c := setup.Config{Staleness: time.Minute, Listen: func(ctx context.Context, channel string, wake func()) error {
			return listen(ctx, postgresDSN, channel, func() {
				wake()
				listening <- struct{}{}
			})
		}}
		here, there := node(t, e, p, c), node(t, e, p, c)
		<-listening
		<-listening
		issued, err := here.Keys.IssueCustom(t.Context(), keys.Custom{Role: "reader"})
		require.NoError(t, err)
		key := issued.Key.Reveal()
		require.Equal(t, 200, ask(there, key))
		require.NoError(t, here.Keys.Invalidate(t.Context(), issued.Record.ID))
		require.Eventually(t, func() bool { return ask(there, key) == 401 }, slower*2*time.Second, 10*time.Millisecond)
	})
}

// listen listens with pgx until ctx is done.
func listen(ctx context.Context, dsn, channel string, wake func()) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	for err == nil {
		wake()
		_, err = conn.WaitForNotification(ctx)
	}
	return err
}
