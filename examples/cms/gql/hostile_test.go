package gql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// introspection is a shortened query of GraphQL tools.
const introspection = `query { __schema { queryType { name } mutationType { name } subscriptionType { name }
	types { kind name description fields(includeDeprecated: true) { name args { name type { ...t } defaultValue } type { ...t } isDeprecated deprecationReason }
		inputFields { name type { ...t } } interfaces { name } enumValues { name } possibleTypes { name } specifiedByURL isOneOf }
	directives { name locations isRepeatable args(includeDeprecated: true) { name } } } }
	fragment t on __Type { kind name ofType { kind name ofType { kind name } } }`

func TestIntrospection(t *testing.T) {
	for _, likeCockpit := range []bool{false, true} {
		w := newWorld(t, likeCockpit, "web")
		answer, ok := strings.CutPrefix(w.ask(t, "", introspection), "200 ")
		require.True(t, ok, answer)
		var schema struct {
			Data struct {
				Schema struct {
					QueryType, MutationType struct{ Name string }
					SubscriptionType        any
					Types                   []struct {
						Kind, Name string
						Fields     []struct {
							Name string
							Args []struct{ Name, DefaultValue string }
							Type struct {
								Kind   string
								OfType struct{ Name string }
							}
						}
					}
					Directives []struct{ Name string }
				} `json:"__schema"`
			}
			Errors []any
		}
		require.NoError(t, json.Unmarshal([]byte(answer), &schema))
		require.Empty(t, schema.Errors)
		require.Equal(t, "Query", schema.Data.Schema.QueryType.Name)
		require.Nil(t, schema.Data.Schema.SubscriptionType)
		found := map[string]string{}
		for _, one := range schema.Data.Schema.Types {
			for _, f := range one.Fields {
				found[one.Name+"."+f.Name] = f.Type.Kind + " " + f.Type.OfType.Name
				if one.Name == "Query" && f.Name == "postsModel" {
					require.Len(t, f.Args, 8)
					require.Contains(t, f.Args, struct{ Name, DefaultValue string }{"locale", `"default"`})
				}
			}
		}
		require.Equal(t, "LIST postsModel", found["Query.postsModel"])
		require.Equal(t, "OBJECT ", found["Query.settingsModel"])
		require.Equal(t, "LIST String", found["postsModel.tags"])
		require.Equal(t, "SCALAR ", found["postsModel.link"])
		require.NotContains(t, found, "postsModel.odd-name")
		require.Equal(t, `200 {"data":{"__type":{"name":"menuModel","fields":[{"name":"_id"},{"name":"_state"},{"name":"_cby"},{"name":"_created"},{"name":"_mby"},{"name":"_modified"},{"name":"_o"},{"name":"_pid"},{"name":"label"}]},"no":null}}`,
			w.ask(t, "reader", `{ __type(name: "menuModel") { name fields { name } } no: __type(name: "x") { name } }`))
	}
}

// Each encoding of a request is one operation and one answer.
func TestWaysToSend(t *testing.T) {
	for _, likeCockpit := range []bool{false, true} {
		w := newWorld(t, likeCockpit, "web")
		const want = `{"data":{"postsModel":[{"title":"Hello"}]}}`
		const q = `query One($n: Int) { postsModel(limit: $n) { title } } query Two { menuModel { label } }`
		sent := url.Values{"query": {q}, "variables": {`{"n": 1}`}, "operationName": {"One"}}
		answer := w.send("", httptest.NewRequest("GET", "/api/gql?"+sent.Encode(), nil))
		require.JSONEq(t, want, answer.Body.String())
		r := httptest.NewRequest("POST", "/api/gql", strings.NewReader(sent.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		require.JSONEq(t, want, w.send("", r).Body.String())
		r = httptest.NewRequest("POST", "/api/gql", strings.NewReader(`{"query":"{ postsModel(limit: 1) { title } }","variables":[],"operationName":null}`))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		require.JSONEq(t, want, w.send("", r).Body.String())

		mutation := url.Values{"query": {`mutation { deleteContentItem(model: "posts", id: "p1") { success } }`}}
		answer = w.send("admin", httptest.NewRequest("GET", "/api/gql?"+mutation.Encode(), nil))
		require.Equal(t, 405, answer.Code)
		require.Equal(t, "POST", answer.Header().Get("Allow"))
		require.Contains(t, w.ask(t, "", `{ postsModel(_id: "p1") { title } }`), "Hello", "a link does not delete")

		for _, c := range []struct {
			kind, body string
			want       int
		}{
			{"text/plain", `{"query":"{ __typename }"}`, 415},
			{"multipart/form-data; boundary=x", "--x--", 415},
			{"", `{"query":"{ __typename }"}`, 415},
			{"application/json", `{"query":`, 400},
			{"application/json", `{"query":"{ __typename }","variables":5}`, 400},
			{"application/x-www-form-urlencoded", `query=%zz`, 400},
			{"application/json", `{"query":"` + strings.Repeat(" ", 300<<10) + `"}`, 413},
		} {
			r := httptest.NewRequest("POST", "/api/gql", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.kind)
			require.Equal(t, c.want, w.send("", r).Code, "%.60s", c.body)
		}
	}
}

// A credential in the body is ignored, in both dialects.
func TestNoCredentialInTheBody(t *testing.T) {
	for _, likeCockpit := range []bool{false, true} {
		w := newWorld(t, likeCockpit, "web")
		body, err := json.Marshal(map[string]string{"query": `{ secretModel { value } }`, "api_key": w.keys["admin"]})
		require.NoError(t, err)
		r := httptest.NewRequest("POST", "/api/gql", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		require.NotContains(t, w.send("", r).Body.String(), "top secret")
	}
}

// The permissions on a model cannot be bypassed.
func TestSecretsStaySecret(t *testing.T) {
	for _, likeCockpit := range []bool{false, true} {
		w := newWorld(t, likeCockpit, "web")
		for _, query := range []string{
			`{ secretModel { value } }`,
			`{ content(model: "secret") }`,
			`{ contentTree(model: "secret") }`,
			`{ ...f } fragment f on Query { a: secretModel { ... on secretModel { value } } }`,
			`{ postsModel(populate: 5) { link } }`,
			`{ content(model: "posts", populate: -1) }`,
			`{ postsModel(filter: {link_value: "top secret"}) { title } }`,
			`{ content(model: "posts", filter: "{'@link.value': 'top secret'}") }`,
			`{ content(model: "posts", filter: "{'link.value': {$exists: true}}", populate: 1) }`,
			`{ content(model: "posts/../secret") }`, `{ content(model: "*") }`, `{ content(model: "") }`, `{ content(model: "posts\u0000") }`,
			`{ postsModel(filter: "{$lookup: {from: 'secret'}}") { title } }`,
			`mutation { saveContentItem(model: "secret", data: {value: "top secret"}) { item } }`,
			`mutation { saveContentItem(model: "posts", data: {title: "x"}) { item } }`,
			`mutation { deleteContentItem(model: "secret", id: "s1") { success } }`,
		} {
			for _, role := range []string{"", "reader"} {
				require.NotContains(t, w.ask(t, role, query), "top secret", "%q: %s", role, query)
			}
		}
		require.Equal(t, `200 {"data":{"secretModel":[{"value":"top secret"}]}}`, w.ask(t, "admin", `{ secretModel { value } }`), "it is there, and unchanged")
	}
}

// An operation that costs more to answer than to send is refused quickly.
func TestBounds(t *testing.T) {
	w := newWorld(t, false, "web")
	many := []content.Item{}
	for i := range 2000 {
		many = append(many, content.Item{"_id": "x" + strings.Repeat("y", i%40) + string(rune('a'+i%26)) + strings.Repeat("z", i/1040), "_state": 1, "title": strings.Repeat("long ", 1000)})
	}
	n, err := w.store.AddItems(t.Context(), content.Model{Name: "posts", Type: content.Collection}, many)
	require.NoError(t, err)
	require.Greater(t, n, 500)
	aliases := func(n int, field string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" a" + strings.Repeat("x", i/26) + string(rune('a'+i%26)) + ": " + field)
		}
		return b.String()
	}
	for name, query := range map[string]string{
		"tokens":    `{` + strings.Repeat(` __typename`, 20_000) + `}`,
		"compared":  `{` + strings.Repeat(` __typename`, 9_900) + `}`,
		"merged":    `{` + strings.Repeat(` postsModel { title }`, 2_000) + `}`,
		"aliases":   `{` + aliases(51, `postsModel(limit: 1) { title }`) + `}`,
		"the same":  `{ postsModel {` + aliases(200, `title`) + `} }`,
		"depth":     `{ __schema { types` + strings.Repeat(`{ ofType`, 50) + `{ name }` + strings.Repeat(`}`, 51) + `} }`,
		"brackets":  strings.Repeat(`{a`, 50_000),
		"lists":     `{ content(model: "posts", filter: {a: ` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 900) + `}) }`,
		"circle":    `{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }`,
		"number":    `{ postsModel(limit: 99999999999999999999) { title } }`,
		"directive": `{ postsModel @defer(if: 5) { title } }`,
	} {
		start := time.Now()
		answer := w.ask(t, "", query)
		require.Contains(t, answer, `"errors"`, "%s: %.300s", name, answer)
		require.NotContains(t, answer, `"title":`, name)
		require.Less(t, len(answer), 100_000, name)
		require.Less(t, time.Since(start), 10*time.Second, name)
	}
}

// An operation that exceeds the limit reads nothing more.
func TestTooManyItems(t *testing.T) {
	if os.Getenv("LATCHKEY_LONG") == "" {
		t.Skip("stores 50,000 items: set LATCHKEY_LONG=1")
	}
	w := newWorld(t, true, "web")
	many := make([]content.Item, content.MaxItems+1)
	for i := range many {
		many[i] = content.Item{"_id": fmt.Sprint(i), "_state": 1}
	}
	_, err := w.store.AddItems(t.Context(), content.Model{Name: "posts", Type: content.Collection}, many)
	require.NoError(t, err)
	var query strings.Builder
	for i := range 50 {
		fmt.Fprintf(&query, "a%d: postsModel { _id }", i)
	}
	start := time.Now()
	answer := w.ask(t, "", `{`+query.String()+`}`)
	require.True(t, strings.HasPrefix(answer, "200 "), "%.200s", answer)
	require.Equal(t, 50, strings.Count(answer, "Too many items"))
	require.Less(t, time.Since(start), 8*time.Second)
}

// A store failure is 503, without the store's error text.
func TestStoreInTrouble(t *testing.T) {
	for _, likeCockpit := range []bool{false, true} {
		for _, table := range []string{"cms_models", "cms_items"} {
			w := newWorld(t, likeCockpit, "web")
			_, err := w.db.ExecContext(t.Context(), `ALTER TABLE `+table+` RENAME TO gone`)
			require.NoError(t, err)
			for _, query := range []string{`{ postsModel { title } }`, `{ a: secretModel { value } content(model: "posts") }`, `mutation { saveContentItem(model: "posts", data: {title: "x"}) { item } }`} {
				answer := w.ask(t, "drafter", query)
				require.True(t, strings.HasPrefix(answer, "503 "), "%s: %s", query, answer)
				require.NotContains(t, answer, "no such")
			}
		}
	}
}

// Any input has an answer, and never a draft or a secret.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		`{ postsModel(filter: {title: {_regex: "x"}}, sort: {title: 1}) { title link ...f } } fragment f on postsModel { _id }`, introspection,
		`{ content(model: "secret", populate: 2, filter: "{a: 1}") contentTree(model: "menu", parent: null) }`, `query($a: Int = 1) { postsModel(limit: $a) { tags } }`,
		`mutation { deleteContentItem(model: "posts", id: "p1") { success error __typename } }`,
	} {
		f.Add(query, `{"a":1}`)
	}
	w := newWorld(f, true, "web")
	f.Fuzz(func(t *testing.T, query, variables string) {
		values := url.Values{"query": {query}, "variables": {variables}}
		r := httptest.NewRequest("POST", "/api/gql", strings.NewReader(values.Encode())).WithContext(context.Background())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := w.send("", r)
		require.Contains(t, []int{200, 400, 403, 404, 412, 413}, answer.Code, "%s", query)
		require.True(t, json.Valid(answer.Body.Bytes()))
		require.NotContains(t, answer.Body.String(), "top secret")
		require.NotContains(t, answer.Body.String(), `"Draft"`)
	})
}

// Models change while operations run: each operation uses one version of them.
func TestModelsChangeMeanwhile(t *testing.T) {
	w := newWorld(t, true, "web")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			m := content.Model{Name: fmt.Sprint("new", i), Type: content.Collection}
			_, err := w.store.AddModel(t.Context(), m)
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprintf(`200 {"data":{"new%dModel":[]}}`, i), w.ask(t, "admin", fmt.Sprintf(`{ new%dModel { _id } }`, i)), "as soon as it is there")
		})
		all.Go(func() {
			assert.Equal(t, `200 {"data":{"postsModel":[{"title":"Hello"}]}}`, w.ask(t, "reader", `{ postsModel(limit: 1) { title } }`))
		})
	}
	all.Wait()
}
