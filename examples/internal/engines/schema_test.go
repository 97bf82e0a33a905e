package engines_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
)

func TestMigrateByManyNodesAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		p := e.open(t)
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() { errs[i] = sqlstore.Migrate(t.Context(), p.db, e.dialect, p.options...) })
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		var n, newest int
		require.NoError(t, p.db.QueryRow(p.text("SELECT count(*), max(version) FROM latchkey_schema")).Scan(&n, &newest))
		require.Equal(t, newest, n, "each migration is applied once")
		e.store(t, p) // again, and it opens
	})
}

// Without a busy_timeout SQLite does not wait for other writers, and in some places it does not even with one.
func TestMigrateWaitsForWhoHasTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.db")
	holder := openSQLite(t, file, safe...)
	conn, err := holder.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		time.Sleep(200 * time.Millisecond)
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		assert.NoError(t, err)
	})
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.SQLite))
	all.Wait()
}

// A database as the first version of the schema left it, with rows in it, goes forward and loses nothing.
func TestMigrateFromTheFirstSchema(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		var db *sql.DB
		if e.dialect == sqlstore.SQLite {
			db = openSQLite(t, filepath.Join(t.TempDir(), "keys.db"), safe...)
		} else {
			var err error
			db, err = sql.Open("pgx", pgserver.Shared(t).NewDatabase(t))
			require.NoError(t, err)
			defer db.Close()
		}
		p := place{db: db, prefix: "latchkey_"}
		first, err := os.ReadFile("../../../auth/sqlstore/migrations/" + strings.ToLower(e.name) + "/0001_stores.sql")
		require.NoError(t, err)
		r := custom(1)
		for _, text := range []string{
			string(first),
			"INSERT INTO latchkey_schema (version) VALUES (1)",
			`INSERT INTO latchkey_roles (appid, name, info, permissions, inherits) VALUES ('editor', 'Editor', '', '{"a/b":true}', '[]')`,
			"UPDATE latchkey_public_api SET role = 'editor', revision = 1",
			`INSERT INTO latchkey_keys (id, space, kind, name, user_id, role, foreign_id, scopes, allowed_ips, hint, digest, legacy, weak,
				sole, generation, created_at, created_by, overlap) VALUES ('` + r.ID + `', '', 'custom', 'old', '', 'editor', '', '[]', '[]',
				'', '` + digestText(r.Digest) + `', 0, 0, 0, 7, 1767225600000000, 'user:ada', 0)`,
		} {
			p.exec(t, text)
		}
		_, err = sqlstore.Open(t.Context(), db, e.dialect)
		require.ErrorContains(t, err, "call Migrate first")
		var before uint64
		require.NoError(t, db.QueryRow("SELECT max(revision) FROM latchkey_changes").Scan(&before))

		s := e.store(t, p)
		require.Equal(t, before, revisionOf(t, s).Number)
		got, err := s.Keys().Find(t.Context(), "", []keys.Digest{r.Digest})
		require.NoError(t, err)
		require.Equal(t, "old", got.Name)
		require.EqualValues(t, 7, got.Generation)
		rs, _, err := s.Roles().Load(t.Context())
		require.NoError(t, err)
		require.Len(t, rs, 1)
		setting, err := s.PublicAPI().Load(t.Context())
		require.NoError(t, err)
		require.Equal(t, "editor", setting.Role)
		require.NoError(t, s.Audit().Append(t.Context(), changed(t, "editor")))
		requireRecords(t, s, "editor")
	})
}

func TestOpenWantsItsOwnSchema(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		p := e.open(t)
		_, err := sqlstore.Open(t.Context(), p.db, e.dialect, p.options...)
		require.ErrorContains(t, err, "call Migrate first")
		e.store(t, p)
		p.exec(t, "INSERT INTO latchkey_schema (version) VALUES (1000)")
		_, err = sqlstore.Open(t.Context(), p.db, e.dialect, p.options...)
		require.ErrorContains(t, err, "has schema 1000")
		require.ErrorContains(t, sqlstore.Migrate(t.Context(), p.db, e.dialect, p.options...), "has schema 1000")
	})
}

// PostgreSQL reads a statement when it is prepared, so Open notices a table that the operator has dropped. SQLite does not.
func TestOpenRefusesPostgreSQLWithoutATable(t *testing.T) {
	e := engines[1]
	p := e.open(t)
	require.NoError(t, sqlstore.Migrate(t.Context(), p.db, e.dialect, p.options...))
	p.exec(t, "DROP TABLE latchkey_public_api")
	_, err := sqlstore.Open(t.Context(), p.db, e.dialect, p.options...)
	require.ErrorContains(t, err, "prepare")
}

func TestTwoPrefixesInOneDatabaseAreApart(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		p := e.open(t)
		one := e.store(t, p)
		other := p
		other.options = []sqlstore.Option{sqlstore.Prefix("other_" + p.prefix)}
		two := e.store(t, other)
		before := revisionOf(t, two)
		require.NoError(t, one.Keys().Insert(t.Context(), custom(1)))
		require.NoError(t, two.Keys().Insert(t.Context(), custom(1)))
		require.Equal(t, before.Number+1, revisionOf(t, two).Number)
	})
}

func TestOpenRefusesSQLiteThatAnswersBeforeItHasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		pragma  string
		allowed sqlstore.Option
		refusal string
	}{
		"synchronous normal": {"synchronous(NORMAL)", sqlstore.AllowSynchronous("normal"), `AllowSynchronous("NORMAL")`},
		"synchronous off":    {"synchronous(OFF)", sqlstore.AllowSynchronous("OFF"), `AllowSynchronous("OFF")`},
		"journal in memory":  {"journal_mode(MEMORY)", sqlstore.AllowJournal("memory"), `AllowJournal("MEMORY")`},
		"journal off":        {"journal_mode(OFF)", sqlstore.AllowJournal("OFF"), `AllowJournal("OFF")`},
		"safe":               {"journal_mode(DELETE)", nil, ""},
		"safest":             {"synchronous(EXTRA)", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			db := openSQLite(t, filepath.Join(t.TempDir(), "keys.db"), c.pragma)
			require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.SQLite))
			s, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite)
			if c.allowed != nil {
				require.ErrorContains(t, err, c.refusal)
				s, err = sqlstore.Open(t.Context(), db, sqlstore.SQLite, c.allowed)
			}
			require.NoError(t, err)
			require.NoError(t, s.Close())
		})
	}
	t.Run("a database in memory", func(t *testing.T) {
		db, err := sql.Open("sqlite", ":memory:")
		require.NoError(t, err)
		defer db.Close()
		db.SetMaxOpenConns(1)
		require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.SQLite))
		_, err = sqlstore.Open(t.Context(), db, sqlstore.SQLite)
		require.ErrorContains(t, err, "AllowJournal")
		s, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite, sqlstore.AllowJournal("MEMORY"))
		require.NoError(t, err)
		require.NoError(t, s.Close())
	})
}

func TestOpenRefusesPostgreSQLThatAnswersBeforeItHasWritten(t *testing.T) {
	db, err := sql.Open("pgx", pgserver.Shared(t).NewDatabase(t)+"&options="+"-csynchronous_commit%3Doff")
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.PostgreSQL))
	_, err = sqlstore.Open(t.Context(), db, sqlstore.PostgreSQL)
	require.ErrorContains(t, err, `AllowSynchronous("off")`)
	s, err := sqlstore.Open(t.Context(), db, sqlstore.PostgreSQL, sqlstore.AllowSynchronous("off"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// Texts have to be compared byte by byte whatever the database's own collation is.
func TestPostgreSQLComparesEveryTextByBytes(t *testing.T) {
	_, p := engines[1].fresh(t)
	rows, err := p.db.Query(`SELECT a.attrelid::regclass::text || '.' || a.attname, c.collname FROM pg_attribute a
		JOIN pg_collation c ON c.oid = a.attcollation JOIN pg_class r ON r.oid = a.attrelid
		WHERE r.relkind = 'r' AND r.relname LIKE $1 AND a.attnum > 0`, strings.ReplaceAll(p.prefix, "_", `\_`)+"%")
	require.NoError(t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var column, collation string
		require.NoError(t, rows.Scan(&column, &collation))
		require.Equal(t, "C", collation, column)
		n++
	}
	require.NoError(t, rows.Err())
	require.Greater(t, n, 20)
}

// The server's own default may be a snapshot from before the wait for others. Migrate has its own; single statements
// have not, and with that snapshot two nodes could give one user two keys.
func TestPostgreSQLUnderRepeatableRead(t *testing.T) {
	db, err := sql.Open("pgx", pgserver.Shared(t).NewDatabase(t)+"&options="+`-cdefault_transaction_isolation%3Drepeatable%5C%20read`)
	require.NoError(t, err)
	defer db.Close()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { assert.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.PostgreSQL)) })
	}
	all.Wait()
	_, err = sqlstore.Open(t.Context(), db, sqlstore.PostgreSQL)
	require.ErrorContains(t, err, "set read committed")
}

// A schema whose name has the default prefix in it is not renamed with the tables, and one that would need to be
// quoted within the functions is refused.
func TestPostgreSQLInASchemaWithAnOddName(t *testing.T) {
	dsn := pgserver.Shared(t).NewDatabase(t)
	for schema, good := range map[string]bool{"latchkey_app": true, "o'brien": false, "a$$b": false, `a\b`: false, `a"b`: true} {
		t.Run(schema, func(t *testing.T) {
			config, err := pgx.ParseConfig(dsn)
			require.NoError(t, err)
			quoted := pgx.Identifier{schema}.Sanitize()
			config.RuntimeParams["search_path"] = quoted
			db := stdlib.OpenDB(*config)
			defer db.Close()
			_, err = db.Exec("CREATE SCHEMA " + quoted)
			require.NoError(t, err)
			p := place{db: db, options: []sqlstore.Option{sqlstore.Prefix("my_")}, prefix: "my_"}
			if !good {
				require.ErrorContains(t, sqlstore.Migrate(t.Context(), db, sqlstore.PostgreSQL, p.options...), "name of the schema")
				return
			}
			s := engines[1].store(t, p)
			require.NoError(t, s.Keys().Insert(t.Context(), custom(1)))
			require.NoError(t, s.Audit().Append(t.Context(), changed(t, "x")))
		})
	}
}

// A schema beside the default one: the triggers find its tables, whatever the search path of who writes.
func TestPostgreSQLInASchemaOfItsOwn(t *testing.T) {
	dsn := pgserver.Shared(t).NewDatabase(t)
	plain, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	defer plain.Close()
	_, err = plain.Exec(`CREATE SCHEMA "Key store"`)
	require.NoError(t, err)
	db, err := sql.Open("pgx", dsn+"&search_path=%22Key%20store%22")
	require.NoError(t, err)
	defer db.Close()
	s := engines[1].store(t, place{db: db})
	r := custom(1)
	require.NoError(t, s.Keys().Insert(t.Context(), r))
	before := revisionOf(t, s)
	_, err = plain.Exec(`UPDATE "Key store".latchkey_keys SET disabled_at = 1`)
	require.NoError(t, err)
	changes, err := s.Keys().Changes(context.Background(), before)
	require.NoError(t, err)
	require.Len(t, changes.Keys, 1)
	got, err := s.Keys().Get(t.Context(), "", r.ID)
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Generation, "the operator's change counts")
}
