package api

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/form"
	"github.com/latchkey-go/latchkey/examples/cms/content/json5"
)

// query parses the parameters. In Cockpit, the addresses of one item take an empty parameter and know no order.
func (a api) query(w http.ResponseWriter, r *http.Request, one bool) (query content.Query, values form.Values, err error) {
	if values, err = a.parameters(w, r); err != nil {
		return query, nil, err
	}
	given := maps.Clone(values)
	maps.DeleteFunc(given, func(_ string, v form.Value) bool { return one && v.Text == "" })
	if query, err = content.ParseQuery(given); one && a.dialect.oneOfAKind {
		query = query.Unsorted()
	}
	return query, values, err
}

// parameters refuses a query string that cannot be parsed in full: the bad part may be a condition. Cockpit reads the
// members of a JSON body as parameters, too.
func (a api) parameters(w http.ResponseWriter, r *http.Request) (form.Values, error) {
	values, err := form.Parse(r.URL.RawQuery)
	if err == nil && a.dialect.readsForms && mediaType(r) == "application/json" && r.ContentLength != 0 {
		var text []byte
		var members form.Values
		if text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err == nil {
			members, err = form.Object(text)
		}
		values = form.Join(values, members)
	}
	if err != nil {
		return nil, &content.ParameterError{Name: "query", Want: "well spelt"}
	}
	return values, nil
}

func (a api) list(w http.ResponseWriter, r *http.Request, s subject) (any, error) {
	query, _, err := a.query(w, r, false)
	if err != nil {
		return nil, err
	}
	items, total, err := a.content.Items(r.Context(), s.model, query)
	if s.model.Type == content.Singleton && a.dialect.oneOfAKind {
		items, total = []content.Item{}, 1
	}
	return listed(query, items, total), err
}

// listed is the JSON of a list.
func listed(query content.Query, items []content.Item, total int) any {
	if query.Paged() {
		return map[string]any{"data": items, "meta": map[string]int{"total": total}}
	}
	return items
}

func (a api) first(w http.ResponseWriter, r *http.Request, s subject) (any, error) {
	query, _, err := a.query(w, r, true)
	if err != nil {
		return nil, err
	}
	return a.content.First(r.Context(), s.model, query)
}

func (a api) show(w http.ResponseWriter, r *http.Request, s subject) (any, error) {
	if s.model.Type == content.Singleton && a.dialect.oneOfAKind {
		return a.first(w, r, s)
	}
	query, _, err := a.query(w, r, true)
	if err != nil {
		return nil, err
	}
	return a.content.Item(r.Context(), s.model, r.PathValue("id"), query)
}

func (a api) tree(w http.ResponseWriter, r *http.Request, s subject) (any, error) {
	if s.model.Type != content.Tree {
		return nil, &complaint{http.StatusBadRequest, cmp.Or(a.dialect.notTree, fmt.Sprintf("<%s> is not a tree", s.model.Name))}
	}
	query, values, err := a.query(w, r, true)
	if err != nil {
		return nil, err
	}
	parent, given := values["parent"]
	if given && parent.Text == "" && a.dialect.oneOfAKind {
		return []content.Item{}, nil // no item is under the one without a name
	}
	return a.content.Tree(r.Context(), s.model, parent.Text, query)
}

func (a api) aggregate(w http.ResponseWriter, r *http.Request, s subject) (any, error) {
	if s.model.Type == content.Singleton {
		return nil, &complaint{cmp.Or(a.dialect.notAllowed, http.StatusMethodNotAllowed), fmt.Sprintf("Aggregate method not allowed for <%s>", s.model.Name)}
	}
	query, values, err := a.query(w, r, true)
	if err != nil {
		return nil, err
	}
	text, _ := json5.Convert(values.Text("pipeline")) // text that is not JSON5 is not a pipeline either
	pipeline, err := content.ParsePipeline(text, query.Locale())
	if err != nil {
		return nil, err
	}
	return a.content.Aggregate(r.Context(), s.model, pipeline, query)
}

func (a api) health(w http.ResponseWriter, r *http.Request) {
	if err := a.content.Ping(r.Context()); err != nil {
		reply(w, http.StatusServiceUnavailable, map[string]string{"status": "error"})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}
