package engines_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// manyKeys is how many keys have the role that is deleted.
func manyKeys() int {
	if long {
		return 30_000
	}
	return 3_000
}

// A role is taken from its keys by DropRole, or by a trigger when its row is deleted. Both leave the same behind.
func TestBothWaysToTakeARoleFromItsKeysAgree(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		ctx := t.Context()
		left := func(take func(*sqlstore.Store) error) (list []keys.Record) {
			s, _ := e.fresh(t)
			here, there, ended, other := custom(1), custom(2), custom(3), custom(4)
			there.Space, ended.InvalidatedAt, other.Role = "acme", noon, "viewer"
			for _, r := range []keys.Record{here, there, ended, other} {
				require.NoError(t, s.Keys().Insert(ctx, r))
			}
			at, err := s.Roles().Revision(ctx)
			require.NoError(t, err)
			require.NoError(t, s.Roles().Save(ctx, roles.Role{AppID: "editor"}, at))
			since := revisionOf(t, s)
			woken := 0
			defer s.Keys().Watch(func() { woken++ })()
			require.NoError(t, take(s))
			require.Equal(t, 1, woken)
			changes, err := s.Keys().Changes(ctx, since)
			require.NoError(t, err)
			require.ElementsMatch(t, []keys.Ref{{ID: keyID(1)}, {Space: "acme", ID: keyID(2)}, {ID: keyID(3)}}, changes.Keys)
			for _, space := range []string{"", "acme"} {
				page, err := s.Keys().List(ctx, space, keys.Filter{})
				require.NoError(t, err)
				list = append(list, page...)
			}
			for i := range list { // require.Equal cannot compare digests
				was := slices.IndexFunc([]keys.Record{here, there, ended, other}, func(r keys.Record) bool { return r.ID == list[i].ID })
				require.True(t, list[i].Digest.Equal(custom(was+1).Digest))
				list[i].Digest = keys.Digest{}
			}
			return list
		}
		dropped := left(func(s *sqlstore.Store) error {
			n, err := s.Keys().DropRole(ctx, "editor")
			require.Equal(t, 3, n)
			return err
		})
		remove := func(ctx context.Context, s *sqlstore.Store) error {
			at, err := s.Roles().Revision(ctx)
			return errors.Join(err, s.Roles().Delete(ctx, "editor", at))
		}
		require.Equal(t, dropped, left(func(s *sqlstore.Store) error { return remove(ctx, s) }))
		require.Equal(t, dropped, left(func(s *sqlstore.Store) error {
			return s.InTx(ctx, func(ctx context.Context) error {
				_, err := s.Keys().DropRole(ctx, "editor")
				return errors.Join(err, remove(ctx, s))
			})
		}))
	})
}

// fillWith gives n keys to the role "editor", past the store.
func fillWith(t *testing.T, e engine, p place, n int) {
	t.Helper()
	digest := `'sha256:' || printf('%064x', i)`
	series := `WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ` + "?1" + `)`
	if e.dialect == sqlstore.PostgreSQL {
		digest, series = `'sha256:' || lpad(to_hex(i), 64, '0')`, `WITH s(i) AS (SELECT generate_series(1, CAST($1 AS int)))`
	}
	p.exec(t, series+` INSERT INTO latchkey_keys (`+handColumns+`) SELECT 'key ' || substr('000000' || i, length('' || i) + 1), '',
		'custom', 'Website build', '', 'editor', '', '[]', '[]', 'API-', `+digest+`, 0, 0, 0, 1, 1, '', NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, 0 FROM s`, n)
}

func TestARoleIsTakenFromManyKeysInThreeSeconds(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		fillWith(t, e, p, manyKeys())
		since := revisionOf(t, s)
		began := time.Now()
		n, err := s.Keys().DropRole(t.Context(), "editor")
		took := time.Since(began)
		require.NoError(t, err)
		require.Equal(t, manyKeys(), n)
		require.Less(t, took, slower*3*time.Second)
		changes, err := s.Keys().Changes(t.Context(), since)
		require.NoError(t, err)
		require.True(t, changes.All)
		t.Logf("%d keys in %v", n, took)
	})
}
