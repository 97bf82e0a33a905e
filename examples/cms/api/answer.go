package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// A complaint is a mistake of the client, with its answer.
type complaint struct {
	status int
	text   string
}

func (c *complaint) Error() string { return c.text }

// answer writes what serve returns.
func (a api) answer(serve func(http.ResponseWriter, *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := serve(w, r); err != nil {
			a.fail(w, r, err)
		} else {
			reply(w, http.StatusOK, body)
		}
	})
}

// fail writes the response for err. The guard answers refusals and store errors; the rest are mistakes of the client.
func (a api) fail(w http.ResponseWriter, r *http.Request, err error) {
	var parameter *content.ParameterError
	var pipeline *content.PipelineError
	var own *complaint
	switch {
	case errors.As(err, &own):
		complain(w, own.status, own.text)
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
