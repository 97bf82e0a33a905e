package pages

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

type modelRow struct {
	content.Model
	Address string // "" for those who may only know that it is there
}

type modelList struct {
	Models []modelRow
	Create bool
}

// showModels lists the models that this user has to do with: all of them to those who make them.
func (p *Pages) showModels(w http.ResponseWriter, r *http.Request) {
	models, err := p.Content.Models(r.Context())
	if err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	list := modelList{Create: may(r, content.ManageModels)}
	for _, m := range models {
		row := modelRow{Model: m}
		switch {
		case m.Type == content.Singleton && may(r, content.Permission(m.Name, content.Update)):
			row.Address = "/content/item/" + m.Name
		case may(r, content.Permission(m.Name, content.Read)):
			row.Address = "/content/items/" + m.Name
		case !list.Create:
			continue
		}
		list.Models = append(list.Models, row)
	}
	p.render(w, r, http.StatusOK, "models", "Content", list)
}

// fieldTypes are what fields of new models can be.
var fieldTypes = []string{"text", "longtext", "number", "boolean", "date"}

// moreFields is how many empty rows the form has for fields.
const moreFields = 6

type modelForm struct {
	content.Model
	Types []string // of fields
	Error string
}

func (p *Pages) showNewModel(w http.ResponseWriter, r *http.Request) {
	p.newModel(w, r, http.StatusOK, content.Model{Type: content.Collection, Fields: []content.Field{{Name: "title", Type: "text"}}}, "")
}

func (p *Pages) newModel(w http.ResponseWriter, r *http.Request, status int, m content.Model, problem string) {
	m.Fields = append(slices.Clone(m.Fields), make([]content.Field, max(0, moreFields-len(m.Fields)))...)
	p.render(w, r, status, "newmodel", "New model", modelForm{m, fieldTypes, problem})
}

func (p *Pages) createModel(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		p.trouble(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	m := content.Model{
		Name: strings.TrimSpace(r.PostForm.Get("name")), Label: strings.TrimSpace(r.PostForm.Get("label")), Type: r.PostForm.Get("type"),
	}
	types := r.PostForm["fieldtype"]
	for i, name := range r.PostForm["field"] {
		if name = strings.TrimSpace(name); name == "" || i >= len(types) {
			continue
		}
		m.Fields = append(m.Fields, content.Field{Name: name, Type: types[i]})
	}
	if problem := wrongModel(m); problem != "" {
		p.newModel(w, r, http.StatusBadRequest, m, problem)
		return
	}
	added, err := p.Content.AddModel(r.Context(), m)
	switch {
	case err != nil:
		p.Guard.Refuse(w, r, err)
	case !added:
		p.newModel(w, r, http.StatusConflict, m, "There is a model of this name already.")
	default:
		see(w, r, home, "model")
	}
}

// wrongModel says what is wrong with a model that somebody wants to make; "" is nothing.
func wrongModel(m content.Model) string {
	if m.Check() != nil {
		return "A model's name has 1 to 64 letters, digits, - and _."
	}
	seen := map[string]bool{}
	for _, f := range m.Fields {
		switch {
		case !content.ValidName(f.Name) || strings.HasPrefix(f.Name, "_"):
			return "A field's name has 1 to 64 letters, digits, - and _, and does not begin with _."
		case seen[f.Name]:
			return fmt.Sprintf("There are two fields %q.", f.Name)
		case !slices.Contains(fieldTypes, f.Type):
			return "A field has a type that there is not."
		}
		seen[f.Name] = true
	}
	return ""
}

// ofModel looks up the {model} for a page that is about one.
func (p *Pages) ofModel(show func(http.ResponseWriter, *http.Request, content.Model)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, err := p.Content.Model(r.Context(), r.PathValue("model"))
		if err != nil {
			p.fail(w, r, err)
			return
		}
		show(w, r, m)
	}
}

// fail answers an error of the content store.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, content.ErrNotFound):
		p.trouble(w, r, http.StatusNotFound, "What was here is gone, or the address is mistyped.")
	case errors.Is(err, content.ErrConflict):
		p.trouble(w, r, http.StatusConflict, "Somebody else is changing this. Nothing was done: try again.")
	default:
		p.Guard.Refuse(w, r, err)
	}
}
