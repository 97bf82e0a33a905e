package engines_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// beforeTags loads a dump of the schema without tags, with rows in it.
func beforeTags(t *testing.T, e engine) *sql.DB {
	t.Helper()
	dump, err := os.ReadFile("testdata/schema_before_tags_" + strings.ToLower(e.name) + ".sql")
	require.NoError(t, err)
	open := func() *sql.DB { return openSQLite(t, filepath.Join(t.TempDir(), "keys.db"), safe...) }
	if e.dialect == sqlstore.PostgreSQL {
		dsn := pgserver.Shared(t).NewDatabase(t)
		open = func() *sql.DB {
			db, err := sql.Open("pgx", dsn)
			require.NoError(t, err)
			t.Cleanup(func() { db.Close() })
			return db
		}
	}
	db := open()
	_, err = db.Exec(string(dump))
	require.NoError(t, err)
	if e.dialect == sqlstore.PostgreSQL { // the dump leaves its connection without a search_path
		require.NoError(t, db.Close())
		return open()
	}
	return db
}

func TestMigrateFromTheSchemaWithoutTags(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		ctx := t.Context()
		db := beforeTags(t, e)
		p := place{db: db, prefix: "latchkey_"}
		_, err := sqlstore.Open(ctx, db, e.dialect)
		require.ErrorContains(t, err, "call Migrate first")
		var before uint64
		require.NoError(t, db.QueryRow("SELECT max(revision) FROM latchkey_changes").Scan(&before))

		s := e.store(t, p)
		now := revisionOf(t, s)
		require.Equal(t, before, now.Number)
		require.NotZero(t, now.Tag)
		list, err := s.Keys().List(ctx, "", keys.Filter{})
		require.NoError(t, err)
		require.Len(t, list, 3)
		require.EqualValues(t, 8, list[1].Generation)
		require.False(t, list[1].InvalidatedAt.IsZero())
		rs, rolesNow, err := s.Roles().Load(ctx)
		require.NoError(t, err)
		require.Len(t, rs, 1)
		setting, err := s.PublicAPI().Load(ctx)
		require.NoError(t, err)
		require.Equal(t, "editor", setting.Role)
		require.EqualValues(t, 1, setting.Revision.Number)
		requireRecords(t, s, "public")
		changes, err := s.Keys().Changes(ctx, now)
		require.NoError(t, err)
		require.Equal(t, keys.Changes{Revision: now}, changes)

		// What a program of the schema before writes has a new tag too.
		p.exec(t, "UPDATE latchkey_keys SET disabled_at = 1, generation = generation + 1 WHERE id = $1", keyID(1))
		changes, err = s.Keys().Changes(ctx, now)
		require.NoError(t, err)
		require.Equal(t, []keys.Ref{{ID: keyID(1)}}, changes.Keys)
		require.NotContains(t, []uint64{0, now.Tag}, changes.Revision.Tag)
		p.exec(t, "UPDATE latchkey_public_api SET role = 'viewer', revision = 2 WHERE revision + 1 = 2")
		after, err := s.PublicAPI().Load(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 2, after.Revision.Number)
		require.NotContains(t, []uint64{0, setting.Revision.Tag}, after.Revision.Tag)
		p.exec(t, "DELETE FROM latchkey_roles")
		_, rolesAfter, err := s.Roles().Load(ctx)
		require.NoError(t, err)
		require.Greater(t, rolesAfter.Number, rolesNow.Number)
		require.NotEqual(t, rolesNow.Tag, rolesAfter.Tag)

		// The stores change what the migration left.
		require.NoError(t, s.PublicAPI().Save(ctx, after))
		require.NoError(t, s.Roles().Save(ctx, roles.Role{AppID: "editor"}, rolesAfter))
	})
}
