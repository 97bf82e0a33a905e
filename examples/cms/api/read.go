package api

import (
	"net/http"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

func (a api) list(w http.ResponseWriter, r *http.Request, model content.Model) {
	query, err := content.ParseQuery(r.URL.Query())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	items, total, err := a.store.Items(r.Context(), model, query)
	switch {
	case err != nil:
		a.fail(w, r, err)
	case query.Paged():
		reply(w, http.StatusOK, map[string]any{"data": items, "meta": map[string]int{"total": total}})
	default:
		reply(w, http.StatusOK, items)
	}
}

func (a api) first(w http.ResponseWriter, r *http.Request, model content.Model) {
	query, err := content.ParseQuery(r.URL.Query())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	items, _, err := a.store.Items(r.Context(), model, query.First())
	if err == nil && len(items) == 0 {
		err = content.ErrNotFound
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, items[0])
}

func (a api) show(w http.ResponseWriter, r *http.Request, model content.Model) {
	item, err := a.store.Item(r.Context(), model, r.PathValue("id"), r.URL.Query().Get("locale"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, item)
}
