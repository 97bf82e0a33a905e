// Package content keeps the models and items of the example CMS, in SQL tables of its own and in the shape that
// Cockpit gives them.
//
// It knows nothing of callers and keys: who may do what is the business of package api. What it does see to is
// that readers get published items only.
package content

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

// ErrNotFound: there is no such model, or no such item for whoever asks.
var ErrNotFound = errors.New("content: not found")

// The types of a model.
const (
	Collection = "collection"
	Singleton  = "singleton" // has one item at most
	Tree       = "tree"      // its items have parents
)

// A Model says what a kind of item is like.
type Model struct {
	Name   string  `json:"name"`
	Label  string  `json:"label,omitempty"`
	Type   string  `json:"type"`
	Fields []Field `json:"fields,omitempty"` // none: any field is taken
}

// A Field is one field of a model's items.
type Field struct {
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	Type  string `json:"type,omitempty"`
	I18n  bool   `json:"i18n,omitempty"` // title may have a title_de beside it
	// Multiple says that it holds a list of such values.
	Multiple bool `json:"multiple,omitempty"`
}

var name = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// ValidName reports whether s can be the name of a model or the ID of an item: one plain segment of an address, and
// of a permission.
func ValidName(s string) bool { return name.MatchString(s) }

// Check says what is wrong with the model.
func (m Model) Check() error {
	if !ValidName(m.Name) {
		return fmt.Errorf("%q is no name for a model", m.Name)
	}
	switch m.Type {
	case Collection, Singleton, Tree:
		return nil
	}
	return fmt.Errorf("model %q has the type %q", m.Name, m.Type)
}

// takes reports whether writers may set the field. What begins with an underscore is ours.
func (m Model) takes(field string) bool {
	return !strings.HasPrefix(field, "_") && (len(m.Fields) == 0 || m.declares(field) || m.translates(field) != "")
}

func (m Model) declares(field string) bool {
	for _, f := range m.Fields {
		if f.Name == field {
			return true
		}
	}
	return false
}

// translates returns the field that this one holds a translation of, as title_de does of title; "" if none.
func (m Model) translates(field string) string {
	for _, f := range m.Fields {
		if f.I18n && strings.HasPrefix(field, f.Name+"_") && !m.declares(field) {
			return f.Name
		}
	}
	return ""
}

// localise puts the locale's translations in the place of what they translate, and drops all of them.
func (m Model) localise(item Item, locale string) {
	for field, value := range item {
		original := m.translates(field)
		if original == "" {
			continue
		}
		if locale != "" && value != nil && field == original+"_"+locale {
			item[original] = value
		}
		delete(item, field)
	}
}

// A Store keeps models and items. It may be used concurrently, and by several nodes on one database.
type Store struct {
	db    *sql.DB
	write *sqlstore.Store // nil: db is written to directly
	// One for each that is under way. Whoever lists does not wait behind those who search, which takes longer.
	searches, lists chan struct{}
}

// New returns the store in db, which must have the tables of [Schema].
func New(db *sql.DB) *Store {
	return &Store{db: db, searches: make(chan struct{}, atOnce), lists: make(chan struct{}, atOnce)}
}

// WriteThrough has s write through the library's store of the same database. In SQLite its writes then wait for their
// turn among all others, where SQLite itself would refuse some of them.
func (s *Store) WriteThrough(store *sqlstore.Store) *Store {
	s.write = store
	return s
}

// writer returns what writes are run with.
func (s *Store) writer(ctx context.Context) sqlstore.Executor {
	if s.write != nil {
		return s.write.Executor(ctx)
	}
	return s.db
}

// Ping asks whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Model returns the model of this name, or an error wrapping ErrNotFound.
func (s *Store) Model(ctx context.Context, name string) (Model, error) {
	if !ValidName(name) { // not asked for: what is no text to PostgreSQL would look like a fault of the store
		return Model{}, fmt.Errorf("%w: no model's name: %q", ErrNotFound, name)
	}
	var document []byte
	err := s.db.QueryRowContext(ctx, `SELECT document FROM cms_models WHERE name = $1`, name).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return Model{}, fmt.Errorf("%w: model %q", ErrNotFound, name)
	}
	if err != nil {
		return Model{}, err
	}
	var m Model
	return m, json.Unmarshal(document, &m)
}

// AddModel is [InsertModel] on its own.
func (s *Store) AddModel(ctx context.Context, m Model) (added bool, err error) {
	return InsertModel(ctx, s.writer(ctx), m)
}
