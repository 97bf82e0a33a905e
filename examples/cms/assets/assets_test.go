package assets_test

import (
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/examples/cms/assets"
)

func opened(t testing.TB) (s *assets.Store, db *sql.DB, folder string) {
	folder = filepath.Join(t.TempDir(), "uploads")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "cms.db")+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.Exec(assets.Schema)
	require.NoError(t, err)
	s, err = assets.Open(db, folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, db, folder
}

// upload uploads a file and returns its document.
func upload(t testing.TB, s *assets.Store, name, folder, body string) assets.Asset {
	t.Helper()
	before, err := s.Page(t.Context(), folder, 1000, 0)
	require.NoError(t, err)
	require.NoError(t, s.Upload(t.Context(), name, folder, "ada", strings.NewReader(body)))
	after, err := s.Page(t.Context(), folder, 1000, 0)
	require.NoError(t, err)
	require.Len(t, after, len(before)+1)
	known := map[string]bool{}
	for _, a := range before {
		known[a.Text("_id")] = true
	}
	for _, a := range after {
		if !known[a.Text("_id")] {
			return a
		}
	}
	t.Fatal("no new asset")
	return nil
}

// filesIn returns the files below a folder.
func filesIn(t testing.TB, folder string) (names []string) {
	require.NoError(t, filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	}))
	return names
}

// An upload is named anew, and typed by its content. Its document is Cockpit's.
func TestUpload(t *testing.T) {
	s, _, folder := opened(t)
	for name, want := range map[string]struct{ body, path, mime, kind string }{
		"Cat Picture.PNG":        {"\x89PNG\r\n\x1a\n", `cat-picture_uid_[0-9a-f]{24}\.png`, "image/png", "image"},
		"../../etc/passwd":       {"root:x:0:0", `passwd_uid_[0-9a-f]{24}`, "text/plain; charset=utf-8", "document"},
		`C:\x\..\evil.php`:       {"<?php echo 1;", `evil_uid_[0-9a-f]{24}\.php`, "text/plain; charset=utf-8", "document"},
		"page.png":               {"<!doctype html><script>alert(1)</script>", `page_uid_[0-9a-f]{24}\.png`, "text/html; charset=utf-8", "document"},
		"drawing.txt":            {"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", `drawing_uid_[0-9a-f]{24}\.txt`, "image/svg+xml", "image"},
		"":                       {"", `_uid_[0-9a-f]{24}`, "text/plain; charset=utf-8", "document"},
		"a.b/c\x00\n\u202e":      {"x", `c_uid_[0-9a-f]{24}`, "text/plain; charset=utf-8", "document"},
		strings.Repeat("x", 900): {"x", `x{60}_uid_[0-9a-f]{24}`, "text/plain; charset=utf-8", "document"},
	} {
		a := upload(t, s, name, "", want.body)
		require.Regexp(t, `^/20[0-9]{2}/[01][0-9]/[0-3][0-9]/`+want.path+`$`, a.Text("path"))
		require.Equal(t, want.mime, a.Text("mime"), name)
		require.Equal(t, want.kind, a.Text("type"), name)
		require.Equal(t, "ada", a.Text("_cby"))
		require.Regexp(t, `^[0-9a-f]{24}$`, a.Text("_id"))
		stored, err := os.ReadFile(filepath.Join(folder, a.Text("path")))
		require.NoError(t, err)
		require.Equal(t, want.body, string(stored))
	}
}

// A file that is too large, or whose sender goes away, leaves nothing.
func TestUploadThatFails(t *testing.T) {
	s, _, folder := opened(t)
	err := s.Upload(t.Context(), "a", "", "ada", io.LimitReader(zeros{}, assets.MostUpload+1))
	require.ErrorIs(t, err, assets.Mistake("The file is too large"))
	gone := errors.New("gone")
	err = s.Upload(t.Context(), "a", "", "ada", io.MultiReader(strings.NewReader("half"), broken{gone}))
	require.ErrorIs(t, err, gone)
	require.Empty(t, filesIn(t, folder))
	list, err := s.Page(t.Context(), "", 10, 0)
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, s.Upload(t.Context(), "a", "", "ada", io.LimitReader(zeros{}, assets.MostUpload)))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// No document names a file outside of the folder, and no path is taken twice.
func TestAdd(t *testing.T) {
	s, _, folder := opened(t)
	outside := filepath.Join(filepath.Dir(folder), "outside.txt")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(filepath.Dir(folder), filepath.Join(folder, "link")))
	add := func(id, path string) error {
		return s.Add(t.Context(), assets.Asset{"_id": id, "path": path}, strings.NewReader("new"), 10, nil)
	}
	for _, path := range []string{
		"", "/", "x.txt", "/.", "/..", "/../outside.txt", "/a/../../outside.txt", "//etc/passwd", "/a//b", "/a/", `/..\outside.txt`, "/a\x00b", "/a\nb", "/\xff",
		"/" + strings.Repeat("x", 1001),
	} {
		require.ErrorAs(t, add("one", path), new(assets.Mistake), "%q", path)
	}
	for _, id := range []string{"", "a/b", "..", "a b", strings.Repeat("x", 65)} {
		require.ErrorAs(t, add(id, "/a.txt"), new(assets.Mistake), "%q", id)
	}
	require.Error(t, add("one", "/link/outside.txt"), "a link that leads out")
	text, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "secret", string(text))
	require.NoError(t, add("one", "/2030/01/31/a.txt"))
	require.ErrorAs(t, add("one", "/2030/01/31/b.txt"), new(assets.Mistake))
	require.ErrorAs(t, add("two", "/2030/01/31/a.txt"), new(assets.Mistake))
}

func TestEdit(t *testing.T) {
	s, _, _ := opened(t)
	a := upload(t, s, "a.txt", "", "hello")
	require.NoError(t, s.Edit(t.Context(), a.Text("_id"), assets.Asset{"title": "A\nB", "path": "/other", "_id": "other", "folder": "f"}, "eve"))
	now, err := s.Get(t.Context(), a.Text("_id"))
	require.NoError(t, err)
	require.Equal(t, a.Text("path"), now.Text("path"), "which file it is does not change")
	require.Equal(t, []string{"A\nB", "f", "eve", "ada"}, []string{now.Text("title"), now.Text("folder"), now.Text("_mby"), now.Text("_cby")})
	require.Equal(t, a["size"], now["size"])
	require.ErrorIs(t, s.Edit(t.Context(), "none", nil, "eve"), assets.ErrNotFound)
	require.Error(t, s.Edit(t.Context(), a.Text("_id"), assets.Asset{"folder": "\x00"}, "eve"))
}

func TestDelete(t *testing.T) {
	s, _, folder := opened(t)
	a, b := upload(t, s, "a.txt", "", "a"), upload(t, s, "b.txt", "", "b")
	require.NoError(t, s.Delete(t.Context(), a.Text("_id")))
	require.Equal(t, []string{filepath.Join(folder, b.Text("path"))}, filesIn(t, folder))
	require.ErrorIs(t, s.Delete(t.Context(), a.Text("_id")), assets.ErrNotFound)
	// A crash has left a document without a file: the asset is still listed, and can be deleted.
	require.NoError(t, os.Remove(filepath.Join(folder, b.Text("path"))))
	require.NoError(t, s.Delete(t.Context(), b.Text("_id")))
	list, err := s.Page(t.Context(), "", 10, 0)
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestFolders(t *testing.T) {
	s, _, _ := opened(t)
	folder := func(id, parent, name string) error {
		return s.AddFolder(t.Context(), assets.Folder{ID: id, Parent: parent, Name: name})
	}
	require.NoError(t, folder("f", "", " Pictures "))
	require.NoError(t, folder("g", "f", "Cats"))
	require.NoError(t, folder("g", "", "Dogs"), "it stays as it is")
	require.NoError(t, folder("h", "gone", "At the top"))
	for _, name := range []string{"", "  ", strings.Repeat("x", 101)} {
		require.ErrorAs(t, folder("i", "", name), new(assets.Mistake), "%q", name)
		require.ErrorAs(t, s.RenameFolder(t.Context(), "f", name), new(assets.Mistake), "%q", name)
	}
	list, err := s.Folders(t.Context())
	require.NoError(t, err)
	require.Equal(t, []assets.Folder{{"h", "", "At the top"}, {"g", "f", "Cats"}, {"f", "", "Pictures"}}, list)
	require.NoError(t, s.RenameFolder(t.Context(), "f", "Photos"))
	require.ErrorIs(t, s.RenameFolder(t.Context(), "none", "x"), assets.ErrNotFound)

	notEmpty := func(id string) {
		t.Helper()
		require.ErrorAs(t, s.DeleteFolder(t.Context(), id), new(assets.Mistake))
	}
	notEmpty("f")
	a := upload(t, s, "cat.png", "g", "")
	notEmpty("g")
	notEmpty("none")
	require.NoError(t, s.Edit(t.Context(), a.Text("_id"), assets.Asset{"folder": "h"}, ""))
	require.NoError(t, s.DeleteFolder(t.Context(), "g"))
	require.NoError(t, s.DeleteFolder(t.Context(), "f"))
	// What is in a folder that does not exist is at the top.
	require.NoError(t, s.Edit(t.Context(), a.Text("_id"), assets.Asset{"folder": "g"}, ""))
	list2, err := s.Page(t.Context(), "", 10, 0)
	require.NoError(t, err)
	require.Len(t, list2, 1)
	for n := 0; ; n++ {
		require.LessOrEqual(t, n, 500, "their number is bounded")
		if err := folder("", "", "more"); err != nil {
			require.ErrorIs(t, err, assets.Mistake("There are too many folders"))
			break
		}
	}
}

func TestPageIsBounded(t *testing.T) {
	s, _, _ := opened(t)
	for range 5 {
		upload(t, s, "a", "", "x")
	}
	list, err := s.Page(t.Context(), "", 3, 3)
	require.NoError(t, err)
	require.Len(t, list, 2)
}
