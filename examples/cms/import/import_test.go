package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/database"
	"github.com/latchkey-go/latchkey/examples/cms/load"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

const recorded = "testdata/cockpit-storage"

// onEach runs a test on a new database of each engine.
func onEach(t *testing.T, test func(t *testing.T, c config)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, config{from: recorded, db: filepath.Join(t.TempDir(), "cms.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, config{from: recorded, db: pgserver.Shared(t).NewDatabase(t), pepper: filepath.Join(t.TempDir(), "pepper")})
	})
}

// imported runs the program and returns its output without the times and sizes of the last line.
func imported(t *testing.T, c config) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), c, &out), "%s", &out)
	require.Regexp(t, `\ntook [0-9.]+m?s( and at most [0-9]+ MiB of memory)?\n$`, out.String())
	return out.String()[:strings.LastIndex(out.String(), "took ")]
}

// contents are all relevant rows of a database, by table, each list in its order.
func contents(t *testing.T, name string) map[string][]string {
	t.Helper()
	db, err := database.Open(name)
	require.NoError(t, err)
	defer db.Close()
	all := map[string][]string{}
	for table, query := range map[string]string{
		"roles":   `SELECT appid, name, info, permissions, inherits FROM latchkey_roles ORDER BY appid`,
		"keys":    `SELECT foreign_id, space, kind, name, user_id, role, scopes, allowed_ips, hint, digest, legacy, weak, sole, generation, created_at, created_by FROM latchkey_keys ORDER BY foreign_id`,
		"public":  `SELECT role, changed_by, revision FROM latchkey_public_api`,
		"users":   `SELECT id, login, name, role, active FROM cms_users ORDER BY id`,
		"models":  `SELECT name, document FROM cms_models ORDER BY name`,
		"locales": `SELECT name FROM cms_locales ORDER BY name`,
		"items":   `SELECT model, id, singleton, state, version, document FROM cms_items ORDER BY model, seq`,
	} {
		all[table] = rowsIn(t, db.DB, query)
	}
	return all
}

func rowsIn(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err, query)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.NullString)
		}
		require.NoError(t, rows.Scan(values...))
		var row []string
		for i, value := range values {
			row = append(row, fmt.Sprintf("%s=%s", columns[i], value.(*sql.NullString).String))
		}
		list = append(list, strings.Join(row, " | "))
	}
	require.NoError(t, rows.Err())
	return list
}

// Cockpit's storage and its JSON export make the same database, record for record. The recorded storage has two keys
// that were dropped from the recorded JSON: one is refused, and the other is a row more.
func TestStorageEqualsFixture(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		report := imported(t, c)
		for _, want := range []string{
			"role:   5 new, 0 changed, 0 unchanged, 0 refused", "user:   12 new, 0 changed, 0 unchanged, 0 refused",
			"key:    25 new, 0 changed, 0 unchanged, 1 refused", "public: 1 new", "model posts: new, 4 new items", "model settings: new, 1 new items",
			`"k-usr": it begins with USR-`, `"k-dots": it is weak`,
		} {
			require.Contains(t, report, want)
		}
		got := contents(t, c.db)
		require.Equal(t, map[string]int{"roles": 5, "keys": 25, "public": 1, "users": 12, "models": 4, "locales": 1, "items": 10}, lengths(got))

		fromJSON := filepath.Join(t.TempDir(), "json.db")
		pepper := c.pepper
		if pepper == "" {
			pepper = c.db + ".pepper"
		}
		loadFixture(t, fromJSON, pepper)
		want := contents(t, fromJSON)
		var keys []string
		for _, key := range got["keys"] {
			if !strings.Contains(key, "name=k-dots |") {
				keys = append(keys, key)
			}
		}
		require.Len(t, keys, len(got["keys"])-1)
		got["keys"] = keys
		require.Equal(t, want, got)
	})
}

func lengths(all map[string][]string) map[string]int {
	n := map[string]int{}
	for table, rows := range all {
		n[table] = len(rows)
	}
	return n
}

// loadFixture loads the recorded JSON.
func loadFixture(t *testing.T, name, pepper string) {
	t.Helper()
	db, err := database.Open(name)
	require.NoError(t, err)
	to, err := prepare(t.Context(), db, pepper, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, to.close(t.Context())) }()
	text, err := os.Open("testdata/cockpit-fixture.json")
	require.NoError(t, err)
	defer text.Close()
	f, err := load.Read(text)
	require.NoError(t, err)
	catalog, err := cockpit.Catalog(cockpit.Model{Name: "posts", Type: "collection"}, cockpit.Model{Name: "menu", Type: "tree"})
	require.NoError(t, err)
	in := load.Into{Content: to.content, Say: t.Logf, Access: cockpit.Into{
		Keys: to.ring, Roles: to.store.Roles(), Public: to.store.PublicAPI(), Catalog: catalog, Users: load.Accounts(to.users),
		InTx: to.store.InTx, AllowWeak: true,
	}}
	require.NoError(t, in.Add(t.Context(), f))
}

var numbers = regexp.MustCompile(`(?m)^(role|user|key|public): .*$`)

// A dry run reports what a run would do, and leaves nothing behind; a second run has nothing to do.
func TestDryRunAndAgain(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		dry := c
		dry.dryRun = true
		would := imported(t, dry)
		require.Contains(t, would, "the database is new\n")
		require.Contains(t, would, "nothing was written\n")
		if c.pepper == "" {
			require.Empty(t, filesIn(t, filepath.Dir(c.db)))
		} else {
			require.NoFileExists(t, c.pepper)
			db, err := database.Look(t.Context(), c.db)
			require.ErrorIs(t, err, fs.ErrNotExist, "%v", db)
		}

		did := imported(t, c)
		require.Equal(t, strings.NewReplacer("the database is new\n", "", "nothing was written\n", "").Replace(would), did)
		first, revision := contents(t, c.db), revisionOf(t, c.db)
		var files map[string]string
		if c.pepper == "" {
			files = filesIn(t, filepath.Dir(c.db))
			require.Len(t, files, 2, "the database and its pepper")
		}

		again := imported(t, c)
		for _, line := range numbers.FindAllString(again, -1) {
			require.Regexp(t, ` 0 new, 0 changed, `, line)
		}
		require.Contains(t, again, "model posts: there already, 0 new items")
		require.Equal(t, again+"nothing was written\n", imported(t, dry))
		require.Equal(t, first, contents(t, c.db))
		require.Equal(t, revision, revisionOf(t, c.db), "no node is told that something has changed")
		if files != nil {
			require.Equal(t, files, filesIn(t, filepath.Dir(c.db)), "not a byte")
		}
	})
}

// filesIn returns the contents of the files in a folder.
func filesIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		require.NoError(t, err)
		all[e.Name()] = string(text)
	}
	return all
}

func revisionOf(t *testing.T, name string) []string {
	t.Helper()
	db, err := database.Open(name)
	require.NoError(t, err)
	defer db.Close()
	return append(rowsIn(t, db.DB, `SELECT MAX(revision) FROM latchkey_changes`), rowsIn(t, db.DB, `SELECT COUNT(*) FROM latchkey_audit`)...)
}

// A dry run's database refuses writes, also if the program tried to write.
func TestLookingCannotWrite(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		imported(t, c)
		db, err := database.Look(t.Context(), c.db)
		require.NoError(t, err)
		to, err := prepare(t.Context(), db, c.pepper, nil)
		require.NoError(t, err)
		defer to.close(t.Context())
		for _, statement := range []string{`DELETE FROM cms_items`, `UPDATE latchkey_public_api SET role = ''`, `CREATE TABLE more (n INTEGER)`} {
			_, err = db.ExecContext(t.Context(), statement)
			require.Error(t, err, statement)
		}
		require.Error(t, to.store.InTx(t.Context(), to.store.Touch))
		_, _, err = db.Claim(t.Context(), "anything", "else")
		require.Error(t, err)
	})
}

// No key text is printed or written.
func TestNoKeyIsKept(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		written := imported(t, c) + imported(t, c)
		for _, rows := range contents(t, c.db) {
			written += strings.Join(rows, "\n")
		}
		db, err := database.Open(c.db)
		require.NoError(t, err)
		written += strings.Join(rowsIn(t, db.DB, `SELECT * FROM latchkey_audit`), "\n")
		require.NoError(t, db.Close())
		if c.pepper == "" {
			for _, text := range filesIn(t, filepath.Dir(c.db)) {
				written += text
			}
		}
		require.Contains(t, written, "k-space", "it looks where keys are")
		source, err := openStorage(recorded)
		require.NoError(t, err)
		defer source.close()
		seen := 0
		for _, query := range []string{`SELECT document FROM users`, `SELECT document FROM api_keys`} {
			rows, err := source.system.Query(query)
			require.NoError(t, err)
			for rows.Next() {
				var document []byte
				require.NoError(t, rows.Scan(&document))
				var d struct{ Key, APIKey string }
				require.NoError(t, json.Unmarshal(document, &d))
				if text := d.Key + d.APIKey; text != "" && text != "public" {
					require.NotContains(t, written, text)
					seen++
				}
			}
			require.NoError(t, rows.Err())
		}
		require.Equal(t, 26, seen)
	})
}

// An interruption at any point loses nothing: access comes last, and another run does the
// rest.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	c := config{from: recorded, db: filepath.Join(t.TempDir(), "cms.db")}
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("model posts")) {
			cancel()
		}
		return len(p), nil
	})
	require.ErrorIs(t, run(ctx, c, out), context.Canceled)
	half := contents(t, c.db)
	require.NotEmpty(t, half["items"])
	require.Empty(t, half["keys"])
	require.Empty(t, half["roles"])
	imported(t, c)
	require.Equal(t, map[string]int{"roles": 5, "keys": 25, "public": 1, "users": 12, "models": 4, "locales": 1, "items": 10}, lengths(contents(t, c.db)))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
