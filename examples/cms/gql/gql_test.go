package gql_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// The answers common to both dialects.
func TestFields(t *testing.T) {
	for _, likeCockpit := range []bool{false, true} {
		w := newWorld(t, likeCockpit, "web")
		for _, c := range []struct{ role, query, want string }{
			{"reader", `{ postsModel { title _id __typename } }`, `{"postsModel":[{"title":"Hello","_id":"p1","__typename":"postsModel"},{"title":"Second","_id":"p2","__typename":"postsModel"}]}`},
			{"", `{ postsModel(limit: 1) { views hot tags link } }`, `{"postsModel":[{"views":7,"hot":true,"tags":["x","y"],"link":{"_id":"s1","_model":"secret"}}]}`},
			{"", `{ postsModel(limit: 5, skip: 1, locale: "de") { title views hot tags _state } }`, `{"postsModel":[{"title":"Second","views":1.5,"hot":null,"tags":null,"_state":1}]}`},
			{"", `{ postsModel(limit: 1, locale: "de") { title } }`, `{"postsModel":[{"title":"Hallo"}]}`},
			{"", `{ postsModel(_id: "p2", filter: {title: "Hello"}) { title } }`, `{"postsModel":[{"title":"Second"}]}`},
			{"", `{ postsModel(_id: "p3") { title } }`, `{"postsModel":[]}`},
			{"", `{ postsModel(filter: {_state: 0}) { title } }`, `{"postsModel":[{"title":"Hello"},{"title":"Second"}]}`},
			{"", `{ postsModel(filter: "{title: 'Hello'}", sort: "", projection: "x") { title } }`, `{"postsModel":[{"title":"Hello"}]}`},
			{"", `{ postsModel(sort: {hot: 1, title: -1}) { title } }`, `{"postsModel":[{"title":"Second"},{"title":"Hello"}]}`},
			{"", `{ content(model: "posts", filter: {views: {_x: 1}}) content2: content(model: "posts", fields: {title: 1, _id: 0}, limit: 1) }`, `{"content":[],"content2":[{"title":"Hello"}]}`},
			{"", `{ content(model: "posts", filter: "{views: {$gte: 7}}", fields: {title: 1}) }`, `{"content":[{"_id":"p1","title":"Hello"}]}`},
			{"", `{ contentTree(model: "menu", fields: {label: 1, _id: 0}) }`, `{"contentTree":[{"_children":[{"_children":[],"label":"Sub"}],"label":"Home"}]}`},
			{"", `{ contentTree(model: "menu", parent: "m1", fields: {label: 1, _id: 0}) }`, `{"contentTree":[{"_children":[],"label":"Sub"}]}`},
			{"", `{ menuModel { label _pid _o } }`, `{"menuModel":[{"label":"Home","_pid":null,"_o":0},{"label":"Sub","_pid":"m1","_o":0}]}`},
			{"admin", `{ settingsModel { siteName } content(model: "settings", fields: {siteName: 1, _id: 0}) }`, `{"settingsModel":{"siteName":"My Site"},"content":[{"_model":"settings","siteName":"My Site"}]}`},
			{"admin", `{ postsModel(limit: 1, populate: 1) { link } }`, `{"postsModel":[{"link":{"_id":"s1","_model":"secret","_state":1,"value":"top secret"}}]}`},
			{"reader", `{ postsModel(limit: 1, populate: 1) { link } }`, `{"postsModel":[{"link":null}]}`},
			{"", `query A { postsModel { ...f } } fragment f on postsModel { title @skip(if: true) _id @include(if: true) }`, `{"postsModel":[{"_id":"p1"},{"_id":"p2"}]}`},
			{"nothing", `{ __typename }`, `{"__typename":"Query"}`},
		} {
			require.Equal(t, `200 {"data":`+c.want+`}`, w.ask(t, c.role, c.query), "%q: %s", c.role, c.query)
		}
		require.Equal(t, `200 {"data":{"postsModel":[{"title":"Hello"}]}}`, w.askWith(t, "", `query($f: JsonType, $n: Int!) { postsModel(filter: $f, limit: $n, sort: {title: 1}) { title } }`,
			map[string]any{"f": map[string]any{"views": 7}, "n": 5}))
		require.Contains(t, w.askWith(t, "", `query($s: JsonType) { postsModel(sort: $s) { title } }`, map[string]any{"s": map[string]any{"b": 1, "a": 1}}), "has no order")
	}
}

// Denied fields in the library's dialect: an error for each, and a status if nothing is left.
func TestDenied(t *testing.T) {
	w := newWorld(t, false, "web")
	forbidden := func(field, permission string) string {
		return `{"message":"Permission denied","path":["` + field + `"],"extensions":{"code":"FORBIDDEN","permission":"` + permission + `"}}`
	}
	for _, c := range []struct{ role, query, want string }{
		{"reader", `{ secretModel { value } }`, `403 {"errors":[` + forbidden("secretModel", "content/secret/read") + `],"data":{"secretModel":null}}`},
		{"reader", `{ a: secretModel { value } postsModel(limit: 1) { title } }`, `200 {"errors":[` + forbidden("a", "content/secret/read") + `],"data":{"a":null,"postsModel":[{"title":"Hello"}]}}`},
		{"", `{ secretModel { value } }`, `401 {"errors":[{"message":"Authentication failed","path":["secretModel"],"extensions":{"code":"UNAUTHENTICATED"}}],"data":{"secretModel":null}}`},
		{"reader", `{ content(model: "secret") }`, `403 {"errors":[` + forbidden("content", "content/secret/read") + `],"data":{"content":null}}`},
		{"reader", `{ content(model: "nothere") }`, `403 {"errors":[` + forbidden("content", "content/nothere/read") + `],"data":{"content":null}}`},
		{"reader", `{ settingsModel { siteName } contentTree(model: "menu") }`, `403 {"errors":[` + forbidden("settingsModel", "content/settings/read") + `,` + forbidden("contentTree", "content/menu/read") + `],"data":{"settingsModel":null,"contentTree":null}}`},
		{"reader", `mutation { saveContentItem(model: "posts", data: {title: "x"}) { item error } }`, `403 {"errors":[` + forbidden("saveContentItem", "content/posts/create") + `],"data":{"saveContentItem":null}}`},
		{"reader", `mutation { saveContentItem(model: "posts", data: {_id: "p1"}) { item error } }`, `403 {"errors":[` + forbidden("saveContentItem", "content/posts/update") + `],"data":{"saveContentItem":null}}`},
		{"drafter", `mutation { deleteContentItem(model: "posts", id: "p1") { success } }`, `403 {"errors":[` + forbidden("deleteContentItem", "content/posts/delete") + `],"data":{"deleteContentItem":null}}`},
		{"admin", `{ content(model: "nothere") }`, `200 {"errors":[{"message":"Model \u003cnothere\u003e not found","path":["content"],"extensions":{"code":"NOT_FOUND"}}],"data":{"content":null}}`},
		{"admin", `{ contentTree(model: "posts") }`, `200 {"errors":[{"message":"\u003cposts\u003e is not a tree","path":["contentTree"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":{"contentTree":null}}`},
		{"admin", `{ postsModel(filter: 5) { title } }`, `200 {"errors":[{"message":"\u003cfilter\u003e is not valid json","path":["postsModel"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":{"postsModel":null}}`},
		{"reader", `{ nothere }`, `400 {"errors":[{"message":"Cannot query field \"nothere\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`},
		{"reader", `{`, `400 {"errors":[{"message":"Syntax Error: Expected Name, found \u003cEOF\u003e","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`},
		{"reader", ` `, `400 {"errors":[{"message":"Syntax Error: Unexpected \u003cEOF\u003e","locations":[{"line":1,"column":1}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`},
	} {
		require.Equal(t, c.want, w.ask(t, c.role, c.query), "%q: %s", c.role, c.query)
	}
	_, err := w.store.Item(t.Context(), content.Model{Name: "posts"}, "p1", content.Query{})
	require.NoError(t, err, "nothing was done")
}

// Denied fields in Cockpit's dialect.
func TestDeniedLikeCockpit(t *testing.T) {
	w := newWorld(t, true, "web")
	for _, c := range []struct{ role, query, want string }{
		{"reader", `{ a: postsModel(limit: 1) { title } b: secretModel { value } c: settingsModel { siteName } }`, `412 {"data":{"a":[{"title":"Hello"}],"b":[],"c":null}}`},
		{"", `{ secretModel { value } }`, `412 {"data":{"secretModel":[]}}`},
		{"nothing", `{ content(model: "posts") contentTree(model: "menu") }`, `412 {"data":{"content":[],"contentTree":[]}}`},
		{"nothing", `{ contentTree(model: "posts") }`, `412 {"data":{"contentTree":[]}}`},
		{"reader", `{ contentTree(model: "posts") }`, `400 {"data":{"contentTree":[]}}`},
		{"reader", `{ content(model: "nothere") }`, `200 {"data":{"content":[]}}`},
		{"reader", `mutation { saveContentItem(model: "posts", data: {title: "x"}) { item error } }`, `403 {"data":{"saveContentItem":{"item":null,"error":"Permission denied"}}}`},
		{"drafter", `mutation { deleteContentItem(model: "posts", id: "p1") { success error } }`, `403 {"data":{"deleteContentItem":{"success":null,"error":"Permission denied"}}}`},
		{"admin", `mutation { saveContentItem(model: "nothere", data: {title: "x"}) { item error } }`, `404 {"data":{"saveContentItem":{"item":null,"error":"Model \u003cnothere\u003e not found"}}}`},
		{"nothing", `mutation { saveContentItem(model: "posts", data: {}) { item error } }`, `412 {"data":{"saveContentItem":{"item":null,"error":"Item data is missing"}}}`},
		{"nothing", `mutation { deleteContentItem(model: "settings", id: "c1") { success error } }`, `412 {"data":{"deleteContentItem":{"success":null,"error":"DELETE method not allowed for \u003csettings\u003e"}}}`},
		{"reader", `{ nothere }`, `200 {"errors":[{"message":"Cannot query field \"nothere\" on type \"Query\".","locations":[{"line":1,"column":3}]}]}`},
	} {
		require.Equal(t, c.want, w.ask(t, c.role, c.query), "%q: %s", c.role, c.query)
	}
}

// Callers who are not let in learn nothing, introspection included.
func TestClosed(t *testing.T) {
	for _, c := range []struct {
		likeCockpit bool
		want        int
	}{{false, 401}, {true, 412}} {
		w := newWorld(t, c.likeCockpit, "")
		for _, query := range []string{`{ __schema { types { name } } }`, `{ postsModel { title } }`, `{`, `mutation { deleteContentItem(model: "posts", id: "p1") { success } }`} {
			r := httptest.NewRequest("POST", "/api/gql", strings.NewReader(`{"query":`+fmt.Sprintf("%q", query)+`}`))
			r.Header.Set("Content-Type", "application/json")
			answer := w.send("", r)
			require.Equal(t, c.want, answer.Code, query)
			require.NotContains(t, answer.Body.String(), "posts")
			r = httptest.NewRequest("GET", "/api/gql?query="+url.QueryEscape(query), nil)
			r.Header.Set("api-key", "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb1")
			require.Equal(t, c.want, w.send("", r).Code, "a bad key is not the public role")
		}
	}
}

func TestMutations(t *testing.T) {
	for _, likeCockpit := range []bool{false, true} {
		w := newWorld(t, likeCockpit, "web")
		answer := w.ask(t, "drafter", `mutation { saveContentItem(model: "posts", data: {title: "New", views: 5, _state: 0, _cby: "forged", evil: 1}) { item error } }`)
		require.Contains(t, answer, `200 {"data":{"saveContentItem":{"item":{`)
		require.Contains(t, answer, `"_state":0`, "a draft needs no right to publish")
		require.NotContains(t, w.ask(t, "", `{ postsModel { title } }`), "New")
		require.Contains(t, answer, `"_cby":null`)
		require.Contains(t, answer, `"views":5`)
		require.NotContains(t, answer, "evil")
		update := func(state int) string {
			return w.askWith(t, "drafter", `mutation($d: JsonType!) { saveContentItem(model: "posts", data: $d) { item error } }`,
				map[string]any{"d": map[string]any{"_id": "p2", "title": "Changed", "_state": state}})
		}
		answer = update(-1)
		if !likeCockpit {
			require.Equal(t, `403 {"errors":[{"message":"Permission denied","path":["saveContentItem"],"extensions":{"code":"FORBIDDEN","permission":"content/posts/publish"}}],"data":{"saveContentItem":null}}`, answer)
		}
		require.NotContains(t, answer, "_state")
		require.Contains(t, w.ask(t, "", `{ postsModel(_id: "p2") { title } }`), "Second", "nothing is published")
		require.NotContains(t, update(1), "_state")
		require.Contains(t, w.ask(t, "", `{ postsModel(_id: "p2") { title } }`), "Changed")
		require.Contains(t, w.ask(t, "admin", `mutation { saveContentItem(model: "posts", data: {_id: "p2", _state: 0}) { item } }`), `"_state":0`)
		require.Contains(t, w.ask(t, "admin", `mutation { saveContentItem(model: "posts", data: "{title: 'x'}") { item } }`), `:null`, "as in Cockpit, a text is no data")
		require.Equal(t, `200 {"data":{"postsModel":[]}}`, w.ask(t, "", `{ postsModel(_id: "p2") { title } }`))
		require.Equal(t, `200 {"data":{"deleteContentItem":{"success":true,"error":null}}}`, w.ask(t, "admin", `mutation { deleteContentItem(model: "posts", id: "p1") { success error } }`))
	}
}

// The schema follows the models. Models with names that GraphQL does not allow do not break it.
func TestSchemaFollowsTheModels(t *testing.T) {
	w := newWorld(t, false, "web")
	require.Contains(t, w.ask(t, "admin", `{ newsModel { headline } }`), "Cannot query field")
	w.add(t, content.Model{Name: "news", Type: content.Collection, Fields: []content.Field{{Name: "headline", Type: "text"}, {Name: "headline", Type: "number"},
		{Name: "__x", Type: "text"}, {Name: "5", Type: "text"}, {Name: "a b", Type: "text"}, {Name: "} type X {", Type: "text"}, {Name: "many", Type: "text", Multiple: true}}},
		`[{"_id": "n", "_state": 1, "headline": "Now", "many": ["a"]}]`)
	w.add(t, content.Model{Name: "odd-name", Type: content.Collection}, `[{"_id": "o", "_state": 1, "a": 1}]`)
	w.add(t, content.Model{Name: "5th", Type: content.Collection}, `[]`)
	w.add(t, content.Model{Name: "__schema", Type: content.Singleton}, `[]`)
	w.add(t, content.Model{Name: "Query", Type: content.Collection}, `[]`)
	require.Equal(t, `200 {"data":{"newsModel":[{"headline":"Now","many":["a"]}]}}`, w.ask(t, "admin", `{ newsModel { headline many } }`))
	require.Equal(t, `200 {"data":{"content":[{"_id":"o","_state":1,"a":1}]}}`, w.ask(t, "admin", `{ content(model: "odd-name") }`))
	_, err := w.db.ExecContext(t.Context(), `DELETE FROM cms_models WHERE name = 'news'`)
	require.NoError(t, err)
	require.Contains(t, w.ask(t, "admin", `{ newsModel { headline } }`), "Cannot query field")
}

// A value that is not of its field's type is null with an error: models change, and items do not.
func TestValuesOfAnotherType(t *testing.T) {
	w := newWorld(t, false, "web")
	w.add(t, content.Model{Name: "odd", Type: content.Collection, Fields: []content.Field{{Name: "text", Type: "text"}, {Name: "n", Type: "number"}, {Name: "yes", Type: "boolean"}, {Name: "tags", Type: "tags"}}},
		`[{"_id": "o", "_state": 1, "text": 5, "n": "5", "yes": 1, "tags": "x"}]`)
	require.Equal(t, `200 {"errors":[{"message":"the value is not NumericType","path":["oddModel",0,"n"]},{"message":"the value is not Boolean","path":["oddModel",0,"yes"]},`+
		`{"message":"the value is not a list","path":["oddModel",0,"tags"]}],"data":{"oddModel":[{"text":"5","n":null,"yes":null,"tags":null}]}}`, w.ask(t, "admin", `{ oddModel { text n yes tags } }`))
}

// Parsing, validating and resolving one operation over SQLite, with a key.
func BenchmarkOperation(b *testing.B) {
	w := newWorld(b, true, "web")
	body := `{"query":"{ postsModel(limit: 2) { _id title tags } }"}`
	for b.Loop() {
		r := httptest.NewRequest("POST", "/api/gql", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if answer := w.send("reader", r); answer.Code != 200 {
			b.Fatal(answer.Body)
		}
	}
}
