package api

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/json5"
)

// query parses the parameters, or answers with the error.
func (a api) query(w http.ResponseWriter, r *http.Request) (query content.Query, values url.Values, ok bool) {
	values, err := parameters(r)
	if err == nil {
		query, err = content.ParseQuery(values)
	}
	if err != nil {
		a.fail(w, r, err)
		return query, nil, false
	}
	return query, values, true
}

// parameters refuses a query string that cannot be parsed in full: r.URL.Query() would ignore the bad part, which may
// be a condition.
func parameters(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &content.ParameterError{Name: "query", Want: "well spelt"}
	}
	return values, nil
}

func (a api) list(w http.ResponseWriter, r *http.Request, s subject) {
	query, _, ok := a.query(w, r)
	if !ok {
		return
	}
	items, total, err := a.content.Items(r.Context(), s.model, query)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, listed(query, items, total))
}

// listed is the JSON of a list.
func listed(query content.Query, items []content.Item, total int) any {
	if query.Paged() {
		return map[string]any{"data": items, "meta": map[string]int{"total": total}}
	}
	return items
}

func (a api) first(w http.ResponseWriter, r *http.Request, s subject) {
	query, _, ok := a.query(w, r)
	if !ok {
		return
	}
	item, err := a.content.First(r.Context(), s.model, query)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, item)
}

func (a api) show(w http.ResponseWriter, r *http.Request, s subject) {
	query, _, ok := a.query(w, r)
	if !ok {
		return
	}
	item, err := a.content.Item(r.Context(), s.model, r.PathValue("id"), query)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, item)
}

func (a api) tree(w http.ResponseWriter, r *http.Request, s subject) {
	if s.model.Type != content.Tree {
		text := a.dialect.notTree
		if text == "" {
			text = fmt.Sprintf("<%s> is not a tree", s.model.Name)
		}
		complain(w, http.StatusBadRequest, text)
		return
	}
	query, values, ok := a.query(w, r)
	if !ok {
		return
	}
	items, err := a.content.Tree(r.Context(), s.model, values.Get("parent"), query)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, items)
}

func (a api) aggregate(w http.ResponseWriter, r *http.Request, s subject) {
	if s.model.Type == content.Singleton {
		complain(w, a.dialect.statusNotAllowed(), fmt.Sprintf("Aggregate method not allowed for <%s>", s.model.Name))
		return
	}
	query, values, ok := a.query(w, r)
	if !ok {
		return
	}
	text, _ := json5.Convert(values.Get("pipeline")) // text that is not JSON5 is not a pipeline either
	pipeline, err := content.ParsePipeline(text, query.Locale())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	items, err := a.content.Aggregate(r.Context(), s.model, pipeline, query)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, items)
}

func (a api) health(w http.ResponseWriter, r *http.Request) {
	if err := a.content.Ping(r.Context()); err != nil {
		reply(w, http.StatusServiceUnavailable, map[string]string{"status": "error"})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}
