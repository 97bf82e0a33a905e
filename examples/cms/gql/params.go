package gql

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"github.com/latchkey-go/latchkey/examples/cms/content/form"
)

// sent is the JSON of an operation. Credentials are never read from a body.
type sent struct {
	Query         string          `json:"query"`
	OperationName string          `json:"operationName"`
	Variables     json.RawMessage `json:"variables"`
}

func readJSON(text []byte) (*graphql.RawParams, *fault) {
	var s sent
	if json.Unmarshal(text, &s) != nil {
		return nil, &fault{text: "the body is not JSON with a query", status: http.StatusBadRequest}
	}
	return s.params()
}

func readForm(text string) (*graphql.RawParams, *fault) {
	values, err := form.Parse(text)
	if err != nil {
		return nil, &fault{text: "the form cannot be read", status: http.StatusBadRequest}
	}
	return sent{values.Text("query"), values.Text("operationName"), json.RawMessage(values.Text("variables"))}.params()
}

func (s sent) params() (*graphql.RawParams, *fault) {
	now := graphql.Now()
	params := &graphql.RawParams{
		Query: s.Query, OperationName: s.OperationName,
		ReadTime: graphql.TraceTiming{Start: now, End: now},
	}
	// PHP writes an empty object as [].
	if text := bytes.TrimSpace(s.Variables); len(text) > 0 && string(text) != "[]" {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if decoder.Decode(&params.Variables) != nil {
			return nil, &fault{text: "the variables are not a JSON object", status: http.StatusBadRequest}
		}
	}
	return params, nil
}
