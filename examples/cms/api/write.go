package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

const maxBody = 1 << 20 // bytes

func (a api) save(w http.ResponseWriter, r *http.Request, model content.Model) {
	fields, err := readData(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		complain(w, http.StatusRequestEntityTooLarge, "The body is too large")
		return
	case err != nil:
		complain(w, http.StatusBadRequest, "Item data is missing")
		return
	}
	verb, id := content.Create, ""
	if given := fields["_id"]; given != nil {
		verb, id = content.Update, fields.ID()
	}
	if err := auth.Allowed(r.Context(), content.Permission(model.Name, verb)); err != nil {
		a.guard.Refuse(w, r, err)
		return
	}
	if err := a.dropState(r, model, fields); err != nil {
		a.guard.Refuse(w, r, err)
		return
	}
	caller, _ := auth.PrincipalFrom(r.Context())
	var item content.Item
	if verb == content.Create {
		item, err = a.store.Create(r.Context(), model, fields, caller.UserID())
	} else {
		item, err = a.store.Update(r.Context(), model, id, fields, caller.UserID())
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, item)
}

// dropState takes the _state out of what a caller without the right to publish has sent. Its error is not about
// them: nobody can tell now what they may do.
func (a api) dropState(r *http.Request, model content.Model, fields content.Item) error {
	if _, sent := fields["_state"]; !sent {
		return nil
	}
	err := auth.Allowed(r.Context(), content.Permission(model.Name, content.Publish))
	if err == nil {
		return nil
	}
	var refusal *auth.Refusal
	if !errors.As(err, &refusal) || refusal.Status >= http.StatusInternalServerError {
		return err
	}
	delete(fields, "_state")
	return nil
}

// readData reads {"data": {…}} and nothing behind it.
func readData(body io.Reader) (content.Item, error) {
	decoder := json.NewDecoder(body)
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one value: %w", err)
	}
	data, ok := members["data"].(map[string]any)
	if !ok {
		return nil, errors.New("no data")
	}
	return data, nil
}

func (a api) remove(w http.ResponseWriter, r *http.Request, model content.Model) {
	if model.Type == content.Singleton {
		w.Header().Set("Allow", "GET, HEAD, POST")
		complain(w, http.StatusMethodNotAllowed, fmt.Sprintf("DELETE method not allowed for <%s>", model.Name))
		return
	}
	if err := a.store.Delete(r.Context(), model, r.PathValue("id")); err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, map[string]bool{"success": true})
}
