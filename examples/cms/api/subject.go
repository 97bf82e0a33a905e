package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

const maxBody = 1 << 20 // bytes

// A subject is the model, item and data that a request is about.
type subject struct {
	model content.Model
	data  content.Item // of a POST
}

type subjectKey struct{}

func subjectOf(r *http.Request) subject {
	s, _ := r.Context().Value(subjectKey{}).(subject)
	return s
}

// find returns the subject of a request, or answers the request if there is none.
func (a api) find(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var s subject
		var err error
		s.model, err = a.content.Model(r.Context(), r.PathValue("model"))
		if errors.Is(err, content.ErrNotFound) {
			complain(w, http.StatusNotFound, fmt.Sprintf("Model <%s> not found", r.PathValue("model")))
			return
		}
		if err != nil {
			a.guard.Refuse(w, r, err)
			return
		}
		switch r.Method {
		case http.MethodDelete:
			if s.model.Type == content.Singleton {
				w.Header().Set("Allow", "GET, HEAD, POST")
				complain(w, a.dialect.statusNotAllowed(), fmt.Sprintf("DELETE method not allowed for <%s>", s.model.Name))
				return
			}
		case http.MethodPost:
			s.data, err = readData(http.MaxBytesReader(w, r.Body, maxBody))
			var tooLarge *http.MaxBytesError
			switch {
			case errors.As(err, &tooLarge):
				complain(w, http.StatusRequestEntityTooLarge, "The body is too large")
				return
			case err != nil:
				complain(w, a.dialect.statusMissing(), "Item data is missing")
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), subjectKey{}, s)))
	})
}

// readData reads {"data": {…}} and refuses anything after it.
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
