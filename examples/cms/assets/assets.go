// Package assets stores and serves the uploaded files of the example CMS: a document for each file in the database, as
// Cockpit stores it, and the file in a folder.
//
// A file is served only if a document names it. Uploading stores the file and then the document; deleting removes the
// file and then the document. So a crash leaves a file that is not served, or an asset without a file, which is still
// listed and can be deleted again. No name leads out of the folder, which is an [os.Root]. Package pages has the screens,
// and asks for permissions.
package assets

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrNotFound means that there is no such asset, folder or file.
var ErrNotFound = errors.New("assets: not found")

// A Mistake is an error of the caller, in words for people.
type Mistake string

func (m Mistake) Error() string { return string(m) }

// An Asset is the document of a file, in Cockpit's shape. Its numbers are [json.Number] if it was read.
type Asset map[string]any

// Text returns a member that is a text, or "".
func (a Asset) Text(member string) string {
	text, _ := a[member].(string)
	return text
}

// Scan implements [sql.Scanner].
func (a *Asset) Scan(stored any) error {
	decoder := json.NewDecoder(strings.NewReader(fmt.Sprintf("%s", stored)))
	decoder.UseNumber()
	return decoder.Decode(a)
}

var validID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// check returns a Mistake if the _id or the path is not valid.
func (a Asset) check() error {
	path, rooted := strings.CutPrefix(a.Text("path"), "/")
	odd := func(c rune) bool { return c == '\\' || unicode.IsControl(c) }
	if !rooted || len(path) > 1000 || path == "." || !fs.ValidPath(path) || strings.ContainsFunc(path, odd) || !validID.MatchString(a.Text("_id")) {
		return Mistake("The path or the _id is not valid")
	}
	return nil
}

// storable reports whether PostgreSQL can store s.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// A Store is the assets of a database and a folder. It may be used concurrently, by several processes.
type Store struct {
	db    *sql.DB
	files *os.Root
}

// Open opens the store whose files are in folder, which is created if missing. The database needs the tables of
// [Schema].
func Open(db *sql.DB, folder string) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	return &Store{db, root}, err
}

// Close closes the folder, not the database.
func (s *Store) Close() error { return s.files.Close() }

// Get returns an asset, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (Asset, error) {
	a, _, err := s.one(ctx, "id", id)
	return a, err
}

// one returns the asset with a value in a column, and its document as stored.
func (s *Store) one(ctx context.Context, column, value string) (a Asset, document string, err error) {
	if !storable(value) {
		return nil, "", ErrNotFound
	}
	err = s.db.QueryRowContext(ctx, `SELECT document, document FROM cms_assets WHERE `+column+` = $1`, value).Scan(&a, &document)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return a, document, err
}

// Has reports whether there is an asset with this _id or this path. It returns a Mistake if a cannot be stored.
func Has(ctx context.Context, db *sql.DB, a Asset) (there bool, err error) {
	if err = a.check(); err == nil {
		err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM cms_assets WHERE id = $1 OR path = $2)`, a.Text("_id"), a.Text("path")).Scan(&there)
	}
	return there, err
}

// Page returns assets of a folder, latest first. The top, "", also has those whose folder does not exist.
func (s *Store) Page(ctx context.Context, folder string, limit, skip int) ([]Asset, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT document FROM cms_assets WHERE folder = $1 OR $1 = '' AND folder NOT IN (SELECT id FROM cms_asset_folders)
		ORDER BY id DESC LIMIT $2 OFFSET $3`, folder, limit, skip)
	return each(rows, err, func(a *Asset) []any { return []any{a} })
}

// Edit overwrites members of an asset, all but those that say which file it is. by is the user's ID.
func (s *Store) Edit(ctx context.Context, id string, members Asset, by string) error {
	old, stored, err := s.one(ctx, "id", id)
	if err != nil {
		return err
	}
	a := maps.Clone(old)
	maps.Copy(a, members)
	a["_id"], a["path"], a["_modified"], a["_mby"] = old["_id"], old["path"], time.Now().Unix(), by
	document, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.change(ctx, Mistake("Another user has changed this: try again"),
		`UPDATE cms_assets SET folder = $1, document = $2 WHERE id = $3 AND document = $4`, a.Text("folder"), string(document), id, stored)
}

// change executes a statement, and returns otherwise if it changed no row, or if an argument cannot be stored.
func (s *Store) change(ctx context.Context, otherwise error, statement string, args ...any) error {
	for _, arg := range args {
		if text, ok := arg.(string); ok && !storable(text) {
			return otherwise
		}
	}
	result, err := s.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return otherwise
}

// each returns the values whose columns are the rows of a query, and closes the rows.
func each[T any](rows *sql.Rows, err error, columns func(*T) []any) (list []T, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var value T
		if err := rows.Scan(columns(&value)...); err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, rows.Err()
}
