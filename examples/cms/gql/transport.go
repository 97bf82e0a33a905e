package gql

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const maxBody = 256 << 10 // bytes

// A transport reads an operation and writes its response. gqlgen's transports support neither the form encoding of
// some Cockpit clients nor Cockpit's statuses.
type transport struct{ *endpoint }

// Supports implements graphql.Transport.
func (transport) Supports(*http.Request) bool { return true }

// Do implements graphql.Transport.
func (t transport) Do(w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor) {
	o := &outcome{}
	ctx := context.WithValue(r.Context(), outcomeKey{}, o)
	params, problem := read(w, r)
	if problem != nil {
		t.answer(w, problem.status, &graphql.Response{Errors: gqlerror.List{{Message: problem.text}}})
		return
	}
	if strings.TrimSpace(params.Query) == "" {
		t.answer(w, t.invalid(http.StatusBadRequest), &graphql.Response{Errors: gqlerror.List{nothingSent()}})
		return
	}
	operation, wrong := executor.CreateOperationContext(ctx, params)
	if len(wrong) > 0 {
		t.answer(w, t.invalid(http.StatusBadRequest), executor.DispatchError(graphql.WithOperationContext(ctx, operation), wrong))
		return
	}
	if r.Method != http.MethodPost && operation.Operation.Operation != ast.Query {
		// A link or image on another site could send a mutation with a user's session.
		w.Header().Set("Allow", "POST")
		t.answer(w, http.StatusMethodNotAllowed, &graphql.Response{Errors: gqlerror.List{{Message: "a mutation needs POST"}}})
		return
	}
	respond, ctx := executor.DispatchOperation(ctx, operation)
	response := respond(ctx)
	switch {
	case o.storeErr != nil:
		t.Guard.Refuse(w, r, o.storeErr)
	case response == nil: // the client has gone
	case o.invalid:
		t.answer(w, t.invalid(http.StatusBadRequest), response)
	case o.status != 0:
		t.answer(w, o.status, response)
	default:
		t.answer(w, http.StatusOK, response)
	}
}

func nothingSent() *gqlerror.Error {
	return &gqlerror.Error{
		Message: "Unexpected <EOF>", Locations: []gqlerror.Location{{Line: 1, Column: 1}},
		Extensions: map[string]any{"code": errcode.ParseFailed},
	}
}

// invalid is the status of an operation that was not run.
func (t transport) invalid(status int) int {
	if t.LikeCockpit {
		return http.StatusOK
	}
	return status
}

func (t transport) answer(w http.ResponseWriter, status int, response *graphql.Response) {
	for _, err := range response.Errors {
		if err.Extensions["code"] == errcode.ParseFailed {
			err.Message = "Syntax Error: " + err.Message
		}
		if t.LikeCockpit {
			err.Extensions = nil
		}
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="api"`) // as package auth for callers without a key
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Errors gqlerror.List   `json:"errors,omitempty"`
		Data   json.RawMessage `json:"data,omitempty"` // absent if nothing was run
	}{response.Errors, response.Data})
}

// read reads an operation from the address, from JSON or from a form.
func read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *fault) {
	if r.Method != http.MethodPost {
		return readForm(r.URL.RawQuery)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &fault{text: "the body is too large", status: http.StatusRequestEntityTooLarge}
	case err != nil:
		return nil, &fault{text: "the body cannot be read", status: http.StatusBadRequest}
	case kind == "application/x-www-form-urlencoded":
		return readForm(string(text))
	case kind != "application/json":
		return nil, &fault{text: "send application/json or a form", status: http.StatusUnsupportedMediaType}
	}
	return readJSON(text)
}
