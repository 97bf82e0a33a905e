package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// madeUp writes a storage with these models (by file name) and statements (by database).
func madeUp(t *testing.T, models map[string]string, system, content []string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"data", "content"} {
		require.NoError(t, os.Mkdir(filepath.Join(folder, name), 0o755))
	}
	for name, text := range models {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "content", name), []byte(text), 0o644))
	}
	for file, statements := range map[string][]string{"system.sqlite": system, "content.sqlite": content} {
		db := writable(t, filepath.Join(folder, "data", file))
		for _, statement := range statements {
			_, err := db.Exec(statement)
			require.NoError(t, err, statement)
		}
		require.NoError(t, db.Close())
	}
	return folder
}

func writable(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`PRAGMA journal_mode = WAL`)
	require.NoError(t, err)
	return db
}

func model(name, kind string) string {
	return fmt.Sprintf("<?php\n return ['name' => '%s', 'type' => '%s', 'label' => 'A', 'fields' => [['name' => 'title', 'type' => 'text']]];", name, kind)
}

func tableOf(name string, documents ...string) []string {
	statements := []string{"CREATE TABLE `" + name + "` ( id INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT )"}
	for _, d := range documents {
		statements = append(statements, "INSERT INTO `"+name+"` (document) VALUES ('"+d+"')")
	}
	return statements
}

var systemTables = append(append(tableOf("roles"), tableOf("users")...), tableOf("api_keys")...)

// A record that is refused is named with the reason, and the rest is imported. Nothing in a model's file is executed.
func TestOddStorage(t *testing.T) {
	t.Parallel()
	proof := filepath.Join(t.TempDir(), "executed")
	from := madeUp(t, map[string]string{
		"good.model.php":   model("good", "collection"),
		"other.model.php":  model("another", "collection"),
		"graph.model.php":  model("graph", "graph"),
		"code.model.php":   "<?php\n return ['name' => 'code',\n 'type' => touch('" + proof + "')];",
		"text.model.php":   "<?php return 'text';",
		"list.model.php":   "<?php return [['name' => 'list']];",
		"bad-name.php":     model("bad-name", "collection"),
		"one.model.php":    model("one", "singleton"),
		"empty.model.php":  model("empty", "tree"),
		"dots.a.model.php": model("dots.a", "collection"),
	}, systemTables, append(append(append(
		tableOf("collections_good", `{"_id":"a","_state":1,"title":"A","n":12345678901234567890}`, `{"title":"no id"}`, `[]`, `broken`, `{"_id":"a/b"}`, `{"_id":"b","_state":7}`, `null`),
		tableOf("collections_gone", `{"_id":"x"}`)...),
		tableOf("singletons", `{"_id":"s","_model":"one","_state":1}`, `{"_id":"q","_model":"unknown"}`)...),
		tableOf("assets", `{"_id":"x"}`)...))
	c := config{from: from, db: filepath.Join(t.TempDir(), "cms.db")}
	report := imported(t, c)
	require.NoFileExists(t, proof)
	for _, want := range []string{
		`refused: "code.model.php": php: line 3, column 12: a text, a number, an array, true, false or null is expected`,
		`refused: "other.model.php": it describes the model "another"`, `refused: "graph.model.php": model "graph" has the type "graph"`,
		`refused: "text.model.php": it does not describe a model`, `refused: "list.model.php": it d`, `refused: "dots.a.model.php": "dots.a" is not a valid name for a model`,
		`refused: item 3 of "good": it is not an object`, `refused: item 4 of "good": it is not an object`, `refused: item 5 of "good": its _id is not valid`, `refused: item 7 of "good": it is not an object`,
		`2 items of "good" have no known _state: they are drafts`, "model good: new, 3 new items", "model one: new, 1 new items", "model empty: new, 0 new items",
		`refused: the items of "collections_gone": there is no such model`,
	} {
		require.Contains(t, report, want)
	}
	got := contents(t, c.db)
	require.Equal(t, map[string]int{"roles": 0, "keys": 0, "public": 1, "users": 0, "models": 3, "locales": 0, "items": 4}, lengths(got))
	require.Contains(t, got["items"][0], "12345678901234567890", "numbers come as they are")

	// Here another user changed a model in between, and gave it another type.
	from = madeUp(t, map[string]string{"good.model.php": model("good", "tree"), "one.model.php": "<?php return ['name' => 'one', 'type' => 'singleton'];"}, systemTables, nil)
	report = imported(t, config{from: from, db: c.db})
	require.Contains(t, report, `refused: model "good": it is a collection here, not a tree`)
	require.Contains(t, report, `model "one" exists and is different: it is not changed`)
	require.Equal(t, got, contents(t, c.db))
}

func TestNoStorage(t *testing.T) {
	t.Parallel()
	for about, folder := range map[string]string{
		"nothing": filepath.Join(t.TempDir(), "nowhere"), "an empty folder": t.TempDir(), "the folder above": filepath.Dir(recorded),
	} {
		db := filepath.Join(t.TempDir(), "cms.db")
		err := run(t.Context(), config{from: folder, db: db}, t.Output())
		require.ErrorContains(t, err, "the one that Cockpit calls storage", about)
		require.NoFileExists(t, db)
	}
	from := madeUp(t, nil, systemTables, nil)
	require.NoError(t, os.WriteFile(filepath.Join(from, "data", "system.sqlite"), []byte("this is no database at all, whatever it is called"), 0o644))
	require.Error(t, run(t.Context(), config{from: from, db: filepath.Join(t.TempDir(), "cms.db")}, t.Output()))
}

// A damaged storage gives the part that can be read.
func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	from := madeUp(t, map[string]string{"good.model.php": model("good", "collection")}, systemTables, nil)
	at := func(name string) string { return filepath.Join(from, "content", name+".model.php") }
	require.NoError(t, os.Mkdir(at("folder"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(from, "nowhere"), at("dangling")))
	require.NoError(t, os.Symlink(filepath.Join(from, "data", "system.sqlite"), at("elsewhere")))
	c := config{from: from, db: filepath.Join(t.TempDir(), "cms.db")}
	report := imported(t, c)
	for _, name := range []string{"folder", "dangling", "elsewhere"} {
		require.Contains(t, report, `refused: "`+name+`.model.php": `)
	}
	require.Contains(t, report, "model good: new")

	content := filepath.Join(from, "data", "content.sqlite")
	require.NoError(t, os.Remove(content))
	require.NoError(t, os.Mkdir(content, 0o755))
	require.ErrorContains(t, run(t.Context(), c, t.Output()), "content.sqlite is not a file")
}

// Cockpit's own files are only read, even if they are named as the target.
func TestSourceIsNoTarget(t *testing.T) {
	t.Parallel()
	from := madeUp(t, nil, systemTables, nil)
	before := filesIn(t, filepath.Join(from, "data"))
	link := filepath.Join(t.TempDir(), "cms.db")
	require.NoError(t, os.Symlink(filepath.Join(from, "data", "system.sqlite"), link))
	for _, name := range []string{link, filepath.Join(from, "data", "system.sqlite"), filepath.Join(from, "data", "..", "data", "content.sqlite")} {
		for _, dryRun := range []bool{true, false} {
			err := run(t.Context(), config{from: from, db: name, dryRun: dryRun}, t.Output())
			require.ErrorContains(t, err, "name another file", name)
		}
	}
	require.Equal(t, before, filesIn(t, filepath.Join(from, "data")))
	require.NoFileExists(t, link+".pepper")
}

// Half a transaction, which waits in a journal to be rolled back, is not read as committed.
func TestJournal(t *testing.T) {
	t.Parallel()
	from := madeUp(t, nil, append(systemTables, tableOf("more", `{}`)...), nil)
	file := filepath.Join(from, "data", "system.sqlite")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(DELETE)&_pragma=cache_size(1)&_pragma=cache_spill(1)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`BEGIN`)
	require.NoError(t, err)
	for range 200 { // more than the cache holds, so that part of it is in the file
		_, err = db.Exec(`INSERT INTO api_keys (document) VALUES ('{"_id":"' || hex(randomblob(12)) || '","key":"API-' || hex(randomblob(400)) || '"}')`)
		require.NoError(t, err)
	}
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(from)))
	require.NoError(t, db.Close())
	require.True(t, holds(filepath.Join(copied, "data", "system.sqlite-journal")))
	before := filesIn(t, filepath.Join(copied, "data"))
	err = run(t.Context(), config{from: copied, db: filepath.Join(t.TempDir(), "cms.db")}, t.Output())
	require.ErrorContains(t, err, "stop Cockpit")
	require.Equal(t, before, filesIn(t, filepath.Join(copied, "data")))
}

// A Cockpit that never had content has no content.sqlite.
func TestNoContent(t *testing.T) {
	t.Parallel()
	from := madeUp(t, map[string]string{"good.model.php": "<?php return ['name' => 'good', 'type' => 'collection', 'fields' => []];"}, systemTables, nil)
	require.NoError(t, os.Remove(filepath.Join(from, "data", "content.sqlite")))
	c := config{from: from, db: filepath.Join(t.TempDir(), "cms.db")}
	require.Contains(t, imported(t, c), "model good: new, 0 new items")
	again := imported(t, c)
	require.Contains(t, again, "model good: there already, 0 new items")
	require.NotContains(t, again, "another one here")
}

// The last changes of a running Cockpit are in a log beside its file, and are imported.
func TestWriteAheadLog(t *testing.T) {
	t.Parallel()
	from := madeUp(t, map[string]string{"good.model.php": model("good", "collection")}, systemTables, tableOf("collections_good"))
	running := writable(t, filepath.Join(from, "data", "content.sqlite"))
	defer running.Close()
	_, err := running.ExecContext(context.Background(), `INSERT INTO collections_good (document) VALUES ('{"_id":"late","_state":1}')`)
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(from, "data", "content.sqlite-wal"))
	require.NoError(t, err)
	require.Positive(t, info.Size())
	require.Contains(t, imported(t, config{from: from, db: filepath.Join(t.TempDir(), "cms.db")}), "model good: new, 1 new items")
}
