package adminapi_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin/adminapi"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func TestAddresses(t *testing.T) {
	w := newWorld(t, nil)
	w.expect(404, w.call(root, "GET", "/nothing", nil))
	w.expect(404, w.call(root, "GET", "/keys/", nil))
	r := w.expect(405, w.call(root, "PUT", "/keys", map[string]any{}))
	require.Equal(t, "GET, HEAD, POST", r.header.Get("Allow"))
	w.expect(200, w.call("", "GET", "/openapi.json", nil))
	require.Equal(t, 200, w.call(root, "HEAD", "/keys", nil).status)
	require.Equal(t, 401, w.call("", "HEAD", "/keys", nil).status)
	w.expect(405, w.call(root, "OPTIONS", "/me/key", nil))
	w.expect(405, w.call(root, "HEAD", "/keys/x/refresh", nil))

	w.users.set(auth.User{ID: "a/b c", Role: "viewer", Active: true})
	w.expect(201, w.call(root, "POST", "/users/a%2Fb%20c/key", nil))
	w.expect(404, w.call(root, "GET", "/users/a/b%20c/key", nil))
	for _, path := range []string{"/keys%2F", "/keys/%2e%2e/roles", "/keys/..%2Froles", "/roles/%2e", "/roles/editor%2F", "/%6beys/x%2Frefresh"} {
		w.expect(404, w.call(root, "GET", path, nil))
	}
}

func TestWhoAsks(t *testing.T) {
	w := newWorld(t, nil)
	machine := credential(w.custom(keys.Custom{Role: "admin"}).Key.Reveal())
	r := w.expect(401, w.call("", "GET", "/keys", nil))
	require.Equal(t, `Bearer realm="api"`, r.header.Get("WWW-Authenticate"))
	require.Equal(t, "Authentication failed", r.string("error"))
	w.expect(401, w.call("session:gone", "GET", "/keys", nil))
	w.expect(200, w.call(machine, "GET", "/keys", nil))
	w.expect(200, w.call("", "GET", "/keys", nil, "Authorization", "Bearer "+string(machine)))
	w.expect(400, w.call("session:ada", "GET", "/keys", nil, "api-key", string(machine)))
	w.expect(400, w.call(machine, "GET", "/keys", nil, "Cookie", "session=root"))
	refused := w.expect(403, w.call("session:ada", "GET", "/keys", nil))
	require.Equal(t, "app/api/manage", refused.string("permission"))

	for _, cross := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		w.expect(403, w.call(root, "POST", "/keys", aKey, cross...))
		w.expect(403, w.call(root, "DELETE", "/me/key", nil, cross...))
		w.expect(201, w.call(machine, "POST", "/keys", aKey, cross...)) // no browser sends a key by itself
	}
	w.expect(201, w.call(root, "POST", "/keys", aKey, "Sec-Fetch-Site", "same-origin"))
}

// TestEveryPermissionIsNeeded asks with each of the permissions of management alone.
func TestEveryPermissionIsNeeded(t *testing.T) {
	w := newWorld(t, nil)
	who := map[string]credential{}
	for _, permission := range []string{"app/api/manage", "app/roles/manage", "app/users/manage", "app/logs", "content/**"} {
		who[permission] = credential(w.custom(keys.Custom{Role: "admin", Scopes: []string{permission}}).Key.Reveal())
	}
	for _, appid := range []string{"empty", "spare"} {
		require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: appid}))
	}
	api, roles, users, logs := "app/api/manage", "app/roles/manage", "app/users/manage", "app/logs"
	w.users.set(auth.User{ID: "new", Active: true}) // without a role, so that everybody has cover for it
	custom, owned := w.custom(keys.Custom{}).Record.ID, w.userKey("new", keys.User{}).Record.ID
	for call, permissions := range map[string][]string{
		"GET /keys": {api}, "GET /keys?kind=user": {users}, "POST /keys " + aKey: {api}, "GET /keys/" + custom: {api}, "GET /keys/" + owned: {users},
		"PATCH /keys/" + custom + " {}": {api}, "PATCH /keys/" + owned + " {}": {users},
		"POST /keys/" + custom + "/refresh": {api}, "POST /keys/" + owned + "/refresh": {users},
		"POST /keys/" + custom + "/disable": {api}, "POST /keys/" + owned + "/disable": {users},
		"POST /keys/" + custom + "/enable": {api}, "POST /keys/" + owned + "/enable": {users},
		"DELETE /keys/" + custom: {api}, "DELETE /keys/" + owned: {users},
		"GET /users": {users}, "GET /users/new/key": {users}, "POST /users/new/key": {users}, "POST /users/new/key/refresh": {users},
		"GET /roles": {api, roles, users}, "GET /roles/empty": {api, roles, users}, `POST /roles {"appid":"other"}`: {roles},
		`PUT /roles/empty {"name":"x"}`: {roles}, "DELETE /roles/spare": {roles},
		"GET /public": {api}, "GET /public/preview?role=": {api}, `PUT /public {"role":"empty"}`: {api}, "DELETE /public": {api},
		"GET /permissions": {api, roles, users}, "GET /matrix": {api, roles, users}, "GET /explain?role=x&permission=x": {api, roles, users},
		"GET /audit": {logs},
	} {
		method, rest, _ := strings.Cut(call, " ")
		path, text, _ := strings.Cut(rest, " ")
		var body any
		if text != "" {
			body = text
		}
		for held, key := range who {
			allowed := strings.Contains(fmt.Sprint(permissions), held)
			got := w.call(key, method, path, body).status
			if !allowed {
				require.Equal(t, 403, got, "%s with %s", call, held)
				continue
			}
			done := got < 300 || got == 404 || got == 409 // in no order, so some come too late
			require.True(t, done, "%s with %s: %d", call, held, got)
		}
	}
	for _, id := range []string{custom, owned, "nothing"} { // a caller who manages no keys learns nothing about them
		require.Equal(t, w.call(who[logs], "GET", "/keys/nothing", nil).text, w.call(who[logs], "GET", "/keys/"+id, nil).text)
	}
}

func TestListsAndSearch(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 7 {
		w.custom(keys.Custom{Name: fmt.Sprintf("Site %d", i), Role: []string{"editor", "viewer"}[i%2]})
	}
	id := func(m map[string]any) string { return m["name"].(string) }
	first := w.expect(200, w.call(root, "GET", "/keys?limit=3", nil))
	require.Equal(t, "[Site 0 Site 1 Site 2]", names(first.items(), id))
	second := w.call(root, "GET", "/keys?limit=3&after="+first.string("next"), nil)
	require.Equal(t, "[Site 3 Site 4 Site 5]", names(second.items(), id))
	last := w.call(root, "GET", "/keys?limit=3&after="+second.string("next"), nil)
	require.Equal(t, "[Site 6]", names(last.items(), id))
	require.Empty(t, last.string("next"))

	require.Equal(t, "[Site 4]", names(w.call(root, "GET", "/keys?q=sITE+4", nil).items(), id))
	require.Equal(t, "[Site 1 Site 3]", names(w.call(root, "GET", "/keys?q=site&role=viewer&limit=2", nil).items(), id))
	require.Empty(t, w.call(root, "GET", "/keys?q=nothing", nil).items())
	require.Len(t, w.call(root, "GET", "/keys?state=active", nil).items(), 7)
	require.Empty(t, w.call(root, "GET", "/keys?state=expired", nil).items())

	user := func(m map[string]any) string { return m["id"].(string) }
	page := w.expect(200, w.call(root, "GET", "/users?limit=2", nil))
	require.Equal(t, "[ada bob]", names(page.items(), user))
	require.Equal(t, "[gone root wanda]", names(w.call(root, "GET", "/users?after="+page.string("next"), nil).items(), user))
	require.Equal(t, "[wanda]", names(w.call(root, "GET", "/users?q=WAND", nil).items(), user))

	role := func(m map[string]any) string { return m["appid"].(string) }
	page = w.expect(200, w.call(root, "GET", "/roles?limit=2", nil))
	require.Equal(t, "[editor keeper]", names(page.items(), role))
	require.Equal(t, "[rolemaker viewer warden]", names(w.call(root, "GET", "/roles?after="+page.string("next"), nil).items(), role))
}

func TestAuditLists(t *testing.T) {
	w := newWorld(t, nil)
	start := time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
	id := w.call(root, "POST", "/keys", map[string]any{"name": "a", "role": nil}).string("id")
	w.call(root, "PATCH", "/keys/"+id, map[string]any{"name": "b"})
	w.call("session:ada", "POST", "/me/key", nil)
	action := func(m map[string]any) string { return m["action"].(string) }
	all := w.expect(200, w.call(root, "GET", "/audit?since="+start, nil)).items()
	require.Equal(t, "[userkey.create key.update key.create]", names(all, action))
	require.Equal(t, "a", all[1]["before"].(map[string]any)["name"])
	require.Equal(t, "b", all[1]["after"].(map[string]any)["name"])
	require.Equal(t, "user:root", all[1]["actor"])
	require.Equal(t, "Root", all[1]["actor_name"])
	require.Equal(t, "[key.update key.create]", names(w.call(root, "GET", "/audit?object="+id, nil).items(), action))
	require.Equal(t, "[userkey.create]", names(w.call(root, "GET", "/audit?actor=user:ada", nil).items(), action))
	page := w.call(root, "GET", "/audit?limit=1", nil)
	require.Equal(t, "[key.update]", names(w.call(root, "GET", "/audit?limit=1&after="+page.string("next"), nil).items(), action))
	require.Empty(t, w.call(root, "GET", "/audit?until="+start, nil).items())
}

func TestMatrixAndExplain(t *testing.T) {
	w := newWorld(t, nil)
	m := w.expect(200, w.call(root, "GET", "/matrix", nil))
	require.Equal(t, "[editor keeper rolemaker viewer warden]", fmt.Sprint(m.body["roles"]))
	access := map[string]string{}
	for _, kind := range []string{"permissions", "routes"} {
		for _, row := range m.body[kind].([]any) {
			r := row.(map[string]any)
			access[fmt.Sprint(r["pattern"], " ", r["permission"])] = fmt.Sprint(r["access"])
		}
	}
	require.Equal(t, "[all all all all all]", access["<nil> content/posts/read"])
	require.Equal(t, "[none none none none none]", access["<nil> content/pages/read"])
	require.Equal(t, "[some some some none some]", access["POST /api/content/{model} content/{model}/create"])
	require.Equal(t, "[all all all all all]", access["GET /healthz <nil>"])

	why := w.expect(200, w.call(root, "GET", "/explain?role=keeper&permission=content/posts/read", nil))
	require.Equal(t, true, why.body["allowed"])
	require.Equal(t, "editor", why.string("role"))
	why = w.expect(200, w.call(root, "GET", "/explain?role=viewer&permission=content/posts/create", nil))
	require.Equal(t, "not_granted", why.string("reason"))

	groups := w.expect(200, w.call(root, "GET", "/permissions", nil))
	require.Contains(t, groups.text, "content/pages/read", "templates are spelt out")
	require.NotContains(t, groups.text, "{model}")
}

// TestAnyPrefix mounts the API at the root.
func TestAnyPrefix(t *testing.T) {
	w := newWorld(t, nil)
	for path, want := range map[string]int{"/keys": 401, "/openapi.json": 200, "/nothing": 404, "": 404, "/": 404,
		"//keys": 404, "/keys/.": 404, "/roles/../keys": 404} { // a mux would redirect the last ones
		r := httptest.NewRequest("GET", "http://host/", nil)
		r.URL.Path = path
		answer := httptest.NewRecorder()
		adminapi.Handler(w.service).ServeHTTP(answer, r)
		require.Equal(t, want, answer.Code, path)
	}
}

func TestHandlerNeedsAService(t *testing.T) {
	require.PanicsWithValue(t, "adminapi: Handler needs a service", func() { adminapi.Handler(nil) })
}
