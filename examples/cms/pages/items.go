package pages

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

const pageSize = 50

type itemList struct {
	Model                                  content.Model
	Rows                                   []itemRow
	Total, Earlier, Later                  int // page numbers; 0 is none
	Create, Update, Publish, Delete, Draft bool
}

type itemRow struct {
	ID, Title, Modified string
	Published           bool
}

func (p *Pages) showItems(w http.ResponseWriter, r *http.Request, m content.Model) {
	can := func(verb string) bool { return may(r, content.Permission(m.Name, verb)) }
	list := itemList{Model: m, Create: can(content.Create), Update: can(content.Update), Publish: can(content.Publish), Delete: can(content.Delete)}
	if m.Type == content.Singleton {
		list.Create, list.Delete = false, false
	}
	list.Draft = list.Create || list.Update || list.Publish || list.Delete
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	number = min(max(number, 1), 1<<20)
	items, total, err := p.Content.Page(r.Context(), m, list.Draft, pageSize, (number-1)*pageSize)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	list.Total, list.Earlier = total, number-1
	if total > number*pageSize {
		list.Later = number + 1
	}
	for _, item := range items {
		state, _ := item.State()
		list.Rows = append(list.Rows, itemRow{item.ID(), title(m, item), modified(item), state == 1})
	}
	heading := m.Label
	if heading == "" {
		heading = m.Name
	}
	p.render(w, r, http.StatusOK, "items", heading, list)
}

// title returns an item's title in a list: its first text.
func title(m content.Model, item content.Item) string {
	names := []string{"title", "name", "label"}
	for _, f := range m.Fields {
		names = append(names, f.Name)
	}
	for _, name := range names {
		if text, ok := item[name].(string); ok && strings.TrimSpace(text) != "" {
			if runes := []rune(text); len(runes) > 80 {
				text = string(runes[:80]) + "…"
			}
			return text
		}
	}
	return item.ID()
}

func modified(item content.Item) string {
	seconds, err := strconv.ParseInt(fmt.Sprint(item["_modified"]), 10, 64)
	if err != nil {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format("2 Jan 2006, 15:04")
}

type itemForm struct {
	Model           content.Model
	ID              string
	Inputs          []input
	Published       bool
	Publish, Delete bool // permissions of this user
	Place           *place
	Error           string
}

// form shows an item for editing; without an ID it is a new one.
func (p *Pages) form(w http.ResponseWriter, r *http.Request, status int, m content.Model, item content.Item, inputs []input, problem string) {
	state, _ := item.State()
	f := itemForm{
		Model: m, ID: item.ID(), Inputs: inputs, Published: state == 1 && item.ID() != "", Error: problem,
		Publish: may(r, content.Permission(m.Name, content.Publish)),
		Delete:  may(r, content.Permission(m.Name, content.Delete)) && m.Type != content.Singleton && item.ID() != "",
	}
	var err error
	if f.Place, err = p.place(r, m, item); err != nil {
		p.fail(w, r, err)
		return
	}
	if f.Place != nil && r.PostForm.Has("position") { // as typed
		f.Place.Parent, f.Place.Position = r.PostForm.Get("parent"), r.PostForm.Get("position")
	}
	heading := "New item"
	if f.ID != "" {
		heading = title(m, item)
	}
	p.render(w, r, status, "item", heading, f)
}

func (p *Pages) showNewItem(w http.ResponseWriter, r *http.Request, m content.Model) {
	if m.Type == content.Singleton {
		http.Redirect(w, r, "/content/item/"+m.Name, http.StatusSeeOther)
		return
	}
	p.form(w, r, http.StatusOK, m, content.Item{}, inputs(m, content.Item{}), "")
}

func (p *Pages) showItem(w http.ResponseWriter, r *http.Request, m content.Model) {
	item, err := p.Content.Draft(r.Context(), m, r.PathValue("id"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.form(w, r, http.StatusOK, m, item, inputs(m, item), "")
}

// showSingleton shows a singleton's item, or an empty form.
func (p *Pages) showSingleton(w http.ResponseWriter, r *http.Request, m content.Model) {
	item, err := p.singleton(r, m)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.form(w, r, http.StatusOK, m, item, inputs(m, item), "")
}

func (p *Pages) singleton(r *http.Request, m content.Model) (content.Item, error) {
	if m.Type != content.Singleton {
		return nil, content.ErrNotFound
	}
	item, err := p.Content.Draft(r.Context(), m, "")
	if errors.Is(err, content.ErrNotFound) {
		return content.Item{}, nil
	}
	return item, err
}

func (p *Pages) createItem(w http.ResponseWriter, r *http.Request, m content.Model) {
	if m.Type == content.Singleton {
		p.fail(w, r, content.ErrNotFound)
		return
	}
	p.save(w, r, m, content.Item{})
}

func (p *Pages) saveSingleton(w http.ResponseWriter, r *http.Request, m content.Model) {
	item, err := p.singleton(r, m)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.save(w, r, m, item)
}

func (p *Pages) saveItem(w http.ResponseWriter, r *http.Request, m content.Model) {
	item, err := p.Content.Draft(r.Context(), m, r.PathValue("id"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.save(w, r, m, item)
}

// save updates old, or creates an item if old is empty. A new item is a draft unless its writer may publish and chose
// to.
func (p *Pages) save(w http.ResponseWriter, r *http.Request, m content.Model, old content.Item) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read, or is too large. Nothing was saved.")
		return
	}
	fields, problem := filled(m, old, r.PostForm)
	parent, position, moves, err := placed(r)
	again := func(problem error) {
		typed := inputs(m, old)
		for i := range typed {
			typed[i].Value = r.PostForm.Get(typed[i].Name)
			typed[i].Checked = typed[i].Value != ""
		}
		p.form(w, r, http.StatusBadRequest, m, old, typed, problem.Error())
	}
	if problem = errors.Join(problem, err); problem != nil {
		again(problem)
		return
	}
	publish := r.PostForm.Get("do") == "publish"
	if publish && !may(r, content.Permission(m.Name, content.Publish)) {
		p.showError(w, r, http.StatusForbidden, "Your role does not let you publish this. Nothing was saved.")
		return
	}
	if publish {
		fields["_state"] = 1
	} else if old.ID() == "" {
		fields["_state"] = 0
	}
	by := content.Writer{UserID: p.visitor(r).UserID(), MayPublish: publish}
	saved := old
	if moves && !may(r, content.Permission(m.Name, content.Reorder)) {
		p.showError(w, r, http.StatusForbidden, "Your role does not let you move this. Nothing was saved.")
		return
	}
	if old.ID() == "" {
		saved, err = p.Content.Create(r.Context(), m, fields, by)
	} else {
		_, err = p.Content.Update(r.Context(), m, old.ID(), fields, by)
	}
	if err == nil && moves {
		err = p.Content.Place(r.Context(), m, saved.ID(), parent, position, by.UserID)
	}
	if _, deep := errors.AsType[*content.ParameterError](err); deep {
		again(errors.New("the lists or objects in a field are nested too deep"))
		return
	}
	if errors.Is(err, content.ErrParent) {
		p.showError(w, r, http.StatusConflict, "It was saved, and not moved: an item cannot be below itself, or below one that is gone.")
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	done := "saved"
	if publish {
		done = "published"
	}
	see(w, r, listOf(r, m), done)
}

// listOf returns the path of the list of an item's model, the page to show after a change.
func listOf(r *http.Request, m content.Model) string {
	switch {
	case !may(r, content.Permission(m.Name, content.Read)):
		return home
	case m.Type == content.Singleton && may(r, content.Permission(m.Name, content.Update)):
		return "/content/item/" + m.Name
	}
	return "/content/items/" + m.Name
}

func (p *Pages) publishItem(w http.ResponseWriter, r *http.Request, m content.Model) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	state, done := 0, "withdrawn"
	if r.PostForm.Get("do") == "publish" {
		state, done = 1, "published"
	}
	_, err := p.Content.Update(r.Context(), m, r.PathValue("id"), content.Item{"_state": state},
		content.Writer{UserID: p.visitor(r).UserID(), MayPublish: true}) // the route requires the permission to publish
	if err != nil {
		p.fail(w, r, err)
		return
	}
	see(w, r, listOf(r, m), done)
}

func (p *Pages) deleteItem(w http.ResponseWriter, r *http.Request, m content.Model) {
	if m.Type == content.Singleton {
		p.fail(w, r, content.ErrNotFound)
		return
	}
	if err := p.Content.Delete(r.Context(), m, r.PathValue("id")); err != nil {
		p.fail(w, r, err)
		return
	}
	see(w, r, listOf(r, m), "deleted")
}
