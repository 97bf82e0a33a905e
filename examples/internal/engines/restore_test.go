package engines_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/keys/keystest"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/publicapi/publicapitest"
	"github.com/latchkey-go/latchkey/roles"
	"github.com/latchkey-go/latchkey/roles/rolestest"
)

// backup takes a backup of the place and returns the function that restores it, under open stores.
func (e engine) backup(t *testing.T, p place) (restore func()) {
	t.Helper()
	if e.dialect == sqlstore.SQLite {
		file := filepath.Join(t.TempDir(), "backup.db")
		p.exec(t, "VACUUM INTO '"+file+"'")
		return func() {
			conn, err := p.db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.Raw(func(c any) error {
				b, err := c.(interface {
					NewRestore(from string) (*sqlite.Backup, error)
				}).NewRestore("file:" + file)
				if err != nil {
					return err
				}
				if _, err := b.Step(-1); err != nil {
					return err
				}
				return b.Finish()
			}))
		}
	}
	tables := []string{"changes", "state", "keys", "roles", "public_api", "audit"}
	tx(t, p.db, func(tx *sql.Tx) {
		for _, table := range tables {
			run(t, tx, p.text("CREATE TABLE latchkey_backup_"+table+" AS TABLE latchkey_"+table))
		}
		run(t, tx, p.text("CREATE TABLE latchkey_backup_sequence AS SELECT last_value FROM latchkey_revision"))
	})
	return func() {
		tx(t, p.db, func(tx *sql.Tx) {
			run(t, tx, "SET LOCAL session_replication_role = replica") // no triggers
			for _, table := range tables {
				run(t, tx, p.text("DELETE FROM latchkey_"+table))
				run(t, tx, p.text(fmt.Sprintf("INSERT INTO latchkey_%s SELECT * FROM latchkey_backup_%s", table, table)))
			}
			run(t, tx, p.text("SELECT setval('latchkey_revision', (SELECT last_value FROM latchkey_backup_sequence))"))
		})
	}
}

func tx(t *testing.T, db *sql.DB, f func(*sql.Tx)) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	f(tx)
	require.NoError(t, tx.Commit())
}

func run(t *testing.T, tx *sql.Tx, text string) {
	t.Helper()
	_, err := tx.ExecContext(t.Context(), text)
	require.NoError(t, err)
}

func TestFeedConforms(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		keystest.TestFeed(t, func(t *testing.T) (keys.Store, keys.Feed, func() (restore func())) {
			s, p := e.fresh(t)
			return s.Keys(), s.Keys(), func() (restore func()) { return e.backup(t, p) }
		})
	})
}

func TestRestoredStoresConform(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		rolestest.TestRestore(t, func(t *testing.T) (roles.Store, func() (restore func())) {
			s, p := e.fresh(t)
			return s.Roles(), func() (restore func()) { return e.backup(t, p) }
		})
		publicapitest.TestRestore(t, func(t *testing.T) (publicapi.Store, func() (restore func())) {
			s, p := e.fresh(t)
			return s.PublicAPI(), func() (restore func()) { return e.backup(t, p) }
		})
	})
}

// A node keeps running while its database is restored and another node makes as many changes as the restore lost. Within
// the staleness it has the keys and roles of the store.
func TestANodeNoticesARestore(t *testing.T) {
	const staleness = 200 * time.Millisecond
	onEach(t, func(t *testing.T, e engine) {
		ctx := t.Context()
		s, p := e.fresh(t)
		save := func(role roles.Role) {
			t.Helper()
			at, err := s.Roles().Revision(ctx)
			require.NoError(t, err)
			require.NoError(t, s.Roles().Save(ctx, role, at))
		}
		node, err := sqlstore.Open(ctx, p.db, e.dialect, p.options...) // it hears of no change but by polling
		require.NoError(t, err)
		defer node.Close()
		ring, err := keys.Open(keys.Config{Store: node.Keys(), LastUsed: node.Keys(), Feed: node.Keys(), Staleness: staleness})
		require.NoError(t, err)
		defer ring.Close(context.Background())
		reader := roles.Role{AppID: "editor", Permissions: roles.Grants{"read": true}}
		save(reader)
		restore := e.backup(t, p)

		save(roles.Role{AppID: "editor", Permissions: roles.Grants{"write": true}}) // a mistake
		issued, err := ring.IssueCustom(ctx, keys.Custom{Name: "lost", Role: "editor"})
		require.NoError(t, err)
		directory, err := roles.Open(ctx, roles.Config{Store: node.Roles(), Staleness: staleness})
		require.NoError(t, err)
		defer directory.Close(context.Background())
		require.True(t, directory.Policy().Allows("editor", "write"))
		for range 3 {
			_, err = ring.Verify(ctx, issued.Key.Reveal())
			require.NoError(t, err)
			time.Sleep(staleness / 4)
		}
		lost, lostRoles := revisionOf(t, s), mustRevision(t, s)

		restore()
		save(roles.Role{AppID: "another"})
		require.NoError(t, s.Keys().Insert(ctx, custom(1)))
		require.Equal(t, lost.Number, revisionOf(t, s).Number)
		require.Equal(t, lostRoles.Number, mustRevision(t, s).Number)
		require.Eventually(t, func() bool {
			_, err := ring.Verify(ctx, issued.Key.Reveal())
			policy := directory.Policy()
			return err != nil && policy.Allows("editor", "read") && !policy.Allows("editor", "write")
		}, 20*time.Second, staleness/10)
		_, err = ring.Verify(ctx, issued.Key.Reveal())
		require.ErrorIs(t, err, keys.ErrInvalid)
	})
}

func mustRevision(t *testing.T, s *sqlstore.Store) roles.Revision {
	t.Helper()
	revision, err := s.Roles().Revision(t.Context())
	require.NoError(t, err)
	return revision
}
