package api

import "net/http"

func (a api) save(_ http.ResponseWriter, r *http.Request, s subject) (any, error) {
	return a.content.Save(r.Context(), s.model, s.data)
}

func (a api) remove(_ http.ResponseWriter, r *http.Request, s subject) (any, error) {
	return map[string]bool{"success": true}, a.content.Delete(r.Context(), s.model, r.PathValue("id"))
}
