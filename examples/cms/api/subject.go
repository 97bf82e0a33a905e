package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/form"
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
		if a.dialect.bareNotFound && (!content.ValidName(r.PathValue("model")) || strings.Contains(r.URL.EscapedPath(), "%")) {
			bareNotFound(w, r) // no such address
			return
		}
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
				complain(w, cmp.Or(a.dialect.notAllowed, http.StatusMethodNotAllowed), fmt.Sprintf("DELETE method not allowed for <%s>", s.model.Name))
				return
			}
		case http.MethodPost:
			s.data, err = a.readData(w, r)
			var tooLarge *http.MaxBytesError
			switch {
			case errors.As(err, &tooLarge):
				complain(w, http.StatusRequestEntityTooLarge, "The body is too large")
				return
			case err != nil:
				complain(w, cmp.Or(a.dialect.missing, http.StatusBadRequest), "Item data is missing")
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), subjectKey{}, s)))
	})
}

// readData reads {"data": {…}}. In Cockpit's dialect a form is read as well, and parameters in the address, but JSON
// only if the type says so or is missing.
func (a api) readData(w http.ResponseWriter, r *http.Request) (data content.Item, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	var values form.Values
	kind, text := mediaType(r), []byte(nil)
	if kind == "multipart/form-data" && a.dialect.readsForms {
		if err = r.ParseMultipartForm(maxBody); err == nil { // the body is no larger, so no files are written
			values, err = form.Parse(url.Values(r.MultipartForm.Value).Encode())
		}
	} else {
		text, err = io.ReadAll(r.Body)
	}
	switch {
	case err != nil, len(text) == 0:
	case !a.dialect.readsForms, kind == "", kind == "application/json":
		values, err = form.Object(text)
	case kind == "application/x-www-form-urlencoded":
		values, err = form.Parse(string(text))
	}
	if err == nil && a.dialect.readsForms {
		var inAddress form.Values
		inAddress, err = form.Parse(r.URL.RawQuery)
		values = form.Join(inAddress, values)
	}
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(values.Text("data")))
	decoder.UseNumber()
	if err := decoder.Decode(&data); err != nil || len(data) == 0 || !values["data"].Composite {
		return nil, errors.New("no data")
	}
	if state, ok := data["_state"].(string); ok && a.dialect.readsForms && strings.Contains(kind, "form") && slices.Contains([]string{"1", "0", "-1"}, state) {
		data["_state"] = json.Number(state) // all values of a form are texts
	}
	return data, nil
}

func mediaType(r *http.Request) string {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind
}
