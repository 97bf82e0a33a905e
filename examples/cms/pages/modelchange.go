package pages

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// changeModels runs f, which changes a model, and writes its audit record in the same transaction.
func (p *Pages) changeModels(r *http.Request, action, name string,
	f func(context.Context, sqlstore.Executor) (before, after map[string]any, err error)) error {
	return p.Users.Store.InTx(r.Context(), func(ctx context.Context) error {
		before, after, err := f(ctx, p.Users.Store.Executor(ctx))
		if err != nil {
			return err
		}
		return users.Record(ctx, p.Users.Audit, *p.visitor(r), action, name, before, after)
	})
}

// plain returns the fields of a model for the audit log.
func plain(m content.Model) map[string]any {
	fields := []any{}
	for _, f := range m.Fields {
		fields = append(fields, strings.TrimSpace(f.Name+" "+f.Type))
	}
	return map[string]any{"label": m.Label, "type": m.Type, "fields": fields}
}

func (p *Pages) showNewModel(w http.ResponseWriter, r *http.Request) {
	p.newModel(w, r, http.StatusOK, content.Model{Type: content.Collection, Fields: []content.Field{{Name: "title", Type: "text"}}}, "")
}

func (p *Pages) newModel(w http.ResponseWriter, r *http.Request, status int, m content.Model, problem string) {
	p.render(w, r, status, "model", "New model", newModelForm(m, "", problem))
}

var errThere = errors.New("pages: a model of this name exists")

func (p *Pages) createModel(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	m, rearranged := typedModel(r, content.Model{})
	if rearranged {
		p.newModel(w, r, http.StatusOK, m, "")
		return
	}
	if problem := wrongModel(m, content.Model{}); problem != "" {
		p.newModel(w, r, http.StatusBadRequest, m, problem)
		return
	}
	err := p.changeModels(r, "model.create", m.Name, func(ctx context.Context, db sqlstore.Executor) (_, after map[string]any, err error) {
		added, err := content.InsertModel(ctx, db, m)
		if err == nil && !added {
			err = errThere
		}
		return nil, plain(m), err
	})
	switch {
	case errors.Is(err, errThere):
		p.newModel(w, r, http.StatusConflict, m, "A model of this name already exists.")
	case err != nil:
		p.Guard.Refuse(w, r, err)
	default:
		see(w, r, home, "model")
	}
}

func (p *Pages) showModel(w http.ResponseWriter, r *http.Request, m content.Model) {
	p.model(w, r, http.StatusOK, m, m.Revision(), "")
}

// model shows the form of an existing model, with the typed values and the error.
func (p *Pages) model(w http.ResponseWriter, r *http.Request, status int, m content.Model, revision, problem string) {
	form := newModelForm(m, revision, problem)
	if may(r, content.ManageModels) {
		_, items, err := p.Content.Page(r.Context(), m, true, 1, 0)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		form.Delete = &modelDelete{Items: items, Roles: p.rolesFor(m.Name), Refused: r.PostForm.Has("confirm")}
	}
	heading := m.Label
	if heading == "" {
		heading = m.Name
	}
	p.render(w, r, status, "model", heading, form)
}

// rolesFor returns the roles with a grant or a deny for this model alone.
func (p *Pages) rolesFor(name string) (appids []string) {
	policy := p.Guard.Policy()
	for _, appid := range policyRoles(policy) {
		role, _ := policy.Role(appid)
		for grant := range role.Permissions {
			if strings.HasPrefix(grant, content.Permission(name, "")) {
				appids = append(appids, appid)
				break
			}
		}
	}
	return appids
}

func (p *Pages) saveModel(w http.ResponseWriter, r *http.Request, before content.Model) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	revision := r.PostForm.Get("revision")
	m, rearranged := typedModel(r, before)
	if rearranged {
		p.model(w, r, http.StatusOK, m, revision, "")
		return
	}
	if problem := wrongModel(m, before); problem != "" {
		p.model(w, r, http.StatusBadRequest, m, revision, problem)
		return
	}
	err := p.changeModels(r, "model.update", m.Name, func(ctx context.Context, db sqlstore.Executor) (_, _ map[string]any, err error) {
		before, err := content.UpdateModel(ctx, db, m, revision)
		return plain(before), plain(m), err
	})
	switch {
	case errors.Is(err, content.ErrConflict):
		p.model(w, r, http.StatusConflict, m, before.Revision(),
			"Another user has changed this model. Nothing was saved: the form below has your input. If you save again, it replaces the other change.")
	case err != nil:
		p.fail(w, r, err)
	default:
		see(w, r, home, "modelsaved")
	}
}

// deleteModel requires the typed name, since all items are deleted too.
func (p *Pages) deleteModel(w http.ResponseWriter, r *http.Request, m content.Model) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	if strings.TrimSpace(r.PostForm.Get("confirm")) != m.Name {
		p.model(w, r, http.StatusBadRequest, m, m.Revision(), "Nothing was deleted: the name that you typed is not "+m.Name+".")
		return
	}
	err := p.changeModels(r, "model.delete", m.Name, func(ctx context.Context, db sqlstore.Executor) (before, _ map[string]any, err error) {
		items, err := content.DeleteModel(ctx, db, m.Name)
		before = plain(m)
		before["items"] = items
		return before, nil, err
	})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	see(w, r, home, "modeldeleted")
}
