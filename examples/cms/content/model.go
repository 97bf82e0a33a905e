// Package content stores the models and items of the example CMS in its own SQL tables, in Cockpit's shape.
//
// It knows no callers and no keys: package access checks permissions. It does guarantee that readers get published
// items only.
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
	"github.com/latchkey-go/latchkey/examples/cms/content/mongo"
)

// ErrNotFound means that there is no such model, or no such item for this caller.
var ErrNotFound = errors.New("content: not found")

// The types of a model.
const (
	Collection = "collection"
	Singleton  = "singleton" // has one item at most
	Tree       = "tree"      // its items have parents
)

// A Model describes one kind of item.
type Model struct {
	Name   string  `json:"name"`
	Label  string  `json:"label,omitempty"`
	Type   string  `json:"type"`
	Fields []Field `json:"fields,omitempty"` // none: any field is accepted
}

// A Field is one field of a model's items.
type Field struct {
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	Type  string `json:"type,omitempty"`
	I18n  bool   `json:"i18n,omitempty"` // title may have a translation title_de
	// Multiple says that it holds a list of such values.
	Multiple bool `json:"multiple,omitempty"`
	Required bool `json:"required,omitempty"`
	Opts     Opts `json:"opts,omitzero"`
}

// Opts are the options of a field that matter here.
type Opts struct {
	Link     string  `json:"link,omitempty"`     // the model that a contentItemLink leads to
	Multiple bool    `json:"multiple,omitempty"` // of a select
	Fields   []Field `json:"fields,omitempty"`   // of a set
}

// UnmarshalJSON leaves out options of another kind. PHP writes none as [].
func (o *Opts) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(text, &members)
	_ = json.Unmarshal(members["link"], &o.Link)
	_ = json.Unmarshal(members["multiple"], &o.Multiple)
	_ = json.Unmarshal(members["fields"], &o.Fields)
	return nil
}

// Linked returns the model that the field links to, or "".
func (m Model) Linked(field string) string {
	for _, f := range m.Fields {
		if f.Name == field && f.Type == "contentItemLink" {
			return f.Opts.Link
		}
	}
	return ""
}

var name = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// ValidName reports whether s can be the name of a model or the ID of an item: one plain segment of an address, and
// of a permission.
func ValidName(s string) bool { return name.MatchString(s) }

// Check returns an error if the model is not valid.
func (m Model) Check() error {
	if !ValidName(m.Name) {
		return fmt.Errorf("%q is not a valid name for a model", m.Name)
	}
	switch m.Type {
	case Collection, Singleton, Tree:
		return nil
	}
	return fmt.Errorf("model %q has the type %q", m.Name, m.Type)
}

func (m Model) declares(field string) bool {
	for _, f := range m.Fields {
		if f.Name == field {
			return true
		}
	}
	return false
}

// translates returns the field that this one translates, such as title for title_de; "" if none.
func (m Model) translates(field string) string {
	for _, f := range m.Fields {
		if f.I18n && strings.HasPrefix(field, f.Name+"_") && !m.declares(field) {
			return f.Name
		}
	}
	return ""
}

// localise replaces fields by the locale's translations, and removes all translations but those that fields names.
func (m Model) localise(item Item, locale string, fields mongo.Projection) {
	for field, value := range item {
		original := m.translates(field)
		if original == "" || fields.Names(field) {
			continue
		}
		if locale != "" && value != nil && value != "" && field == original+"_"+locale {
			item[original] = value
		}
		delete(item, field)
	}
}

// A Store keeps models and items. It may be used concurrently, and by several nodes on one database.
type Store struct {
	db    *sql.DB
	write *sqlstore.Store // nil: db is written to directly
	// One semaphore each for lists and for searches, so that lists do not wait for the slower searches.
	searches, lists chan struct{}
}

// New returns the store in db, which must have the tables of [Schema].
func New(db *sql.DB) *Store {
	return &Store{db: db, searches: make(chan struct{}, atOnce), lists: make(chan struct{}, atOnce)}
}

// WriteThrough makes s write through the library's store of the same database. In SQLite its writes then queue with
// all other writers; SQLite itself would refuse some of them.
func (s *Store) WriteThrough(store *sqlstore.Store) *Store {
	s.write = store
	return s
}

// writer returns the executor for writes.
func (s *Store) writer(ctx context.Context) sqlstore.Executor {
	if s.write != nil {
		return s.write.Executor(ctx)
	}
	return s.db
}

// Ping checks that the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Model returns the model of this name, or an error wrapping ErrNotFound.
func (s *Store) Model(ctx context.Context, name string) (Model, error) {
	if !ValidName(name) { // PostgreSQL refuses invalid text, which would look like a store failure
		return Model{}, fmt.Errorf("%w: not a name of a model: %q", ErrNotFound, name)
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

// AddModel is [InsertModel] in a transaction of its own.
func (s *Store) AddModel(ctx context.Context, m Model) (added bool, err error) {
	return InsertModel(ctx, s.writer(ctx), m)
}
