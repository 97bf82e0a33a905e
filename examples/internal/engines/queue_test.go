package engines_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// impatient opens a new database in which a writer that has to wait in SQLite itself fails at once.
func impatient(t *testing.T) place {
	dsn := strings.Replace(sqliteDSN(filepath.Join(t.TempDir(), "keys.db"), safe...), "busy_timeout%2810000%29", "busy_timeout%281%29", 1)
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	var timeout int
	require.NoError(t, db.QueryRow("PRAGMA busy_timeout").Scan(&timeout))
	require.Equal(t, 1, timeout)
	return place{db, nil, "latchkey_"}
}

// A writer makes changes of one kind. What it returns as an error is none that a caller may meet.
type writer func(ctx context.Context, round int) error

// writers returns 16 clients of a store, which between them make all kinds of changes. No two change the same key.
func writers(t *testing.T, s *sqlstore.Store, p place) map[string]writer {
	var failed sync.Map
	ring, err := keys.Open(keys.Config{Store: s.Keys(), Feed: s.Keys(), LastUsed: s.Keys(), FlushEvery: time.Millisecond,
		OnError: func(err error) { failed.Store(err.Error(), true) }})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, ring.Close(context.Background()))
		failed.Range(func(err, _ any) bool { t.Error("in the background:", err); return true })
	})
	all := map[string]writer{}
	for i := range 4 {
		key, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "one"})
		require.NoError(t, err)
		id := key.Record.ID
		all[fmt.Sprint("issue ", i)] = func(ctx context.Context, _ int) error {
			_, err := ring.IssueCustom(ctx, keys.Custom{Name: "more"})
			return err
		}
		all[fmt.Sprint("refresh and use ", i)] = func(ctx context.Context, _ int) error {
			next, err := ring.Refresh(ctx, id, keys.Renewal{})
			if err == nil {
				_, err = ring.Verify(ctx, next.Key.Reveal())
			}
			return err
		}
	}
	all["user"] = func(ctx context.Context, round int) error {
		user := fmt.Sprint("user ", round)
		_, err := ring.IssueUser(ctx, user, keys.User{})
		if err == nil {
			_, err = ring.InvalidateUser(ctx, user)
		}
		return err
	}
	all["role"] = func(ctx context.Context, _ int) error {
		at, err := s.Roles().Revision(ctx)
		if err == nil {
			err = s.Roles().Save(ctx, roles.Role{AppID: "editor"}, at)
		}
		return err
	}
	all["flush"] = func(ctx context.Context, round int) error {
		uses := make([]keys.Use, 100)
		for i := range uses {
			uses[i] = keys.Use{ID: keyID(i), At: noon.Add(time.Duration(round) * time.Second)}
		}
		return s.Keys().RecordUse(ctx, uses)
	}
	all["transaction"] = func(ctx context.Context, round int) error {
		return s.InTx(ctx, func(ctx context.Context) error {
			_, err := s.Executor(ctx).ExecContext(ctx, p.text("INSERT INTO latchkey_host VALUES ('in a transaction')"))
			return errors.Join(err, s.Touch(ctx), s.Audit().Append(ctx, changed(t, "x")))
		})
	}
	all["audit"] = func(ctx context.Context, _ int) error { return s.Audit().Append(ctx, changed(t, "y")) }
	all["host exec"] = func(ctx context.Context, _ int) error {
		_, err := s.Executor(ctx).ExecContext(ctx, p.text("DELETE FROM latchkey_host"))
		return err
	}
	all["host row"] = func(ctx context.Context, _ int) error {
		var name string
		return s.Executor(ctx).QueryRowContext(ctx, p.text("INSERT INTO latchkey_host VALUES ('ada') RETURNING name")).Scan(&name)
	}
	all["host rows"] = func(ctx context.Context, _ int) error {
		rows, err := s.Executor(ctx).QueryContext(ctx, p.text("INSERT INTO latchkey_host VALUES ('a'), ('b') RETURNING name"))
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return errors.Join(rows.Err(), rows.Close())
	}
	require.Len(t, all, 16)
	return all
}

// Writers over one database take turns, over whichever of its stores, and the host's own statements with them. None of
// them ever waits within SQLite, which would refuse some after its busy_timeout.
func TestWritersTakeTurns(t *testing.T) {
	rounds, duration := 20, time.Minute
	switch {
	case long:
		rounds, duration = 1<<30, 20*time.Second
	case testing.Short():
		rounds = 5
	}
	p := impatient(t)
	e := engines[0]
	stores := []*sqlstore.Store{e.store(t, p), e.store(t, p)}
	p.exec(t, "CREATE TABLE latchkey_host (name text)")
	for i := range 100 {
		require.NoError(t, stores[0].Keys().Insert(t.Context(), custom(i)))
	}
	clients := []map[string]writer{writers(t, stores[0], p), writers(t, stores[1], p)}
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	began, n := time.Now(), 0
	for name := range clients[0] {
		n++
		do := clients[n%2][name]
		all.Go(func() {
			for round := 0; round < rounds && time.Since(began) < duration; round++ {
				start := time.Now()
				err := do(t.Context(), round)
				for name == "role" && errors.Is(err, roles.ErrConflict) {
					err = do(t.Context(), round)
				}
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	require.LessOrEqual(t, p99, slower*2*time.Second)
	t.Logf("%d changes in %v, p99 %v, longest %v", len(took), time.Since(began).Round(time.Millisecond), p99, took[len(took)-1])
}

// A write in the queue gives up with its context, also while the turn is another store's.
func TestAWriterInTheQueueGivesUpWithItsContext(t *testing.T) {
	p := impatient(t)
	e := engines[0]
	s, other := e.store(t, p), e.store(t, p)
	p.exec(t, "CREATE TABLE latchkey_host (name text)")
	clients := writers(t, s, p)
	require.NoError(t, other.InTx(t.Context(), func(context.Context) error {
		for name, do := range clients {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			require.ErrorIs(t, do(ctx, 0), context.DeadlineExceeded, name)
			cancel()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, sqlstore.Migrate(ctx, p.db, e.dialect), context.DeadlineExceeded)
		var n int
		require.NoError(t, s.Executor(t.Context()).QueryRowContext(t.Context(), "SELECT 1").Scan(&n), "reads go on")
		return nil
	}))
	require.NoError(t, s.Touch(t.Context()))
}

// Rows that a host's statement returns keep its turn until they are closed, as they keep SQLite's lock.
func TestTheTurnOfAStatementWithRowsEndsWhenTheyAreClosed(t *testing.T) {
	p := impatient(t)
	s := engines[0].store(t, p)
	p.exec(t, "CREATE TABLE latchkey_host (name text)")
	rows, err := s.Executor(t.Context()).QueryContext(t.Context(), p.text("INSERT INTO latchkey_host VALUES ('a'), ('b') RETURNING name"))
	require.NoError(t, err)
	require.True(t, rows.Next())
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Touch(ctx), context.DeadlineExceeded)
	require.NoError(t, rows.Close())
	require.NoError(t, s.Touch(t.Context()))

	var n int
	for _, wrong := range []string{"INSERT INTO no_such_table VALUES (1) RETURNING 1", "no statement"} {
		require.Error(t, s.Executor(t.Context()).QueryRowContext(t.Context(), wrong).Scan(&n))
		_, err := s.Executor(t.Context()).QueryContext(t.Context(), wrong)
		require.Error(t, err)
		require.NoError(t, s.Touch(t.Context()), "after %q", wrong)
	}
}

// Each process has a queue of its own. Between them SQLite decides, and the busy_timeout counts.
func TestTwoProcessesShareAFile(t *testing.T) {
	e, file := engines[0], filepath.Join(t.TempDir(), "keys.db")
	var all sync.WaitGroup
	for range 2 {
		s := e.store(t, place{openSQLite(t, file, safe...), nil, "latchkey_"})
		for range 2 {
			all.Go(func() {
				for range 10 {
					err := s.Keys().Insert(t.Context(), custom(rand.Int()))
					if err = cmp.Or(err, s.InTx(t.Context(), s.Touch)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
}
