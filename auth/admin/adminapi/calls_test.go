package adminapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"
)

// A reply is an answer of the JSON API.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// credential is that of a request: a key, "session:ada" for a cookie, or "" for none.
type credential string

// call sends a request to the JSON API.
func (w *world) call(who credential, method, path string, body any, headers ...string) reply {
	w.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		require.NoError(w.t, err)
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+"/admin"+path, reader)
	require.NoError(w.t, err)
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if id, ok := strings.CutPrefix(string(who), "session:"); ok {
		r.AddCookie(&http.Cookie{Name: "session", Value: id})
	} else if who != "" {
		r.Header.Set("api-key", string(who))
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := w.server.Client().Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	out := reply{status: answer.StatusCode, header: answer.Header, text: string(text)}
	if len(text) > 0 {
		require.NoError(w.t, json.Unmarshal(text, &out.body), "body of %s %s: %s", method, path, text)
	}
	return out
}

func (r reply) string(member string) string { s, _ := r.body[member].(string); return s }

func (r reply) items() []map[string]any {
	var items []map[string]any
	list, _ := r.body["items"].([]any)
	for _, item := range list {
		items = append(items, item.(map[string]any))
	}
	return items
}

// expect checks a status.
func (w *world) expect(status int, r reply) reply {
	w.t.Helper()
	require.Equal(w.t, status, r.status, "body: %.300s", r.text)
	return r
}
