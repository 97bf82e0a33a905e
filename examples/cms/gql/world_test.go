package gql_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/access"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/gql"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A world is an endpoint with its content, and a key for each role.
type world struct {
	handler http.Handler
	store   *content.Store
	db      *sql.DB
	keys    map[string]string
}

// newWorld has posts (two published, of which the first links to a secret, and a draft), a secret, a menu and
// settings.
func newWorld(t testing.TB, likeCockpit bool, public string) *world {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "cms.db")+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), content.Schema(sqlstore.SQLite))
	require.NoError(t, err)
	w := &world{store: content.New(db), db: db, keys: map[string]string{"": ""}}
	w.add(t, content.Model{Name: "posts", Type: content.Collection, Fields: []content.Field{
		{Name: "title", Type: "text", I18n: true}, {Name: "views", Type: "number"}, {Name: "hot", Type: "boolean"}, {Name: "tags", Type: "tags"},
		{Name: "link", Type: "contentItemLink"}, {Name: "odd-name", Type: "text"}}}, `[
		{"_id": "p1", "_state": 1, "title": "Hello", "title_de": "Hallo", "views": 7, "hot": true, "tags": ["x", "y"], "link": {"_model": "secret", "_id": "s1"}, "odd-name": "odd"},
		{"_id": "p2", "_state": 1, "title": "Second", "views": 1.5, "hot": null, "tags": null, "link": null, "_cby": null},
		{"_id": "p3", "_state": 0, "title": "Draft"}]`)
	w.add(t, content.Model{Name: "secret", Type: content.Collection, Fields: []content.Field{{Name: "value", Type: "text"}}}, `[{"_id": "s1", "_state": 1, "value": "top secret"}]`)
	w.add(t, content.Model{Name: "menu", Type: content.Tree, Fields: []content.Field{{Name: "label", Type: "text"}}}, `[
		{"_id": "m1", "_state": 1, "label": "Home", "_pid": null, "_o": 0}, {"_id": "m2", "_state": 1, "label": "Sub", "_pid": "m1", "_o": 0}]`)
	w.add(t, content.Model{Name: "settings", Type: content.Singleton, Fields: []content.Field{{Name: "siteName", Type: "text"}}}, `[{"_id": "c1", "_state": 1, "_model": "settings", "siteName": "My Site"}]`)

	policy := roles.MustCompile(
		roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true, "content/menu/read": true}},
		roles.Role{AppID: "reader", Permissions: roles.Grants{"content/posts/read": true}},
		roles.Role{AppID: "drafter", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true, "content/posts/update": true}},
		roles.Role{AppID: "nothing"},
	)
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { ring.Close(t.Context()) })
	for _, role := range []string{"reader", "drafter", "nothing", roles.Admin} {
		issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role})
		require.NoError(t, err)
		w.keys[role] = issued.Key.Reveal()
	}
	c := auth.Config{Keys: ring, Roles: policy}
	if public != "" {
		c.Anonymous = publicapi.Fixed(public)
	}
	if likeCockpit {
		c = cockpit.Configure(c)
	}
	guard, err := auth.New(c)
	require.NoError(t, err)
	w.handler = guard.Handler(gql.Handler(gql.Config{Guard: guard, Content: access.New(w.store), LikeCockpit: likeCockpit}))
	return w
}

func (w *world) add(t testing.TB, m content.Model, list string) {
	_, err := w.store.AddModel(t.Context(), m)
	require.NoError(t, err)
	var items []content.Item
	decoder := json.NewDecoder(strings.NewReader(list))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&items))
	_, err = w.store.AddItems(t.Context(), m, items)
	require.NoError(t, err)
}

// send sends a request with the key of a role.
func (w *world) send(role string, r *http.Request) *httptest.ResponseRecorder {
	if key := w.keys[role]; key != "" {
		r.Header.Set("api-key", key)
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	return recorder
}

// ask returns the status and the body as one text.
func (w *world) ask(t testing.TB, role, query string) string {
	t.Helper()
	return w.askWith(t, role, query, nil)
}

func (w *world) askWith(t testing.TB, role, query string, variables map[string]any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	r := httptest.NewRequest("POST", "/api/gql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	answer := w.send(role, r)
	require.Regexp(t, `^application/(problem\+)?json$`, answer.Header().Get("Content-Type"))
	return fmt.Sprintf("%d %s", answer.Code, strings.TrimSpace(answer.Body.String()))
}
