package crash

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
)

// While the disk is full, good keys stay good, changes fail with a store error, and a failed change has no effect.
// Once there is room again, everything works.
func TestWithoutRoomReadsGoOnAndWritesFail(t *testing.T) {
	t.Run("SQLite, file that may not grow", func(t *testing.T) {
		dsn := sqlite.newDatabase(t)
		issued := prepare(t, sqlite, dsn)
		_, db := sqlite.open(t, dsn)
		var pages int
		require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages))
		full, _ := sqlite.open(t, dsn, fmt.Sprintf("max_page_count(%d)", pages+1))
		l := ledgerOf(issued)
		w := &worker{ring: ring(t, keys.Config{Store: full.Keys()}), name: "full", mine: []string{issued[0].Record.ID}, tell: l.note}
		err := w.work(t.Context())
		requireNoVerdict(t, err)
		require.ErrorContains(t, err, "full")
		checkAll(t, l, sqlite, dsn, l.all(), 0)
		require.NoError(t, l.check(t.Context(), w.ring, l.all(), 0), "reads of the store that has no room")
	})
	t.Run("SQLite, log that may not grow", func(t *testing.T) {
		dsn := sqlite.newDatabase(t)
		l := ledgerOf(prepare(t, sqlite, dsn))
		out, err := command(t, "cramped", sqlite, dsn, 512<<10).Output()
		require.NoError(t, err)
		for steps := json.NewDecoder(bytes.NewReader(out)); steps.More(); {
			var s step
			require.NoError(t, steps.Decode(&s))
			l.note(s)
		}
		require.Greater(t, l.acked, 10)
		checkAll(t, l, sqlite, dsn, l.all(), 0)
		again, _ := sqlite.open(t, dsn)
		checkServes(t, again)
	})
	t.Run("SQLite, query_only", func(t *testing.T) {
		dsn := sqlite.newDatabase(t)
		issued := prepare(t, sqlite, dsn)
		refuseWrites(t, sqlite, dsn, issued, openOnly(t, sqlite, sqlite.source(dsn, "query_only(1)")))
	})
	t.Run("SQLite, mode=ro", func(t *testing.T) {
		dsn := sqlite.newDatabase(t)
		issued := prepare(t, sqlite, dsn)
		sqlite.open(t, dsn) // another node that writes
		refuseWrites(t, sqlite, dsn, issued, openOnly(t, sqlite, sqlite.source(dsn)+"&mode=ro"))
	})
	t.Run("PostgreSQL, read-only", func(t *testing.T) {
		dsn := postgres.newDatabase(t)
		issued := prepare(t, postgres, dsn)
		refuseWrites(t, postgres, dsn, issued, openOnly(t, postgres, dsn+"&default_transaction_read_only=on"))
	})
}

// childCramped works until a file reaches its size limit, and checks that all reported steps can still be read.
func childCramped(ctx context.Context, e engine, dsn string, bytes int) error {
	signal.Ignore(syscall.SIGXFSZ) // the write fails instead
	limit := syscall.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	db, err := e.connect(dsn)
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(ctx, db, e.dialect)
	if err != nil {
		return err
	}
	r := keys.NewRing(store.Keys())
	found, err := r.List(ctx, keys.Filter{})
	if err != nil {
		return err
	}
	l := newLedger()
	for _, rec := range found {
		l.entries[rec.ID] = &entry{hidden: true} // the parent knows their values
	}
	tell := json.NewEncoder(os.Stdout)
	w := &worker{ring: r, name: "cramped", tell: func(s step) {
		l.note(s)
		_ = tell.Encode(s)
	}}
	if err := w.work(ctx); !errors.Is(err, keys.ErrStore) || errors.Is(err, keys.ErrInvalid) {
		return fmt.Errorf("want an error of the store that is no verdict, got: %w", err)
	}
	return l.check(ctx, r, l.all(), 0)
}

// prepare makes a database with a few keys.
func prepare(t *testing.T, e engine, dsn string) (issued []keys.Issued) {
	t.Helper()
	store, _, end := e.openFor(t, dsn)
	defer end()
	r, err := keys.Open(keys.Config{Store: store.Keys()})
	require.NoError(t, err)
	for range 10 {
		one, err := r.IssueUser(t.Context(), fmt.Sprintf("user%d", len(issued)), keys.User{})
		require.NoError(t, err)
		issued = append(issued, one)
	}
	require.NoError(t, r.Close(t.Context()))
	return issued
}

func ledgerOf(issued []keys.Issued) *ledger {
	l := newLedger()
	for _, one := range issued {
		l.note(step{What: "issue", Key: one.Record.ID, Value: one.Key.Reveal(), Done: true})
	}
	return l
}

// openOnly opens the store without migrating.
func openOnly(t *testing.T, e engine, source string) *sqlstore.Store {
	t.Helper()
	db, err := sql.Open(e.driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store, err := sqlstore.Open(t.Context(), db, e.dialect)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// refuseWrites tries one change of each kind on a store that cannot write.
func refuseWrites(t *testing.T, e engine, dsn string, issued []keys.Issued, store *sqlstore.Store) {
	t.Helper()
	ctx, l := t.Context(), ledgerOf(issued)
	r, err := keys.Open(keys.Config{Store: store.Keys()}) // no LastUsed: there is nothing to save
	require.NoError(t, err)
	id := issued[0].Record.ID
	changes := map[string]func() error{
		"issue":           func() error { _, err := r.IssueCustom(ctx, keys.Custom{Name: "new"}); return err },
		"refresh":         func() error { _, err := r.Refresh(ctx, id, keys.Renewal{}); return err },
		"update":          func() error { _, err := r.Update(ctx, id, rename); return err },
		"disable":         func() error { return r.Disable(ctx, id) },
		"invalidate":      func() error { return r.Invalidate(ctx, id) },
		"invalidate user": func() error { _, err := r.InvalidateUser(ctx, "user1"); return err },
		"drop role":       func() error { _, err := r.DropRole(ctx, "editor"); return err },
		"touch":           func() error { return store.Touch(ctx) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) { requireNoVerdict(t, change()) })
		require.NoError(t, l.check(ctx, r, l.all(), 0), "reads after %s", name)
	}
	require.NoError(t, r.Close(ctx))
	checkAll(t, l, e, dsn, l.all(), 0)
	again, _ := e.open(t, dsn)
	checkServes(t, again)
}

func rename(s *keys.Settings) error {
	s.Name = "renamed"
	return nil
}

// requireNoVerdict requires a store error: never an error about a key or a record.
func requireNoVerdict(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	for _, verdict := range []error{keys.ErrInvalid, keys.ErrNotFound, keys.ErrExists, keys.ErrConflict, keys.ErrRefused} {
		require.False(t, errors.Is(err, verdict), "%v", err)
	}
}
