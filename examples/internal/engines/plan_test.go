package engines_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// TestLookUpsNeedNoStatistics brings many keys in at once, as an import does, into a PostgreSQL that has not looked at
// the table yet. Without statistics it took the index of the space, and read every key for each look-up.
func TestLookUpsNeedNoStatistics(t *testing.T) {
	const many = 300
	for _, e := range engines[1:] {
		t.Run(e.name, func(t *testing.T) {
			s, p := e.fresh(t)
			p.exec(t, "ALTER TABLE latchkey_keys SET (autovacuum_enabled = false)")
			require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
				read := func() (n int) {
					err := s.Executor(ctx).QueryRowContext(ctx,
						p.text("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'latchkey_keys'")).Scan(&n)
					require.NoError(t, err)
					return n
				}
				for i := range many {
					rec := custom(i)
					rec.ForeignID = fmt.Sprint("foreign-", i)
					if i%2 == 1 {
						rec.Kind, rec.Role, rec.UserID = keys.KindUser, "", fmt.Sprint("user-", i)
					}
					require.NoError(t, s.Keys().Insert(ctx, rec))
				}
				require.Less(t, read(), 2*many, "rows read to insert %d", many)
				before := read()
				for i := range many {
					rec, err := s.Keys().Find(ctx, "", []keys.Digest{custom(i).Digest, custom(i + many).Digest})
					require.NoError(t, err)
					require.Equal(t, keyID(i), rec.ID)
				}
				require.Less(t, read()-before, 2*many, "rows read to find %d", many)
				before = read()
				for i := range many {
					rec, err := s.Keys().Get(ctx, "", keyID(i))
					require.NoError(t, err)
					rec.Previous, rec.PreviousUntil = rec.Digest, time.Now().Add(time.Hour)
					rec.Digest, rec.Generation = custom(i+many).Digest, rec.Generation+1
					require.NoError(t, s.Keys().Update(ctx, rec))
				}
				require.Less(t, read()-before, 10*many, "rows read to refresh %d", many)
				return nil
			}))
		})
	}
}

// TestOldValuesAreFoundByTheirAge lists the few values that were issued long ago, among many.
func TestOldValuesAreFoundByTheirAge(t *testing.T) {
	const many, few = 300, 3
	for _, e := range engines[1:] {
		t.Run(e.name, func(t *testing.T) {
			s, p := e.fresh(t)
			require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
				for i := range many {
					rec := custom(i)
					rec.CreatedAt = noon
					if i%(many/few) == 0 {
						rec.CreatedAt = noon.AddDate(-1, 0, 0)
					}
					require.NoError(t, s.Keys().Insert(ctx, rec))
				}
				return nil
			}))
			p.exec(t, "ANALYZE latchkey_keys")
			require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
				read := func() (n int) {
					err := s.Executor(ctx).QueryRowContext(ctx,
						p.text("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'latchkey_keys'")).Scan(&n)
					require.NoError(t, err)
					return n
				}
				before := read()
				list, err := s.Keys().List(ctx, "", keys.Filter{State: keys.StateActive, At: noon, IssuedUntil: noon.AddDate(0, -1, 0)})
				require.NoError(t, err)
				require.Len(t, list, few)
				require.LessOrEqual(t, read()-before, 2*few, "rows read to find %d", few)
				return nil
			}))
		})
	}
}

// TestAPollReadsLittle asks what was changed since a recent revision, and since the newest, of a long log.
func TestAPollReadsLittle(t *testing.T) {
	const many = 5000
	for _, e := range engines[1:] {
		for _, analyzed := range []bool{false, true} {
			t.Run(fmt.Sprint(e.name, ", analyzed ", analyzed), func(t *testing.T) {
				s, p := e.fresh(t)
				p.exec(t, "ALTER TABLE latchkey_changes SET (autovacuum_enabled = false)")
				p.exec(t, fmt.Sprintf(`INSERT INTO latchkey_changes (revision, id, space)
					SELECT nextval('latchkey_revision'), '', '' FROM generate_series(1, %d)`, many))
				if analyzed {
					p.exec(t, "ANALYZE latchkey_changes")
				}
				before := revisionOf(t, s)
				require.NoError(t, s.Keys().Insert(t.Context(), custom(1)))
				now := revisionOf(t, s)
				require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
					read := func() (n int) {
						err := s.Executor(ctx).QueryRowContext(ctx,
							p.text("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'latchkey_changes'")).Scan(&n)
						require.NoError(t, err)
						return n
					}
					start := read()
					for _, since := range []keys.Revision{{}, before, now, now.Next()} {
						_, err := s.Keys().Changes(ctx, since)
						require.NoError(t, err)
					}
					require.Less(t, read()-start, 40, "rows read for four polls")
					return nil
				}))
			})
		}
	}
}
