package api

import "net/http"

func (a api) save(w http.ResponseWriter, r *http.Request, s subject) {
	item, err := a.content.Save(r.Context(), s.model, s.data)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, item)
}

func (a api) remove(w http.ResponseWriter, r *http.Request, s subject) {
	if err := a.content.Delete(r.Context(), s.model, r.PathValue("id")); err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, map[string]bool{"success": true})
}
