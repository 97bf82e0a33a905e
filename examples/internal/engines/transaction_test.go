package engines_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// withHostTable returns stores beside a table of the host's own.
func withHostTable(t *testing.T, e engine) (*sqlstore.Store, place) {
	s, p := e.fresh(t)
	p.exec(t, "CREATE TABLE latchkey_host (name text)")
	return s, p
}

// write changes something in each store, and in the host's table.
func write(s *sqlstore.Store, p place) func(context.Context) error {
	return func(ctx context.Context) error {
		at, err := s.Roles().Revision(ctx)
		if err != nil {
			return err
		}
		_, err = s.Executor(ctx).ExecContext(ctx, p.text("INSERT INTO latchkey_host VALUES ('ada')"))
		return errors.Join(err, s.Touch(ctx), s.Keys().Insert(ctx, custom(1)),
			s.Roles().Save(ctx, roles.Role{AppID: "editor"}, at), s.PublicAPI().Save(ctx, publicapi.Setting{Role: "editor"}))
	}
}

// requireWritten checks that all of it is there, or nothing.
func requireWritten(t *testing.T, s *sqlstore.Store, p place, want bool) {
	t.Helper()
	_, err := s.Keys().Get(t.Context(), "", keyID(1))
	require.Equal(t, want, err == nil, "the key")
	rs, _, err := s.Roles().Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, len(rs) == 1, "the role")
	setting, err := s.PublicAPI().Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, setting.Role == "editor", "the setting")
	var n int
	require.NoError(t, p.db.QueryRow(p.text("SELECT count(*) FROM latchkey_host")).Scan(&n))
	require.Equal(t, want, n == 1, "the host's row")
}

func TestInTxIsOneStepOverAllStores(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		t.Run("done", func(t *testing.T) {
			s, p := withHostTable(t, e)
			woken := 0
			defer s.Keys().Watch(func() { woken++ })()
			require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
				require.NoError(t, s.InTx(ctx, write(s, p)), "a nested call joins")
				requireWritten(t, s, p, false) // outside
				require.Zero(t, woken)
				_, err := s.Keys().Get(ctx, "", keyID(1))
				return err
			}))
			require.Equal(t, 1, woken)
			requireWritten(t, s, p, true)
		})
		for name, spoil := range map[string]func(*sqlstore.Store, context.Context, context.CancelFunc) error{
			"an error": func(*sqlstore.Store, context.Context, context.CancelFunc) error { return errSpoilt },
			"a panic":  func(*sqlstore.Store, context.Context, context.CancelFunc) error { panic(errSpoilt) },
			"its context ends": func(_ *sqlstore.Store, _ context.Context, cancel context.CancelFunc) error {
				cancel()
				return nil
			},
			"a nested call fails": func(s *sqlstore.Store, ctx context.Context, _ context.CancelFunc) error {
				s.InTx(ctx, func(context.Context) error { return errSpoilt })
				return nil
			},
		} {
			t.Run(name, func(t *testing.T) {
				s, p := withHostTable(t, e)
				before := revisionOf(t, s)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				run := func() (err error) {
					defer func() {
						if name == "a panic" {
							err = recover().(error)
						}
					}()
					return s.InTx(ctx, func(inner context.Context) error {
						require.NoError(t, write(s, p)(inner))
						return spoil(s, inner, cancel)
					})
				}
				require.Error(t, run())
				requireWritten(t, s, p, false)
				after := revisionOf(t, s)
				require.Equal(t, before, after)
				require.NoError(t, s.InTx(t.Context(), write(s, p)), "the connection is whole")
				requireWritten(t, s, p, true)
			})
		}
	})
}

var errSpoilt = errors.New("spoilt")

// A refusal inside a transaction is an answer, and the transaction goes on.
func TestInTxGoesOnAfterARefusal(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		require.NoError(t, s.Keys().Insert(t.Context(), custom(1)))
		require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
			taken := custom(2)
			taken.Previous, taken.PreviousUntil = custom(1).Digest, noon
			require.ErrorIs(t, s.Keys().Insert(ctx, taken), keys.ErrExists)
			require.ErrorIs(t, s.Keys().Insert(ctx, custom(1)), keys.ErrExists)
			require.ErrorIs(t, s.Keys().Update(ctx, custom(1)), keys.ErrConflict)
			require.ErrorIs(t, s.Keys().Delete(ctx, "", keyID(1)), keys.ErrConflict)
			require.ErrorIs(t, s.Roles().Save(ctx, roles.Role{AppID: "a"}, roles.Revision{Number: 1000}), roles.ErrConflict)
			require.ErrorIs(t, s.PublicAPI().Save(ctx, publicapi.Setting{Revision: publicapi.Revision{Number: 7}}), publicapi.ErrConflict)
			return s.Keys().Insert(ctx, custom(3))
		}))
		_, err := s.Keys().Get(t.Context(), "", keyID(3))
		require.NoError(t, err)
	})
}

// A row that a transaction has read does not change until it has written, so callers need no locks.
func TestTransactionsComeOneAfterTheOther(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		const callers = 8
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				err := s.InTx(t.Context(), func(ctx context.Context) error {
					before, err := s.Keys().List(ctx, "", keys.Filter{})
					if err != nil {
						return err
					}
					return s.Keys().Insert(ctx, custom(len(before)))
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		list, err := s.Keys().List(t.Context(), "", keys.Filter{})
		require.NoError(t, err)
		require.Len(t, list, callers)
	})
}

// A transaction that touches two keys, single changes of the same keys in the other order, and batches of
// last-used times never wait for one another in a circle.
func TestWritersNeverDeadlock(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		const n, rounds = 4, 15
		for i := range n {
			require.NoError(t, s.Keys().Insert(t.Context(), custom(i)))
		}
		change := func(ctx context.Context, i int) error {
			r, err := s.Keys().Get(ctx, "", keyID(i))
			if err != nil {
				return err
			}
			r.Generation++
			if err = s.Keys().Update(ctx, r); errors.Is(err, keys.ErrConflict) {
				return nil
			}
			return err
		}
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				for range rounds {
					if err := s.InTx(t.Context(), func(ctx context.Context) error {
						return errors.Join(change(ctx, i), change(ctx, (i+1)%n))
					}); err != nil {
						t.Error("in a transaction:", err)
					}
				}
			})
			all.Go(func() {
				for range rounds {
					if err := change(t.Context(), (i+1)%n); err != nil {
						t.Error("alone:", err)
					}
				}
			})
			all.Go(func() {
				for round := range rounds {
					uses := make([]keys.Use, n)
					for j := range n {
						uses[j] = keys.Use{ID: keyID((i + j) % n), At: noon.Add(time.Duration(round) * time.Second)}
					}
					if err := s.Keys().RecordUse(t.Context(), uses); err != nil {
						t.Error("last used:", err)
					}
				}
			})
		}
		all.Wait()
	})
}

// Who still holds the context of a transaction that has ended writes nothing.
func TestATransactionThatHasEndedWritesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		var kept context.Context
		var executor sqlstore.Executor
		require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
			kept, executor = context.WithoutCancel(ctx), s.Executor(ctx)
			rows, err := executor.QueryContext(context.Background(), p.text("SELECT id FROM latchkey_changes"))
			require.NoError(t, err)
			require.True(t, rows.Next()) // and left open
			return nil
		}))
		require.Error(t, s.Keys().Insert(kept, custom(1)))
		var n int
		require.Error(t, executor.QueryRowContext(context.Background(), "SELECT 1").Scan(&n))
		_, err := s.Keys().Get(t.Context(), "", keyID(1))
		require.ErrorIs(t, err, keys.ErrNotFound)
	})
}

// SQLite ends a transaction by itself when a statement in it is interrupted, and PostgreSQL takes nothing more in it.
// What comes after that must not be done by itself.
func TestNothingIsDoneAfterAStatementThatEndedTheTransaction(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		for name, after := range map[string]error{"f gives an error": errSpoilt, "f goes on": nil} {
			t.Run(name, func(t *testing.T) {
				s, p := withHostTable(t, e)
				err := s.InTx(t.Context(), func(ctx context.Context) error {
					require.NoError(t, s.Keys().Insert(ctx, custom(1)))
					short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
					defer cancel()
					_, err := s.Executor(ctx).ExecContext(short, p.text(`INSERT INTO latchkey_host
						WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT CAST(i AS text) FROM n`))
					require.Error(t, err)
					require.Error(t, s.Keys().Insert(ctx, custom(2)))
					require.Error(t, s.Audit().Append(ctx, changed(t, "x")))
					_, err = s.Keys().Get(ctx, "", keyID(1))
					require.Error(t, err)
					require.NotErrorIs(t, err, keys.ErrNotFound, "no verdict")
					require.Error(t, s.Executor(ctx).QueryRowContext(ctx, "SELECT 1").Scan(new(int)))
					return after
				})
				require.Error(t, err)
				if after != nil {
					require.ErrorIs(t, err, after)
				}
				requireRecords(t, s)
				requireWritten(t, s, p, false)
				_, err = s.Keys().Get(t.Context(), "", keyID(2))
				require.ErrorIs(t, err, keys.ErrNotFound)
				require.NoError(t, s.InTx(t.Context(), write(s, p)), "the connections are whole")
				requireWritten(t, s, p, true)
			})
		}
	})
}
