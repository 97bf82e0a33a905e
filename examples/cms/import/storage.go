package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/import/php"
)

// A storage is Cockpit's storage folder. It is only read.
//
//	data/system.sqlite      roles, users, keys
//	data/content.sqlite     items; missing if there never were any
//	data/app.sqlite         documents of assets; likewise
//	uploads                 their files
//	content/*.model.php     models
type storage struct {
	folder               string
	system, content, app *sql.DB // all but system may be nil
}

func openStorage(folder string) (s *storage, err error) {
	s = &storage{folder: folder}
	s.system, err = openSQLite(filepath.Join(folder, "data", "system.sqlite"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no data/system.sqlite: the folder must be the one that Cockpit calls storage", folder)
	}
	if err != nil {
		return nil, err
	}
	for name, db := range map[string]**sql.DB{"content.sqlite": &s.content, "app.sqlite": &s.app} {
		*db, err = openSQLite(filepath.Join(folder, "data", name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// openSQLite opens a file for reading. Cockpit's files are marked for a write-ahead log, so SQLite would write beside
// them. It is told that the file does not change, unless there is such a log or a rollback journal. That may be wrong
// while Cockpit runs, so do the last import after Cockpit has stopped. SQLite may leave the index of the log, -shm,
// which holds none of Cockpit's data.
func openSQLite(file string) (*sql.DB, error) {
	if info, err := os.Stat(file); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", file)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	source := url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro&_pragma=query_only(1)"}
	written := holds(file+"-wal") || holds(file+"-journal")
	if !written {
		source.RawQuery += "&immutable=1"
	}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	if err := db.Ping(); err != nil {
		if written {
			err = fmt.Errorf("%w (the last changes are in a log beside %s: stop Cockpit, or copy the folder to a place that can be written)", err, file)
		}
		return nil, errors.Join(fmt.Errorf("%s: %w", file, err), db.Close())
	}
	return db, nil
}

// holds reports whether there is such a file and it is not empty.
func holds(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

// has reports whether a file is one of the storage's own, or its folder of uploads, under any name.
func (s *storage) has(name string) bool {
	given, err := os.Stat(name)
	for _, file := range []string{"data/system.sqlite", "data/content.sqlite", "data/app.sqlite", "uploads"} {
		ours, missing := os.Stat(filepath.Join(s.folder, file))
		if err == nil && missing == nil && os.SameFile(given, ours) {
			return true
		}
	}
	return false
}

func (s *storage) close() error {
	err := s.system.Close()
	for _, db := range []*sql.DB{s.content, s.app} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// models reads the models in the order of their file names. Files that are no models are reported and skipped.
func (s *storage) models(say func(format string, args ...any)) ([]content.Model, error) {
	folder := filepath.Join(s.folder, "content")
	files, err := os.ReadDir(folder) // in order
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var models []content.Model
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), modelSuffix) {
			continue
		}
		m, err := readModel(filepath.Join(folder, file.Name()))
		if err != nil {
			say("refused: %q: %v", file.Name(), err)
			continue
		}
		models = append(models, m)
	}
	return models, nil
}

const modelSuffix = ".model.php"

func readModel(file string) (m content.Model, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return m, err
	}
	if !info.Mode().IsRegular() || info.Size() > php.MaxSize {
		return m, fmt.Errorf("it is not a file, or larger than %d bytes", php.MaxSize)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	document, err := php.JSON(string(source))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(document, &m); err != nil {
		return m, errors.New("it does not describe a model")
	}
	if name := strings.TrimSuffix(filepath.Base(file), modelSuffix); name != m.Name {
		return m, fmt.Errorf("it describes the model %q", m.Name)
	}
	return m, m.Check()
}

// locales returns the languages besides the one of fields without suffix.
func (s *storage) locales(ctx context.Context) (names []string, err error) {
	for document, err := range documents(ctx, s.system, "locales") {
		if err != nil {
			return nil, err
		}
		if name, ok := document["i18n"].(string); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// rowsOf returns the number of rows of a table, 0 if it or its database is missing.
func rowsOf(ctx context.Context, db *sql.DB, table string) (n int, err error) {
	if db == nil {
		return 0, nil
	}
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`, table).Scan(&n)
	if err != nil || n == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM "`+table+`"`).Scan(&n)
	return n, err
}

// strays returns the tables of items that belong to no model.
func (s *storage) strays(ctx context.Context, models []content.Model) (strays []string, err error) {
	if s.content == nil {
		return nil, nil
	}
	known := map[string]bool{}
	for _, m := range models {
		known[table(m)] = true
	}
	rows, err := s.content.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'collections!_%' ESCAPE '!' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if !known[name] {
			strays = append(strays, name)
		}
	}
	return strays, rows.Err()
}

// table returns the table of a model's items. Its name needs no quoting.
func table(m content.Model) string {
	if m.Type == content.Singleton {
		return "singletons"
	}
	return "collections_" + m.Name
}

// items returns a model's items in row order. A row that is not a document is nil.
func (s *storage) items(ctx context.Context, m content.Model) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		for item, err := range documents(ctx, s.content, table(m)) {
			other := m.Type == content.Singleton && item["_model"] != m.Name
			if (err != nil || !other) && !yield(item, err) {
				return
			}
		}
	}
}

// documents returns the documents of a table in row order, one at a time. A row that is not a document is nil.
func documents(ctx context.Context, db *sql.DB, table string) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		if n, err := rowsOf(ctx, db, table); err != nil || n == 0 {
			if err != nil {
				yield(nil, err)
			}
			return
		}
		rows, err := db.QueryContext(ctx, `SELECT document FROM "`+table+`" ORDER BY id`)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var document sql.RawBytes
			if err := rows.Scan(&document); err != nil {
				yield(nil, err)
				return
			}
			if !yield(decode(document), nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// decode reads a document and keeps the spelling of numbers. It returns nil if the text is not one.
func decode(document []byte) content.Item {
	var item content.Item
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	if decoder.Decode(&item) != nil {
		return nil
	}
	return item
}
