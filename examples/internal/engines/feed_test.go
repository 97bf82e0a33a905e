package engines_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// custom returns the n-th custom key, of which no two are alike.
func custom(n int) keys.Record {
	return keys.Record{
		ID: keyID(n), Kind: keys.KindCustom, Name: "Website build", Role: "editor", Hint: "API-…0f3a",
		Digest:     digestOf("key ", n),
		Generation: 1, CreatedAt: noon,
	}
}

// ofUser returns the n-th key, which is a user's.
func ofUser(n int, userID string) keys.Record {
	r := custom(n)
	r.Kind, r.UserID, r.Role = keys.KindUser, userID, ""
	return r
}

func TestEveryChangeMovesTheRevisionAndNamesItsKeys(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		ctx := t.Context()
		at := revisionOf(t, s)
		woken := 0
		defer s.Keys().Watch(func() { woken++ })()
		// moved checks what was named since, and goes on from there.
		moved := func(what string, err error, ids ...string) {
			t.Helper()
			require.NoError(t, err, what)
			changes, err := s.Keys().Changes(ctx, at)
			require.NoError(t, err, what)
			require.Greater(t, changes.Revision.Number, at.Number, what)
			require.NotEqual(t, changes.Revision.Tag, at.Tag, what)
			require.False(t, changes.All, what)
			var named []string
			for _, r := range changes.Keys {
				named = append(named, r.ID)
			}
			slices.Sort(named)
			require.Equal(t, ids, slices.Compact(named), what)
			at = changes.Revision
		}
		stays := func(what string, err error) {
			t.Helper()
			require.NoError(t, err, what)
			changes, err := s.Keys().Changes(ctx, at)
			require.NoError(t, err, what)
			require.Equal(t, keys.Changes{Revision: at}, changes, what)
		}
		a, b, u := custom(1), custom(2), ofUser(3, "ada")
		moved("insert", s.Keys().Insert(ctx, a), a.ID)
		require.Equal(t, 1, woken)
		moved("insert", s.Keys().Insert(ctx, b), b.ID)
		moved("insert", s.Keys().Insert(ctx, u), u.ID)
		stays("nothing", nil)
		woken = 0
		stays("last use", s.Keys().RecordUse(ctx, []keys.Use{{ID: a.ID, At: noon}}))
		require.Zero(t, woken)
		a.Generation++
		moved("update", s.Keys().Update(ctx, a), a.ID)
		require.Equal(t, 1, woken)
		require.ErrorIs(t, s.Keys().Update(ctx, a), keys.ErrConflict)
		require.ErrorIs(t, s.Keys().Insert(ctx, a), keys.ErrExists)
		stays("a change that was refused", nil)
		require.Equal(t, 1, woken)
		ended, err := s.Keys().InvalidateUser(ctx, "", "ada", noon)
		require.Len(t, ended, 1)
		moved("invalidate", err, u.ID)
		moved("delete", s.Keys().Delete(ctx, "", u.ID), u.ID)

		rolesAt, err := s.Roles().Revision(ctx)
		require.NoError(t, err)
		moved("save a role", s.Roles().Save(ctx, roles.Role{AppID: "editor"}, rolesAt))
		rolesNow, err := s.Roles().Revision(ctx)
		require.NoError(t, err)
		require.Greater(t, rolesNow.Number, rolesAt.Number)
		moved("open the public API", s.PublicAPI().Save(ctx, publicapi.Setting{Role: "editor"}))
		moved("touch", s.Touch(ctx))
		rolesAt, err = s.Roles().Revision(ctx)
		require.NoError(t, err)
		require.Equal(t, rolesNow, rolesAt, "roles have a revision of their own")
		require.Equal(t, 6, woken)
		moved("delete a role", s.Roles().Delete(ctx, "editor", rolesNow), a.ID, b.ID)

		p.exec(t, "UPDATE latchkey_keys SET disabled_at = 1 WHERE id = $1", b.ID)
		moved("an operator's UPDATE", nil, b.ID)
		p.exec(t, "UPDATE latchkey_keys SET disabled_at = NULL")
		moved("an operator's UPDATE of all", nil, a.ID, b.ID)
		p.exec(t, "DELETE FROM latchkey_keys WHERE id = $1", a.ID)
		moved("an operator's DELETE", nil, a.ID)
		p.exec(t, "UPDATE latchkey_public_api SET role = 'x'")
		moved("an operator opens the public API", nil)
	})
}

func TestAThousandChangesAreNamedAndNoMore(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		before := revisionOf(t, s)
		p.fill(t, e, 1000)
		changes, err := s.Keys().Changes(t.Context(), before)
		require.NoError(t, err)
		require.False(t, changes.All)
		require.Len(t, changes.Keys, 1000)
		require.NoError(t, s.Keys().Insert(t.Context(), custom(1000)))
		changes, err = s.Keys().Changes(t.Context(), before)
		require.NoError(t, err)
		require.Equal(t, keys.Changes{Revision: revisionOf(t, s), All: true}, changes)
	})
}

func TestChangesThatCannotBeNamed(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		ctx := t.Context()
		before := revisionOf(t, s)
		p.fill(t, e, 1500)
		now := revisionOf(t, s)
		first, err := s.Keys().Changes(ctx, before)
		require.NoError(t, err)
		require.Equal(t, keys.Changes{Revision: now, All: true}, first, "too many")
		later, err := s.Keys().Changes(ctx, now.Next())
		require.NoError(t, err)
		require.Equal(t, keys.Changes{Revision: now, All: true}, later, "a revision to come: the database was restored")
		other, err := s.Keys().Changes(ctx, keys.Revision{Number: now.Number, Tag: now.Tag + 1})
		require.NoError(t, err)
		require.Equal(t, keys.Changes{Revision: now, All: true}, other, "another tag: the database was restored")
		alone, err := s.Keys().Changes(ctx, keys.Revision{})
		require.NoError(t, err)
		require.Equal(t, keys.Changes{Revision: now}, alone)

		// Much later the log is trimmed.
		p.exec(t, map[string]string{
			"SQLite":     "INSERT INTO latchkey_changes (revision, id, space) VALUES (997 * 100 - 1, '', '')",
			"PostgreSQL": "SELECT setval('latchkey_revision', 997 * 100 - 1)",
		}[e.name])
		p.exec(t, "UPDATE latchkey_keys SET name = 'Other' WHERE id = $1", keyID(0))
		var kept int
		require.NoError(t, p.db.QueryRow(p.text("SELECT count(*) FROM latchkey_changes")).Scan(&kept))
		require.LessOrEqual(t, kept, 2)
		old, err := s.Keys().Changes(ctx, now)
		require.NoError(t, err)
		require.True(t, old.All, "trimmed")
		p.exec(t, "UPDATE latchkey_keys SET name = 'Another' WHERE id = $1", keyID(0))
		recent, err := s.Keys().Changes(ctx, old.Revision)
		require.NoError(t, err)
		require.Equal(t, keys.Changes{Revision: revisionOf(t, s), Keys: []keys.Ref{{ID: keyID(0)}}}, recent)
	})
}

// Where no key changes, the log is trimmed too.
func TestTheLogIsTrimmedWithoutChangesOfKeys(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		for what, change := range map[string]func(*sqlstore.Store) error{
			"the host's own": func(s *sqlstore.Store) error { return s.Touch(t.Context()) },
			"the public API": func(s *sqlstore.Store) error {
				return s.PublicAPI().Save(t.Context(), publicapi.Setting{Role: "editor"})
			},
		} {
			s, p := e.fresh(t)
			p.exec(t, map[string]string{
				"SQLite":     "INSERT INTO latchkey_changes (revision, id, space) VALUES (997 * 100 - 1, '', '')",
				"PostgreSQL": "SELECT setval('latchkey_revision', 997 * 100 - 1)",
			}[e.name])
			require.NoError(t, change(s))
			var lowest, now int
			require.NoError(t, p.db.QueryRow(p.text("SELECT min(revision), max(revision) FROM latchkey_changes")).Scan(&lowest, &now))
			require.Equal(t, 997*100, now)
			require.Greater(t, lowest, 1, what)
		}
	})
}

// A node that polls while others write must hear of each change: once it has seen a revision, what the store
// answers is not older than that.
func TestNoChangeIsMissedBesideWriters(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		ctx := t.Context()
		const writers, writes = 6, 40
		for i := range writers {
			require.NoError(t, s.Keys().Insert(ctx, custom(i)))
		}
		at := revisionOf(t, s)
		known := map[string]uint64{} // generations as a cache that follows the feed has them
		var writing sync.WaitGroup
		for i := range writers {
			writing.Go(func() {
				r := custom(i)
				for range writes {
					r.Generation++
					if err := s.Keys().Update(ctx, r); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { writing.Wait(); close(done) }()
		for last := false; ; {
			changes, err := s.Keys().Changes(ctx, at)
			require.NoError(t, err)
			require.GreaterOrEqual(t, changes.Revision.Number, at.Number)
			at = changes.Revision
			for _, ref := range changes.Keys {
				r, err := s.Keys().Get(ctx, ref.Space, ref.ID)
				require.NoError(t, err)
				known[ref.ID] = r.Generation
			}
			if last {
				break
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
		for i := range writers {
			require.EqualValues(t, writes+1, known[keyID(i)])
		}
	})
}

func TestPostgreSQLTellsListeners(t *testing.T) {
	s, p := engines[1].fresh(t)
	conn, err := p.db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "LISTEN "+strings.TrimSuffix(p.prefix, "_")+"_changes")
	require.NoError(t, err)
	require.NoError(t, s.Keys().Insert(t.Context(), custom(1)))
	revision := revisionOf(t, s)
	require.NoError(t, conn.Raw(func(c any) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		n, err := c.(*stdlib.Conn).Conn().WaitForNotification(ctx)
		if err == nil {
			require.Equal(t, p.prefix+"changes", n.Channel)
			require.Equal(t, fmt.Sprint(revision.Number), n.Payload)
		}
		return err
	}))
	_, err = conn.ExecContext(t.Context(), "UNLISTEN *")
	require.NoError(t, err)
}
