package adminapi_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// fill gives n keys to a role: the statements for SQLite and PostgreSQL.
var fill = map[string]string{
	"SQLite": `WITH RECURSIVE s(i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM s WHERE i < 99999 + $1) ` + fillWith +
		`'sha256:' || printf('%064x', i) FROM s`,
	"PostgreSQL": `WITH s(i) AS (SELECT generate_series(100000, 99999 + CAST($1 AS int))) ` + fillWith + `'sha256:' || lpad(to_hex(i), 64, '0') FROM s`,
}

const fillWith = `INSERT INTO latchkey_keys (id, space, kind, name, user_id, role, foreign_id, scopes, allowed_ips, hint, legacy, weak, sole,
	generation, created_at, created_by, overlap, digest) SELECT 'key ' || i, '', 'custom', 'Build', '', 'editor', '', '[]', '[]', 'API-', 0, 0, 0,
	1, 1, '', 0, `

// TestARoleOfManyKeysIsDeleted deletes a role of many keys within three seconds; other writers wait only for the
// transaction itself. It leaves one record, and a stream ends.
func TestARoleOfManyKeysIsDeleted(t *testing.T) { each(t, ofManyKeys) }

func ofManyKeys(t *testing.T, open func() *sqlstore.Store) {
	many := 3_000
	if os.Getenv("LATCHKEY_LONG") != "" {
		many = 30_000
	}
	store, ctx := open(), t.Context()
	n := newNode(t, store)
	require.NoError(t, n.service.CreateRole(ctx, n.root(), roles.Role{AppID: "editor"}))
	_, err := store.Executor(ctx).ExecContext(ctx, fill[t.Name()[len("TestARoleOfManyKeysIsDeleted/"):]], many)
	require.NoError(t, err)
	tenant, err := n.ring.In("acme").IssueCustom(ctx, keys.Custom{Role: "editor"})
	require.NoError(t, err)
	told := 0
	defer n.ring.Watch(func(c keys.Change) { told++; require.Equal(t, keys.Change{What: "role dropped"}, c) })()

	began := time.Now()
	usage, err := n.service.RoleUsage(ctx, n.root(), "editor")
	require.NoError(t, err)
	require.Equal(t, many, usage.KeyCount)
	counted := time.Since(began)
	began = time.Now()
	require.NoError(t, n.service.DeleteRole(ctx, n.root(), "editor", admin.Confirmation{Token: usage.Confirm}))
	took := time.Since(began)
	require.Less(t, took, slower*3*time.Second)
	t.Logf("%d keys: counted in %v, deleted in %v", many, counted, took)

	left, err := n.ring.List(ctx, keys.Filter{Role: "editor"})
	require.NoError(t, err)
	require.Empty(t, left)
	got, err := n.ring.In("acme").Get(ctx, tenant.Record.ID)
	require.NoError(t, err)
	require.Empty(t, got.Role)
	require.Equal(t, 1, told)
	records, err := n.log.List(ctx, audit.Filter{Action: "role.delete"})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.EqualValues(t, many+1, records[0].Before["keys"])
}
