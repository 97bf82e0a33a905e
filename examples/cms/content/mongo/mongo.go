// Package mongo evaluates the query language of Cockpit's storage on documents in memory: filters, expressions,
// projections, orders and pipelines.
//
// Cockpit evaluates a filter in one of two ways, and so does this package. A filter of plain fields and of $and, $or,
// $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $size and $type runs as SQL: it compares as SQLite does, where 12
// is not "12". All other filters, and those of a pipeline, run as PHP: there 12 is "12", and null matches nothing but
// $exists and null.
//
// What is not known is refused by name: ignoring a condition would show too much. Nothing here reads other documents.
package mongo

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A Doc is a document or an object in one, as decoded from JSON with json.Number for numbers.
type Doc = map[string]any

// A Filter reports whether a document matches.
type Filter func(Doc) bool

// An Error says why a query is refused. Its text may be sent to the client.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

// ErrJSON is the error of a text that is not JSON, or not of the kind that is needed.
var ErrJSON error = &Error{"no valid json"}

// refuse names what is refused, in full unless it is long.
func refuse(what, name string) error {
	return &Error{what + " " + strconv.Quote(name[:min(len(name), 60)])}
}

const (
	maxDepth      = 8   // nested levels of conditions and expressions
	maxConditions = 500 // in a query, counting each value of a list
)

// A Compiler compiles the parts of one query and bounds them together. The zero Compiler is ready to use.
type Compiler struct {
	Locale string          // replaces :locale in names; "" is that of fields without suffix
	Links  []*Link         // the conditions on linked documents
	Uses   map[string]bool // the fields that the compiled parts read
	Loose  bool            // the compiled filter compares as PHP does

	count   int
	program int // instructions of regular expressions
}

func (c *Compiler) pay(n int) error {
	if c.count += n; c.count > maxConditions {
		return &Error{"too many conditions"}
	}
	return nil
}

// path splits a path such as link._id and notes that the query uses the field. A part that ends in :locale is the
// field in the query's language.
func (c *Compiler) path(field string) []string {
	locale := c.Locale
	if locale != "" {
		locale = "_" + locale
	}
	path := strings.Split(strings.ReplaceAll(field, ":locale", locale), ".")
	if c.Uses == nil {
		c.Uses = map[string]bool{}
	}
	c.Uses[path[0]] = true
	return path
}

// fieldName reports whether a name is a field, not an operator or a reference to another model.
func fieldName(name string) bool { return name != "" && name[0] != '$' && name[0] != '@' }

// decode reads one JSON value.
func decode(text []byte) (value any, err error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if !json.Valid(text) || decoder.Decode(&value) != nil {
		return nil, ErrJSON
	}
	return value, nil
}

// decodeObject reads an object. A list is an object of numbers, and null has no members.
func decodeObject(text []byte) (Doc, error) {
	value, err := decode(text)
	if value != nil && !composite(value) {
		err = ErrJSON
	}
	return members(value), err
}
