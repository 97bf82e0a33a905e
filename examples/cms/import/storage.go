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

// A storage is the folder in which Cockpit keeps everything. It is only read.
//
//	data/system.sqlite      roles, users, keys
//	data/content.sqlite     items; missing if there never were any
//	content/*.model.php     models
type storage struct {
	folder          string
	system, content *sql.DB // content may be nil
}

func openStorage(folder string) (s *storage, err error) {
	s = &storage{folder: folder}
	s.system, err = openSQLite(filepath.Join(folder, "data", "system.sqlite"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no data/system.sqlite: the folder that is needed is the one that Cockpit calls storage", folder)
	}
	if err != nil {
		return nil, err
	}
	s.content, err = openSQLite(filepath.Join(folder, "data", "content.sqlite"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// openSQLite opens a file for reading. Cockpit sets the mark of a write-ahead log in its files, so that SQLite would want to
// write beside them: it is told that nobody changes them, unless there is such a log, or a journal of the older kind.
// While Cockpit runs that may be wrong, so the last import is one after it has stopped. Of a log SQLite may leave its
// index beside it, -shm, in which there is nothing of Cockpit's.
func openSQLite(file string) (*sql.DB, error) {
	if info, err := os.Stat(file); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", file)
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

// holds reports whether there is such a file with something in it.
func holds(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

// has reports whether a file is one of the storage's databases, whatever it is called.
func (s *storage) has(name string) bool {
	given, err := os.Stat(name)
	for _, file := range []string{"system.sqlite", "content.sqlite"} {
		ours, missing := os.Stat(filepath.Join(s.folder, "data", file))
		if err == nil && missing == nil && os.SameFile(given, ours) {
			return true
		}
	}
	return false
}

func (s *storage) close() error {
	err := s.system.Close()
	if s.content != nil {
		err = errors.Join(err, s.content.Close())
	}
	return err
}

// models reads the models in the order of their files' names. What is no model is said, and left out.
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
		return m, fmt.Errorf("it is no file, or larger than %d bytes", php.MaxSize)
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

// locales returns the languages beside the one that fields without an ending are in.
func (s *storage) locales(ctx context.Context) (names []string, err error) {
	if n, err := rowsOf(ctx, s.system, "locales"); err != nil || n == 0 {
		return nil, err
	}
	rows, err := s.system.QueryContext(ctx, `SELECT document FROM locales ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var document sql.RawBytes
		if err := rows.Scan(&document); err != nil {
			return nil, err
		}
		if name, ok := decode(document)["i18n"].(string); ok {
			names = append(names, name)
		}
	}
	return names, rows.Err()
}

// rowsOf returns how many rows a table has, which may be missing.
func rowsOf(ctx context.Context, db *sql.DB, table string) (n int, err error) {
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`, table).Scan(&n)
	if err != nil || n == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM "`+table+`"`).Scan(&n)
	return n, err
}

// strays returns the tables of items that no model has.
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

// table returns where the items of a model are. The name is one that needs no quoting.
func table(m content.Model) string {
	if m.Type == content.Singleton {
		return "singletons"
	}
	return "collections_" + m.Name
}

// count returns how many rows the table of a model has.
func (s *storage) count(ctx context.Context, m content.Model) (n int, err error) {
	if s.content == nil {
		return 0, nil
	}
	return rowsOf(ctx, s.content, table(m))
}

// items returns a model's items in row order, one at a time. What is no document is nil.
func (s *storage) items(ctx context.Context, m content.Model) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		if n, err := s.count(ctx, m); err != nil || n == 0 {
			if err != nil {
				yield(nil, err)
			}
			return
		}
		rows, err := s.content.QueryContext(ctx, `SELECT document FROM "`+table(m)+`" ORDER BY id`)
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
			item := decode(document)
			if m.Type == content.Singleton && item["_model"] != m.Name {
				continue
			}
			if !yield(item, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// decode reads a document, keeping numbers as they are written; nil if it is none.
func decode(document []byte) content.Item {
	var item content.Item
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	if decoder.Decode(&item) != nil {
		return nil
	}
	return item
}
