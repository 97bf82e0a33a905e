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

// fieldTypes are the types to choose from. A loaded field with another type keeps it.
var fieldTypes = []string{"text", "longtext", "number", "boolean", "date"}

// emptyRows is the least number of empty rows for new fields.
const emptyRows = 2

type modelForm struct {
	content.Model
	New      bool
	Revision string // of the model in the form
	Types    []string
	Error    string
	Delete   *modelDelete // nil without permission
}

// A modelDelete describes the effect of deleting a model.
type modelDelete struct {
	Items   int
	Roles   []string // with permissions for this model alone
	Refused bool     // the typed name was wrong
}

// RowTypes returns the types to choose from, and the row's own.
func (f modelForm) RowTypes(field content.Field) []string {
	if field.Type == "" || slices.Contains(f.Types, field.Type) {
		return f.Types
	}
	return append(slices.Clone(f.Types), field.Type)
}

// newModelForm returns the form of m, with empty rows at its end.
func newModelForm(m content.Model, revision, problem string) modelForm {
	m.Fields = append(slices.Clone(m.Fields), make([]content.Field, emptyRows)...)
	return modelForm{Model: m, New: revision == "", Revision: revision, Types: fieldTypes, Error: problem}
}

// typedModel reads the form of a model. before is the stored model, or empty for a new one. Parts of a field that the
// form does not show are unchanged. It also reports whether a button of a row was pressed, "up 2" or "remove 0": then
// show the form again and save nothing.
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

// wrongModel returns the problem of a changed model, or "". Faults of the stored model are accepted.
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
