package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// fail writes the response for err. The guard answers refusals and store errors; the rest are mistakes of the client.
func (a api) fail(w http.ResponseWriter, r *http.Request, err error) {
	var parameter *content.ParameterError
	var pipeline *content.PipelineError
	switch {
	case errors.Is(err, content.ErrNotFound) && a.dialect.bareNotFound:
		bareNotFound(w, r)
	case errors.Is(err, content.ErrNotFound):
		complain(w, http.StatusNotFound, "Not found")
	case errors.As(err, &parameter), errors.As(err, &pipeline):
		complain(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, content.ErrTooMany):
		complain(w, http.StatusBadRequest, "Too many items: ask for fewer with <limit>")
	case errors.Is(err, content.ErrState):
		complain(w, http.StatusBadRequest, "<_state> is not 1, 0 or -1")
	case errors.Is(err, content.ErrConflict):
		complain(w, http.StatusConflict, "Another writer is changing this item")
	default:
		a.guard.Refuse(w, r, err)
	}
}

func complain(w http.ResponseWriter, status int, text string) {
	reply(w, status, map[string]string{"error": text})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
