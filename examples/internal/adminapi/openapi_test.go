package adminapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

// An inspector sends requests to the API and validates each accepted request, and every answer, against the document.
type inspector struct {
	t     *testing.T
	host  *host
	check validator.Validator
	model *v3.Document
	seen  map[string]bool // "GET /keys 200"
}

func newInspector(t *testing.T, on stores) *inspector {
	h := newHost(t, on, false)
	answer := httptest.NewRecorder()
	h.handler.ServeHTTP(answer, httptest.NewRequest("GET", "/admin/openapi.json", nil))
	require.Equal(t, 200, answer.Code, "the document is for everybody")
	document, err := libopenapi.NewDocument(answer.Body.Bytes())
	require.NoError(t, err)
	require.Equal(t, "3.1.0", document.GetVersion())
	model, err := document.BuildV3Model()
	require.NoError(t, err)
	check, errs := validator.NewValidator(document)
	require.Empty(t, errs)
	ok, problems := check.ValidateDocument()
	require.True(t, ok, "the document is no OpenAPI 3.1: %v", problems)
	return &inspector{t, h, check, &model.Model, map[string]bool{}}
}

// A call is one request: path is from the document, and values replace its parameters.
type call struct {
	method, path string
	values       []string
	query        string
	body         string
	media        string // "" is JSON
	headers      map[string]string
	session, key string
}

// send sends the call and returns the answer.
func (in *inspector) send(c call, want int) map[string]any {
	in.t.Helper()
	path := c.path
	for _, value := range c.values {
		if before, rest, found := strings.Cut(path, "{"); found {
			_, after, _ := strings.Cut(rest, "}")
			path = before + value + after
		}
	}
	if c.query != "" {
		path += "?" + c.query
	}
	request := func(prefix string) *http.Request {
		r := httptest.NewRequest(c.method, prefix+path, strings.NewReader(c.body))
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
			if c.media != "" {
				r.Header.Set("Content-Type", c.media)
			}
		}
		for name, value := range c.headers {
			r.Header.Set(name, value)
		}
		if c.session != "" {
			r.AddCookie(&http.Cookie{Name: "session", Value: c.session})
		}
		if c.key != "" {
			r.Header.Set("api-key", c.key)
		}
		return r
	}
	recorder := httptest.NewRecorder()
	in.host.handler.ServeHTTP(recorder, request("/admin"))
	answer := recorder.Result()
	text, err := io.ReadAll(answer.Body)
	require.NoError(in.t, err)
	what := fmt.Sprintf("%s %s", c.method, path)
	require.Equal(in.t, want, answer.StatusCode, "%s: %s", what, text)
	if want < 300 {
		if ok, problems := in.check.ValidateHttpRequest(request("")); !ok {
			in.t.Errorf("%s is taken, and is not as documented: %v", what, problems)
		}
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	if ok, problems := in.check.ValidateHttpResponse(request(""), answer); !ok {
		for _, p := range problems {
			in.t.Errorf("%s: the answer %d is not as documented: %s: %s %v", what, want, p.Message, p.Reason, p.SchemaValidationErrors)
		}
	}
	in.documented(c, want, answer)
	in.seen[fmt.Sprintf("%s %s %d", c.method, c.path, want)] = true
	var body map[string]any
	if len(text) > 0 {
		require.NoError(in.t, json.Unmarshal(text, &body))
	}
	return body
}

// documented checks what the validator does not: that this status is listed, with these headers and media type.
func (in *inspector) documented(c call, status int, answer *http.Response) {
	in.t.Helper()
	operation := in.operations()[c.method+" "+c.path]
	require.NotNil(in.t, operation, "%s %s is not documented", c.method, c.path)
	response := operation.Responses.Codes.GetOrZero(fmt.Sprint(status))
	require.NotNil(in.t, response, "%s %s: %d is not documented", c.method, c.path, status)
	if response.Headers != nil {
		for name := range response.Headers.KeysFromOldest() {
			require.NotEmpty(in.t, answer.Header.Get(name), "%s %s %d: no %s", c.method, c.path, status, name)
		}
	}
	if response.Content == nil {
		require.Empty(in.t, answer.Header.Get("Content-Type"))
		return
	}
	require.NotNil(in.t, response.Content.GetOrZero(answer.Header.Get("Content-Type")))
}

func (in *inspector) operations() map[string]*v3.Operation {
	all := map[string]*v3.Operation{}
	for path, item := range in.model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			all[strings.ToUpper(method)+" "+path] = operation
		}
	}
	return all
}

// TestEveryRouteAndAnswer makes every operation give every documented answer.
func TestEveryRouteAndAnswer(t *testing.T) {
	in := newInspector(t, inMemory())
	in.story()
	in.refusals()
	in.tooComplex()
	in.host = newHost(t, inMemory(), true)
	in.bare()
	for what, operation := range in.operations() {
		for status := range operation.Responses.Codes.KeysFromOldest() {
			if status == "422" { // one check serves all operations; POST /keys is tested
				what = "POST /keys"
			}
			if !in.seen[what+" "+status] {
				t.Errorf("%s never answered %s", what, status)
			}
		}
	}
	require.Greater(t, len(in.seen), 150)
}

// TestTheStoryOverSQL runs the story where changes are transactions.
func TestTheStoryOverSQL(t *testing.T) {
	each(t, func(t *testing.T, open func() *sqlstore.Store) {
		in := newInspector(t, inSQL(open()))
		in.story()
		in.oddities()
	})
}

// refusals sends requests that each operation refuses.
func (in *inspector) refusals() {
	operations := in.operations()
	for _, what := range slices.Sorted(maps.Keys(operations)) {
		method, path, _ := strings.Cut(what, " ")
		codes := operations[what].Responses.Codes
		c := call{method: method, path: path, values: []string{"x"}}
		open := codes.GetOrZero("403") == nil
		with := func(change func(*call), status int) {
			c := c
			change(&c)
			in.send(c, status)
		}
		if open {
			with(func(c *call) { c.key = "API-" + strings.Repeat("0", 40) }, 401)
			with(func(c *call) {
				c.key, c.headers = in.host.viewer, map[string]string{"Authorization": "Bearer " + in.host.viewer}
			}, 400)
		} else {
			with(func(*call) {}, 401)
			with(func(c *call) { c.key, c.session = in.host.viewer, "root" }, 400)
			if path == "/me/key/refresh" { // each key may refresh itself
				with(func(c *call) {
					c.session, c.headers = "root", map[string]string{"Sec-Fetch-Site": "cross-site"}
				}, 403)
			} else {
				with(func(c *call) {
					c.key = in.host.viewer
					if operations[what].RequestBody != nil {
						c.body = map[string]string{"PUT /public": `{"role":"viewer"}`, "POST /roles": `{"appid":"x"}`, "POST /keys": `{"name":"x","role":null}`}[what]
						if c.body == "" {
							c.body = "{}"
						}
					}
					if path == "/explain" {
						c.query = "role=x&permission=x"
					}
				}, 403)
			}
		}
		if codes.GetOrZero("415") != nil {
			with(func(c *call) { c.session, c.body, c.media = "root", "{}", "text/plain" }, 415)
		}
		in.host.limited.Store(true)
		with(func(c *call) { c.session = "root" }, 429)
		in.host.limited.Store(false)
		in.host.broken.Store(true)
		with(func(*call) {}, 503)
		in.host.broken.Store(false)
	}
}

// TestOtherMethods checks that an address accepts only the methods of the document.
func TestOtherMethods(t *testing.T) {
	in := newInspector(t, inMemory())
	for path, item := range in.model.Paths.PathItems.FromOldest() {
		var documented []string
		for method := range item.GetOperations().KeysFromOldest() {
			documented = append(documented, strings.ToUpper(method))
			if method == "get" {
				documented = append(documented, "HEAD")
			}
		}
		r := httptest.NewRequest("OPTIONS", "/admin"+strings.NewReplacer("{", "", "}", "").Replace(path), nil)
		r.Header.Set("api-key", in.host.viewer)
		answer := httptest.NewRecorder()
		in.host.handler.ServeHTTP(answer, r)
		require.Equal(t, 405, answer.Code, path)
		require.ElementsMatch(t, documented, strings.Split(answer.Header().Get("Allow"), ", "), path)
	}
}
