package pages

import (
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

type modelRow struct {
	content.Model
	Address string // "" if the user may not open it
	Edit    bool   // may change the model itself
}

type modelList struct {
	Models       []modelRow
	Create, Edit bool // Edit: at least one of them
}

// showModels lists the models that this user may use; users who manage models see all.
func (p *Pages) showModels(w http.ResponseWriter, r *http.Request) {
	models, err := p.Content.Models(r.Context())
	if err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	list := modelList{Create: may(r, content.ManageModels)}
	for _, m := range models {
		row := modelRow{Model: m, Edit: list.Create || may(r, content.Permission(m.Name, content.Manage))}
		switch {
		case may(r, content.Permission(m.Name, content.Read)):
			row.Address = listOf(r, m)
		case !row.Edit:
			continue
		}
		list.Models, list.Edit = append(list.Models, row), list.Edit || row.Edit
	}
	p.render(w, r, http.StatusOK, "models", "Content", list)
}

// ofModel looks up the {model} of a page's address.
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

// readable refuses a form to users who may not read the item in it.
func (p *Pages) readable(show func(http.ResponseWriter, *http.Request, content.Model)) func(http.ResponseWriter, *http.Request, content.Model) {
	return func(w http.ResponseWriter, r *http.Request, m content.Model) {
		if err := auth.Allowed(r.Context(), content.Permission(m.Name, content.Read)); err != nil {
			p.refuse(w, r, err)
			return
		}
		show(w, r, m)
	}
}

// fail answers an error of the stores of content and assets.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	mistake, ok := errors.AsType[assets.Mistake](err)
	switch {
	case ok:
		p.showError(w, r, http.StatusBadRequest, string(mistake)+".")
	case errors.Is(err, content.ErrNotFound), errors.Is(err, assets.ErrNotFound):
		p.showError(w, r, http.StatusNotFound, "What was here is gone, or the address is mistyped.")
	case errors.Is(err, content.ErrConflict), errors.Is(err, content.ErrPublished):
		p.showError(w, r, http.StatusConflict, "Another user is changing this. Nothing was done: try again.")
	default:
		p.Guard.Refuse(w, r, err)
	}
}
