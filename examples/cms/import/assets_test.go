package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/database"
)

const recordedUploads = "../testdata/cockpit-assets"

// withAssets returns a copy of the recorded storage with the recorded assets, and more documents.
func withAssets(t *testing.T, folders, more []string) string {
	t.Helper()
	from := t.TempDir()
	require.NoError(t, os.CopyFS(from, os.DirFS(recorded)))
	require.NoError(t, os.CopyFS(filepath.Join(from, "uploads"), os.DirFS(recordedUploads)))
	text, err := os.ReadFile("../testdata/cockpit-assets.json")
	require.NoError(t, err)
	var documents struct{ Assets []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &documents))
	var assets []string
	for _, d := range documents.Assets {
		assets = append(assets, string(d))
	}
	db := writable(t, filepath.Join(from, "data", "app.sqlite"))
	for _, statement := range append(tableOf("assets", append(assets, more...)...), tableOf("assets_folders", folders...)...) {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, db.Close())
	return from
}

func assetsIn(t *testing.T, name string) (rows []string) {
	t.Helper()
	db, err := database.Open(name)
	require.NoError(t, err)
	defer db.Close()
	return append(rowsIn(t, db.DB, `SELECT id, path, folder, document FROM cms_assets ORDER BY id`),
		rowsIn(t, db.DB, `SELECT id, parent, name FROM cms_asset_folders ORDER BY id`)...)
}

// below returns the contents of all files below a folder.
func below(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		all[strings.TrimPrefix(name, folder)] = string(text)
		return err
	}))
	return all
}

// Documents and files come over unchanged; a dry run says so before, and another run adds nothing.
func TestAssets(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.from = withAssets(t, []string{`{"_id":"f","name":"Pictures"}`, `{"_id":"g","name":"Cats","_p":"f"}`}, nil)
		c.uploads = filepath.Join(t.TempDir(), "uploads")
		before := below(t, filepath.Join(c.from, "uploads"))
		dry := c
		dry.dryRun = true
		require.Contains(t, imported(t, dry), "assets: 4 new of 4\n")
		require.NoDirExists(t, c.uploads)

		require.Contains(t, imported(t, c), "assets: 4 new of 4\n")
		require.Equal(t, before, below(t, c.uploads))
		require.Equal(t, before, below(t, filepath.Join(c.from, "uploads")))
		first := assetsIn(t, c.db)
		require.Len(t, first, 6)
		require.Contains(t, strings.Join(first, "\n"), `"_hash":"a3d6d93999efd7c3d85ad1df74d7dffb"`)
		require.Contains(t, first, "id=g | parent=f | name=Cats")

		require.Contains(t, imported(t, dry), "assets: 0 new of 4\n")
		require.Contains(t, imported(t, c), "assets: 0 new of 4\n")
		require.Equal(t, first, assetsIn(t, c.db))
	})
}

// A document whose path leads out of the folder, or whose file is missing, is refused by name; the rest comes over.
func TestOddAssets(t *testing.T) {
	t.Parallel()
	from := withAssets(t, []string{`{"_id":"f","name":""}`, `[1]`}, []string{
		`{"_id":"out","path":"/../data/system.sqlite"}`, `{"_id":"link","path":"/link/system.sqlite"}`, `{"_id":"gone","path":"/2026/gone.png"}`,
		`{"_id":"folder","path":"/2026"}`, `{"_id":"a/b","path":"/x"}`, `{"_id":"none"}`, `[1]`, `{"_id":"late","path":"/late.txt","folder":"f"}`,
	})
	require.NoError(t, os.Symlink(filepath.Join(from, "data"), filepath.Join(from, "uploads", "link")))
	require.NoError(t, os.WriteFile(filepath.Join(from, "uploads", "late.txt"), []byte("late"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(from, "uploads", "nobodys.txt"), []byte("has no document"), 0o644))
	c := config{from: from, db: filepath.Join(t.TempDir(), "cms.db")}
	out := imported(t, c)
	for _, want := range []string{
		`refused: folder "f": A folder's name has 1 to 100 characters`, `refused: asset "out": The path or the _id is not valid`,
		`refused: asset "link": its file is missing`, `refused: asset "gone": its file is missing`, `refused: asset "folder": its file is missing`,
		`refused: asset "a/b": `, `refused: asset "none": `, `refused: asset "": `, "assets: 5 new of 12\n",
	} {
		require.Contains(t, out, want)
	}
	files := below(t, c.db+".uploads")
	require.Len(t, files, 5)
	require.Equal(t, "late", files["/late.txt"])
}

// A copy that broke off is finished by the next run: a file without a document is written again.
func TestBrokenOffAssets(t *testing.T) {
	t.Parallel()
	c := config{from: withAssets(t, nil, nil), db: filepath.Join(t.TempDir(), "cms.db")}
	half := filepath.Join(c.db+".uploads", "2026/11/28/stripes_uid_6b0af695bd9bf.png")
	require.NoError(t, os.MkdirAll(filepath.Dir(half), 0o700))
	require.NoError(t, os.WriteFile(half, []byte("half"), 0o600))
	require.Contains(t, imported(t, c), "assets: 4 new of 4\n")
	require.Equal(t, below(t, recordedUploads), below(t, c.db+".uploads"))
}

// Cockpit's own folder is never the target, and PostgreSQL needs a folder.
func TestUploadsFolder(t *testing.T) {
	t.Parallel()
	from := withAssets(t, nil, nil)
	before := below(t, from)
	link := filepath.Join(t.TempDir(), "uploads")
	require.NoError(t, os.Symlink(filepath.Join(from, "uploads"), link))
	for _, folder := range []string{filepath.Join(from, "uploads"), link} {
		err := run(t.Context(), config{from: from, db: filepath.Join(t.TempDir(), "cms.db"), uploads: folder}, t.Output())
		require.ErrorContains(t, err, "name another file or folder")
	}
	require.Equal(t, before, below(t, from))
	var out strings.Builder
	in := &target{}
	s, err := openStorage(from)
	require.NoError(t, err)
	defer s.close()
	require.NoError(t, moveAssets(t.Context(), s, in, false, func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }))
	require.Equal(t, "refused: 4 assets: name a folder for their files with -uploads", out.String())
}

// Progress is printed each second.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		slow := func(yield func(content.Item, error) bool) {
			for range 4 {
				time.Sleep(600 * time.Millisecond)
				if !yield(nil, nil) {
					return
				}
			}
		}
		for range progress(slow, "assets", 4, func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }) {
		}
		require.Equal(t, []string{"assets: 2 of 4 items", "assets: 4 of 4 items"}, lines)
	})
}
