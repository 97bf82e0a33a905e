package engines_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/roles"
)

// dbtx is what sqlc generates.
type dbtx interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

var _ dbtx = sqlstore.Executor(nil)

// immediate opens the database of p again with transactions that begin IMMEDIATE.
func immediate(t *testing.T, e engine) (*sqlstore.Store, place) {
	if e.dialect == sqlstore.PostgreSQL {
		return withHostTable(t, e)
	}
	db, err := sql.Open("sqlite", sqliteDSN(filepath.Join(t.TempDir(), "keys.db"), safe...)+"&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	p := place{db, nil, "latchkey_"}
	s := e.store(t, p)
	p.exec(t, "CREATE TABLE latchkey_host (name text)")
	return s, p
}

// A host's own transaction holds the changes of all stores and of the host, and is one step.
func TestJoinIsTheHostsTransaction(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		for _, commit := range []bool{true, false} {
			s, p := immediate(t, e)
			woken := 0
			defer s.Keys().Watch(func() { woken++ })()
			tx, err := p.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			ctx, done, err := s.Join(t.Context(), tx)
			require.NoError(t, err)
			require.NoError(t, s.InTx(ctx, write(s, p)), "InTx joins it")
			prepared, err := s.Executor(ctx).PrepareContext(ctx, p.text("SELECT count(*) FROM latchkey_host"))
			require.NoError(t, err)
			var n int
			require.NoError(t, prepared.QueryRowContext(ctx).Scan(&n))
			require.Equal(t, 1, n)
			require.Zero(t, woken)
			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			done(commit)
			done(commit)
			require.Equal(t, commit, woken > 0, "this node hears of it at once, and of nothing that was not done")
			requireWritten(t, s, p, commit)
			_, err = s.Executor(ctx).ExecContext(ctx, "SELECT 1")
			require.Error(t, err, "its context is of no use any more")
		}
	})
}

// From Join on, no other change comes between.
func TestJoinKeepsOtherChangesOut(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := immediate(t, e)
		at, err := s.Roles().Revision(t.Context())
		require.NoError(t, err)
		tx, err := p.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		ctx, done, err := s.Join(t.Context(), tx)
		require.NoError(t, err)
		other := make(chan error)
		go func() { other <- s.Roles().Save(t.Context(), roles.Role{AppID: "other"}, at) }()
		require.NoError(t, s.Roles().Save(ctx, roles.Role{AppID: "mine"}, at))
		require.NoError(t, tx.Commit())
		done(true)
		require.Error(t, <-other, "it was made for a revision that is gone")
		rs, _, err := s.Roles().Load(t.Context())
		require.NoError(t, err)
		require.Len(t, rs, 1)
	})
}

func TestJoinRefusesTransactionsThatSeeThePast(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		s, p := withHostTable(t, engines[1])
		for _, level := range []sql.IsolationLevel{sql.LevelRepeatableRead, sql.LevelSerializable} {
			tx, err := p.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
			require.NoError(t, err)
			_, _, err = s.Join(t.Context(), tx)
			require.ErrorContains(t, err, "begin with read committed")
			require.NoError(t, tx.Rollback())
		}
	})
	t.Run("SQLite", func(t *testing.T) {
		s, p := withHostTable(t, engines[0])
		tx, err := p.db.BeginTx(t.Context(), nil) // DEFERRED
		require.NoError(t, err)
		var n int
		require.NoError(t, tx.QueryRow("SELECT count(*) FROM latchkey_host").Scan(&n))
		require.NoError(t, s.Touch(t.Context()))
		_, _, err = s.Join(t.Context(), tx)
		require.ErrorContains(t, err, "IMMEDIATE")
		require.NoError(t, tx.Rollback())
	})
}

func TestJoinIsNotNested(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := immediate(t, e)
		tx, err := p.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer tx.Rollback()
		ctx, done, err := s.Join(t.Context(), tx)
		require.NoError(t, err)
		defer done(false)
		_, _, err = s.Join(ctx, tx)
		require.ErrorContains(t, err, "carries a transaction already")
	})
}

// What Schema returns makes the database that Migrate makes.
func TestSchemaIsWhatMigrateRuns(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		p := e.open(t)
		steps, err := sqlstore.Schema(e.dialect, p.options...)
		require.NoError(t, err)
		require.Greater(t, len(steps), 3)
		for _, step := range steps {
			_, err := p.db.ExecContext(t.Context(), step)
			require.NoError(t, err)
		}
		s, err := sqlstore.Open(t.Context(), p.db, e.dialect, p.options...)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.NoError(t, sqlstore.Migrate(t.Context(), p.db, e.dialect, p.options...), "nothing is left to do")
	})
	_, err := sqlstore.Schema(0)
	require.Error(t, err)
}

// An engine that accepts advisory locks and locks nothing is refused: here a schema that hides PostgreSQL's.
func TestEnginesThatOnlyLookLikePostgreSQL(t *testing.T) {
	p := engines[1].open(t)
	require.NoError(t, sqlstore.Migrate(t.Context(), p.db, sqlstore.PostgreSQL, p.options...))
	p.exec(t, `CREATE SCHEMA IF NOT EXISTS lookalike`)
	p.exec(t, `CREATE OR REPLACE FUNCTION lookalike.pg_advisory_xact_lock_shared(bigint) RETURNS void LANGUAGE sql AS ''`)
	db, err := sql.Open("pgx", postgresDSN+"&search_path=lookalike,pg_catalog,public")
	require.NoError(t, err)
	defer db.Close()
	_, err = sqlstore.Open(t.Context(), db, sqlstore.PostgreSQL, p.options...)
	require.ErrorContains(t, err, "no advisory locks")
}
