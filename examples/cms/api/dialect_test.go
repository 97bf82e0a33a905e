package api_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/authtest"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/api"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A world is the API in one dialect, with a key for each role.
type world struct {
	site  http.Handler
	mux   *http.ServeMux
	guard *auth.Guard
	db    *sql.DB
	keys  map[string]string
}

func newWorld(t testing.TB, dialect api.Dialect, public string) *world {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "cms.db")+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), content.Schema(sqlstore.SQLite))
	require.NoError(t, err)
	store := content.New(db)
	for _, m := range []struct{ name, kind, items string }{
		{"posts", content.Collection, `[{"_id":"p1","_state":1,"title":"Hello","link":{"_model":"secret","_id":"s1"}},{"_id":"p2","_state":1,"title":"Second"},{"_id":"p3","_state":0,"title":"Draft"}]`},
		{"secret", content.Collection, `[{"_id":"s1","_state":1,"value":"top secret"}]`},
		{"menu", content.Tree, `[{"_id":"m1","_state":1,"_pid":null,"_o":0},{"_id":"m2","_state":1,"_pid":"m1","_o":0}]`},
		{"settings", content.Singleton, `[{"_id":"c1","_state":1,"_model":"settings","siteName":"My Site"}]`},
	} {
		model := content.Model{Name: m.name, Type: m.kind}
		if m.name == "posts" {
			model.Fields = []content.Field{{Name: "title"}, {Name: "link", Type: "contentItemLink", Opts: content.Opts{Link: "secret"}}}
		}
		_, err := store.AddModel(t.Context(), model)
		require.NoError(t, err)
		var items []content.Item
		decoder := json.NewDecoder(strings.NewReader(m.items))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&items))
		_, err = store.AddItems(t.Context(), model, items)
		require.NoError(t, err)
	}
	policy := roles.MustCompile(
		roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true, "content/menu/read": true}},
		roles.Role{AppID: "reader", Permissions: roles.Grants{"content/posts/read": true}},
		roles.Role{AppID: "writer", Permissions: roles.Grants{"content/posts/create": true}},
		roles.Role{AppID: "nothing"},
	)
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { ring.Close(t.Context()) })
	w := &world{db: db, mux: http.NewServeMux(), keys: map[string]string{"bad": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb1"}}
	for _, role := range []string{"reader", "writer", "nothing", roles.Admin} {
		issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role})
		require.NoError(t, err)
		w.keys[role] = issued.Key.Reveal()
	}
	c := auth.Config{Keys: ring, Roles: policy}
	if public != "" {
		c.Anonymous = publicapi.Fixed(public)
	}
	if dialect == api.Cockpit {
		c = cockpit.Configure(c)
	}
	w.guard, err = auth.New(c)
	require.NoError(t, err)
	api.Register(w.mux, w.guard, store, dialect)
	w.site = w.guard.Identify(w.mux)
	return w
}

// ask sends "GET /api/…" with the key of a role, and returns the status and the body as one text.
func (w *world) ask(role, address string, body ...string) string {
	method, path, _ := strings.Cut(address, " ")
	if address, query, ok := strings.Cut(path, "?"); ok {
		values := url.Values{}
		for part := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(part, "=")
			values.Add(name, value)
		}
		path = address + "?" + values.Encode()
	}
	r := httptest.NewRequest(method, path, strings.NewReader(strings.Join(body, "")))
	if role != "" {
		r.Header.Set("api-key", w.keys[role])
	}
	recorder := httptest.NewRecorder()
	w.site.ServeHTTP(recorder, r)
	return strings.TrimSpace(fmt.Sprintf("%d %s", recorder.Code, recorder.Body))
}

// The two dialects, address by address. They let the same callers in; their answers differ.
func TestDialects(t *testing.T) {
	own, like := newWorld(t, api.Dialect{}, "web"), newWorld(t, api.Cockpit, "web")
	const denied = `{"error":"Permission denied"}`
	for _, c := range []struct{ role, address, body, own, cockpit string }{
		{"reader", "GET /api/content/items/nothere", "", `403 …`, `404 {"error":"Model \u003cnothere\u003e not found"}`},
		{"", "GET /api/content/items/nothere", "", `401 …`, `404 {"error":"Model \u003cnothere\u003e not found"}`},
		{"bad", "GET /api/content/items/nothere", "", `401 …`, `412 {"error":"Authentication failed"}`},
		{"admin", "GET /api/content/items/nothere", "", `404 {"error":"Model \u003cnothere\u003e not found"}`, `404 {"error":"Model \u003cnothere\u003e not found"}`},
		{"admin", "GET /api/content/items/a%00b", "", `403 …`, `404`},
		{"reader", "GET /api/content/items/secret", "", `403 …`, `403 ` + denied},
		{"", "GET /api/content/items/secret", "", `401 …`, `403 ` + denied},
		{"reader", "GET /api/content/item/posts/p3", "", `404 {"error":"Not found"}`, `404`},
		{"reader", "GET /api/content/item/posts/p3/", "", `404 …`, `404`},
		{"reader", "GET /api/nope", "", `404 …`, `404`},
		{"bad", "GET /api/nope", "", `401 …`, `412 {"error":"Authentication failed"}`},
		{"reader", "PUT /api/content/item/posts/p1", "", `405 …`, `404`},
		{"reader", "GET /api/assets/5", "", `404 …`, `404`},
		{"nothing", "POST /api/content/item/posts", `{}`, `403 …`, `412 {"error":"Item data is missing"}`},
		{"writer", "POST /api/content/item/posts", `{}`, `400 {"error":"Item data is missing"}`, `412 {"error":"Item data is missing"}`},
		{"writer", "POST /api/content/item/posts", `{"data":[1]}`, `400 {"error":"Item data is missing"}`, `412 {"error":"Item data is missing"}`},
		{"writer", "POST /api/content/item/posts", `{"data":{"title":"x"}} {}`, `400 {"error":"Item data is missing"}`, `412 {"error":"Item data is missing"}`},
		{"nothing", "POST /api/content/item/posts", `{"data":{"title":"x"}}`, `403 …`, `403 ` + denied},
		{"writer", "POST /api/content/item/posts", `{"data":{"_id":"p1","title":"x"}}`, `403 …`, `403 ` + denied},
		{"nothing", "DELETE /api/content/item/settings/c1", "", `403 …`, `412 {"error":"DELETE method not allowed for \u003csettings\u003e"}`},
		{"admin", "DELETE /api/content/item/settings/c1", "", `405 {"error":"DELETE method not allowed for \u003csettings\u003e"}`, `412 {"error":"DELETE method not allowed for \u003csettings\u003e"}`},
		{"reader", "GET /api/content/tree/posts", "", `400 {"error":"\u003cposts\u003e is not a tree"}`, `400 ` + denied},
		{"reader", "GET /api/content/items", "", `400 {"error":"\u003cmodels\u003e parameter is missing"}`, `412 {"error":"\u003cmodels\u003e parameter is missing"}`},
		{"reader", "GET /api/content/items?models={", "", `400 {"error":"\u003cmodels\u003e is not valid json"}`, `412 {"error":"\u003cmodels\u003e is not valid json"}`},
		{"admin", "GET /api/content/aggregate/settings?pipeline=[]", "", `405 …`, `412 {"error":"Aggregate method not allowed for \u003csettings\u003e"}`},
	} {
		for _, d := range []struct {
			w    *world
			want string
		}{{own, c.own}, {like, c.cockpit}} {
			got := d.w.ask(c.role, c.address, c.body)
			if start, ok := strings.CutSuffix(d.want, "…"); ok {
				require.True(t, strings.HasPrefix(got, start), "%q: %s: %s", c.role, c.address, got)
				continue
			}
			require.Equal(t, d.want, got, "%q: %s", c.role, c.address)
		}
	}
}

// The answers common to both.
func TestReads(t *testing.T) {
	for _, dialect := range []api.Dialect{{}, api.Cockpit} {
		w := newWorld(t, dialect, "web")
		for _, c := range []struct{ role, address, want string }{
			{"", "GET /api/content/items/posts?fields={title:1,_id:0}", `[{"title":"Hello"},{"title":"Second"}]`},
			{"", "GET /api/content/item/posts?sort={title:-1}&fields={title:1}", map[bool]string{
				false: `{"_id":"p2","title":"Second"}`, true: `{"_id":"p1","title":"Hello"}`}[dialect == api.Cockpit]},
			{"", "GET /api/content/item/posts/p1?fields={title:1}", `{"_id":"p1","title":"Hello"}`},
			{"", "GET /api/content/items/posts?populate=1&limit=1&fields={link:1,_id:0}", `[{"link":null}]`},
			{"admin", "GET /api/content/items/posts?populate=1&limit=1&fields={link:1,_id:0}", `[{"link":{"_id":"s1","_model":"secret","_state":1,"value":"top secret"}}]`},
			{"admin", "GET /api/content/item/settings?fields={siteName:1,_id:0}", `{"_model":"settings","siteName":"My Site"}`},
			{"", "GET /api/content/tree/menu?parent=m1&fields={_id:1}", `[{"_children":[],"_id":"m2"}]`},
			{"", "GET /api/content/aggregate/posts?pipeline=[{$match:{title:'Hello'}},{$project:{title:1}}]", `[{"_id":"p1","title":"Hello"}]`},
			{"", "GET /api/content/items?models={news:{model:'posts',limit:1,skip:1,fields:{title:1,_id:0}},menu:[],secret:{},nothere:{},settings:{}}&fields={x:1}",
				`{"menu":[{"_id":"m1","_o":0,"_pid":null,"_state":1},{"_id":"m2","_o":0,"_pid":"m1","_state":1}],"news":{"data":[{"title":"Second"}],"meta":{"total":2}}}`},
			{"admin", "GET /api/content/items?models={settings:{fields:{siteName:1,_id:0}},posts:{limit:1,fields:{link:1,_id:0}}}&populate=1",
				`{"posts":[{"link":{"_id":"s1","_model":"secret","_state":1,"value":"top secret"}}],"settings":{"_model":"settings","siteName":"My Site"}}`},
			{"nothing", "GET /api/content/items?models={posts:{}}", `{}`},
			{"", "GET /api/system/healthcheck", `{"status":"ok"}`},
		} {
			require.Equal(t, "200 "+c.want, w.ask(c.role, c.address), "%q: %s", c.role, c.address)
		}
		for _, parameter := range []string{"filter={bad", "filter=1", "fields=[1]", "sort={a:7}", "limit=one", "skip=one", "limit=1e9", "populate=all", "filter=[object Object]", "filter[title"} {
			for _, address := range []string{"items/posts", "item/posts", "item/posts/p1", "tree/menu"} {
				answer := w.ask("", "GET /api/content/"+address+"?"+parameter)
				require.Regexp(t, `^400 \{"error":"\\u003c(filter|fields|sort|limit|skip|populate|query)\\u003e (is not (valid json|a number|well spelt)|has .*)"\}$`, answer, "%s?%s", address, parameter)
			}
		}
		for _, filter := range []string{"filter={'@link.value':'top secret'}", "filter[@link.value]=top secret", "filter={'@link.value':{$regex:'.'}}"} {
			require.Equal(t, `200 []`, w.ask("", "GET /api/content/items/posts?"+filter), "of a model that the caller may not read")
		}
		require.Contains(t, w.ask("admin", "GET /api/content/items/posts?filter={'@link.value':'top secret'}"), `"p1"`)
		r := httptest.NewRequest("GET", "/api/content/items/posts", nil)
		r.URL.RawQuery = "filter={title:'Hello';x=1}"
		recorder := httptest.NewRecorder()
		w.site.ServeHTTP(recorder, r)
		require.Equal(t, 400, recorder.Code, "a condition is not passed over: %s", recorder.Body)
		require.Equal(t, `400 {"error":"Pipeline is not valid json"}`, w.ask("", "GET /api/content/aggregate/posts"))
		require.Equal(t, `400 {"error":"Pipeline has an unsupported stage: $lookup"}`, w.ask("admin", "GET /api/content/aggregate/posts?pipeline=[{$lookup:{from:'secret'}}]"))
		require.Contains(t, w.ask("", "GET /api/content/items?models={posts:{},menu:{limit:'x'}}"), "models")
		var many strings.Builder
		for i := range 60 {
			fmt.Fprintf(&many, "a%d:{model:'posts'},", i)
		}
		require.Contains(t, w.ask("", "GET /api/content/items?models={"+many.String()+"}"), "is not valid json")
		require.True(t, strings.HasPrefix(w.ask("writer", "POST /api/content/item/posts", `{"data":{"title":"`+strings.Repeat("x", 1<<20)+`"}}`), "413 "))
	}
}

// The lists in one answer are bounded by their bytes as well.
func TestSeveralIsBounded(t *testing.T) {
	w := newWorld(t, api.Dialect{}, "web")
	links := make([]any, 30)
	for i := range links {
		links[i] = map[string]any{"_model": "posts", "_id": "large"}
	}
	_, err := content.New(w.db).AddItems(t.Context(), content.Model{Name: "posts", Type: content.Collection}, []content.Item{
		{"_id": "large", "_state": 1, "text": strings.Repeat("x", 1_000_000)}, {"_id": "links", "_state": 1, "links": links}})
	require.NoError(t, err)
	lists := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d:{model:'posts',filter:{_id:'links'}},", i)
		}
		return w.ask("", "GET /api/content/items?populate=1&models={"+b.String()+"}")
	}
	require.True(t, strings.HasPrefix(lists(1), `200 {"a0":[{`))
	require.Equal(t, `400 {"error":"Too many items: ask for fewer with \u003climit\u003e"}`, lists(3))
}

// A value that is nested too deep is refused, since it would break the lists of others.
func TestNesting(t *testing.T) {
	for _, dialect := range []api.Dialect{{}, api.Cockpit} {
		w := newWorld(t, dialect, "web")
		for depth, want := range map[int]string{90: "200 ", 200: `400 {"error":"\u003cdata\u003e is not valid json"}`, 9_998: `400 {"error":"\u003cdata\u003e is not valid json"}`} {
			for _, nested := range []string{strings.Repeat("[", depth) + strings.Repeat("]", depth), strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)} {
				answer := w.ask("writer", "POST /api/content/item/posts", `{"data":{"title":`+nested+`}}`)
				require.True(t, strings.HasPrefix(answer, want), "%d: %.100s", depth, answer)
			}
		}
		for _, address := range []string{"items/posts?limit=9&skip=0", "items?models={posts:{limit:9,skip:0}}"} {
			require.Contains(t, w.ask("", "GET /api/content/"+address), "Hello", address)
		}
		require.Contains(t, w.ask("", `GET /api/gql?query={content(model:"posts")}`), "Hello")
	}
}

// While the public API is closed, anonymous callers learn nothing except that the server is up.
func TestClosed(t *testing.T) {
	for _, dialect := range []api.Dialect{{}, api.Cockpit} {
		w := newWorld(t, dialect, "")
		want := "401 "
		if dialect == api.Cockpit {
			want = `412 {"error":"Authentication failed"}`
		}
		for _, address := range []string{
			"GET /api/content/items/posts", "GET /api/content/items/nothere", "GET /api/content/items?models={posts:{}}", "GET /api/content/items",
			"POST /api/content/item/posts", "DELETE /api/content/item/settings/x", "GET /api/content/tree/menu", "GET /api/content/aggregate/posts",
			"GET /api/gql?query={ __typename }", "POST /api/gql", "GET /api/pages/menus",
		} {
			require.True(t, strings.HasPrefix(w.ask("", address), want), "%s: %s", address, w.ask("", address))
		}
		require.Equal(t, `200 {"status":"ok"}`, w.ask("", "GET /api/system/healthcheck"))
	}
}

// Every address is behind the guard.
func TestSweep(t *testing.T) {
	w := newWorld(t, api.Dialect{}, "web")
	authtest.Sweep(t, w.guard, w.mux)
}

// For any parameters there is an answer, and never a draft or a secret.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"filter={title:'Hello'}&populate=2", "models={posts:{filter:{a:1}},secret:{}}", "pipeline=[{$match:{}}]&locale=de", "filter[a]=b&sort={a:1}&limit=1&skip=1", "parent=m1&fields={a:1}"} {
		f.Add(seed)
	}
	w := newWorld(f, api.Cockpit, "web")
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, " #\x00") || strings.Contains(strings.ToLower(query), "api") {
			return // not a query, or a credential
		}
		for _, path := range []string{"items/posts", "item/posts", "item/posts/p1", "items", "tree/menu", "aggregate/posts", "items/secret"} {
			r := httptest.NewRequest("GET", "/api/content/"+path, nil)
			r.URL.RawQuery = query
			recorder := httptest.NewRecorder()
			w.site.ServeHTTP(recorder, r)
			require.Contains(t, []int{200, 400, 403, 404, 412}, recorder.Code, "%s?%s", path, query)
			require.NotContains(t, recorder.Body.String(), "top secret")
			require.NotContains(t, recorder.Body.String(), `"Draft"`)
		}
	})
}
