package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// fieldTypes are what fields can be made. A field that was loaded with another type keeps it.
var fieldTypes = []string{"text", "longtext", "number", "boolean", "date"}

// emptyRows is how many rows without a name the form has for new fields, at least.
const emptyRows = 2

type modelForm struct {
	content.Model
	New      bool
	Revision string // that the form is about
	Types    []string
	Error    string
	Delete   *modelDelete // nil for those who may not
}

// A modelDelete is what deleting a model would do.
type modelDelete struct {
	Items   int
	Roles   []string // that hold permissions for it alone
	Refused bool     // it was tried, without the right name
}

// RowTypes are what the field of a row can be: its own type too.
func (f modelForm) RowTypes(field content.Field) []string {
	if field.Type == "" || slices.Contains(f.Types, field.Type) {
		return f.Types
	}
	return append(slices.Clone(f.Types), field.Type)
}

// newModelForm is the form of m as it is or was typed, with empty rows at its end.
func newModelForm(m content.Model, revision, problem string) modelForm {
	m.Fields = append(slices.Clone(m.Fields), make([]content.Field, emptyRows)...)
	return modelForm{Model: m, New: revision == "", Revision: revision, Types: fieldTypes, Error: problem}
}

// typedModel reads the form of a model: before is what it changes, or empty if it makes one. What the form does not
// show of a field stays as it was. It also says whether a button of a row was pressed, "up 2" or "remove 0": then the
// form is to be shown again, and nothing is to be saved.
func typedModel(r *http.Request, before content.Model) (m content.Model, rearranged bool) {
	m = content.Model{Name: before.Name, Type: before.Type, Label: strings.TrimSpace(r.PostForm.Get("label"))}
	if m.Name == "" {
		m.Name, m.Type = strings.TrimSpace(r.PostForm.Get("name")), r.PostForm.Get("type")
	}
	names, types, labels := r.PostForm["field"], r.PostForm["fieldtype"], r.PostForm["fieldlabel"]
	var rows []content.Field
	for i := range min(len(names), len(types), len(labels)) {
		field := content.Field{Name: strings.TrimSpace(names[i])}
		if old := slices.IndexFunc(before.Fields, func(f content.Field) bool { return f.Name == field.Name }); old >= 0 {
			field = before.Fields[old]
		}
		field.Type, field.Label = types[i], strings.TrimSpace(labels[i])
		rows = append(rows, field)
	}
	verb, number, rearranged := strings.Cut(r.PostForm.Get("do"), " ")
	i, err := strconv.Atoi(number)
	switch {
	case err != nil || i < 0 || i >= len(rows):
	case verb == "up" && i > 0:
		rows[i-1], rows[i] = rows[i], rows[i-1]
	case verb == "remove":
		rows = slices.Delete(rows, i, i+1)
	}
	m.Fields = slices.DeleteFunc(rows, func(f content.Field) bool { return f.Name == "" })
	return m, rearranged
}

// wrongModel says what is wrong with a model that somebody wants to have; "" is nothing. What it has already may be
// worse, and stays.
func wrongModel(m, before content.Model) string {
	if m.Check() != nil {
		return "A model's name has 1 to 64 letters, digits, - and _."
	}
	if wrongLine(m.Label) {
		return "A label is one line of at most 100 characters."
	}
	seen := map[string]bool{}
	for _, f := range m.Fields {
		had := slices.ContainsFunc(before.Fields, func(b content.Field) bool { return b.Name == f.Name && b.Type == f.Type })
		switch {
		case seen[f.Name]:
			return fmt.Sprintf("There are two fields %q.", f.Name)
		case !had && (!content.ValidName(f.Name) || strings.HasPrefix(f.Name, "_")):
			return "A field's name has 1 to 64 letters, digits, - and _, and does not begin with _."
		case wrongLine(f.Label):
			return "A label is one line of at most 100 characters."
		case !had && !slices.Contains(fieldTypes, f.Type):
			return "A field has a type that there is not."
		}
		seen[f.Name] = true
	}
	return ""
}

func wrongLine(s string) bool {
	return utf8.RuneCountInString(s) > 100 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl)
}
