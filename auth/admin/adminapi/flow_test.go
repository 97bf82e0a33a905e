package adminapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwnKey(t *testing.T) {
	w := newWorld(t, nil)
	w.expect(404, w.call("session:ada", "GET", "/me/key", nil))
	made := w.expect(201, w.call("session:ada", "POST", "/me/key", map[string]any{"name": "laptop"}))
	key := credential(made.string("key"))
	require.NotEmpty(t, key)
	require.Equal(t, "no-store", made.header.Get("Cache-Control"))

	again := w.expect(409, w.call("session:ada", "POST", "/me/key", nil))
	require.Equal(t, "application/problem+json", again.header.Get("Content-Type"))

	seen := w.expect(200, w.call(key, "GET", "/me/key", nil)) // by the key itself
	require.Equal(t, made.string("id"), seen.string("id"))
	require.NotContains(t, seen.text, string(key))
	w.expect(200, w.call(key, "GET", "/keys/"+made.string("id"), nil))

	renewed := w.expect(200, w.call(key, "POST", "/me/key/refresh", nil))
	require.Equal(t, made.string("id"), renewed.string("id"))
	w.expect(401, w.call(key, "GET", "/me/key", nil))
	key = credential(renewed.string("key"))
	w.expect(204, w.call(key, "DELETE", "/me/key", nil))
	w.expect(401, w.call(key, "GET", "/me/key", nil))
	w.expect(204, w.call("session:ada", "DELETE", "/me/key", nil))
	w.expect(409, w.call("session:ada", "POST", "/keys/"+made.string("id")+"/refresh", nil))

	var actions []string
	for _, r := range w.records() {
		actions = append(actions, r.Actor+" "+r.Action)
	}
	require.Equal(t, []string{"user:ada userkey.invalidate_all", "user:ada userkey.refresh", "user:ada userkey.create"}, actions)
	require.Equal(t, "127.0.0.1", w.records()[0].From)
}

// A custom key that may do nothing else refreshes, shows and ends itself. Its old value does not, and no other key does.
func TestACustomKeyRefreshesItself(t *testing.T) {
	w := newWorld(t, nil)
	issue := func(name string) (id string, key credential) {
		made := w.expect(201, w.call(root, "POST", "/keys", map[string]any{"name": name, "role": nil, "allowed_ips": []string{"127.0.0.0/8", "::1"}}))
		return made.string("id"), credential(made.string("key"))
	}
	id, key := issue("Website")
	other, another := issue("Another")
	renewed := w.expect(200, w.call(key, "POST", "/me/key/refresh", nil))
	require.Equal(t, id, renewed.string("id"))
	w.expect(401, w.call(key, "POST", "/me/key/refresh", nil))
	old := credential(renewed.string("key"))
	key = credential(w.expect(200, w.call(old, "POST", "/me/key/refresh", map[string]any{"overlap": 3600})).string("key"))
	w.expect(403, w.call(old, "POST", "/me/key/refresh", nil))
	w.expect(403, w.call(old, "POST", "/keys/"+id+"/invalidate", nil))
	w.expect(200, w.call(key, "GET", "/keys/"+id, nil))
	w.expect(403, w.call(key, "PATCH", "/keys/"+id, map[string]any{"allowed_ips": nil}))
	w.expect(403, w.call(key, "POST", "/keys/"+id+"/disable", nil))
	for _, method := range []string{"GET", "POST", "DELETE"} {
		w.expect(403, w.call(key, method, "/me/key", nil))
	}
	for _, what := range []string{"/refresh", "/invalidate"} {
		w.expect(403, w.call(key, "POST", "/keys/"+other+what, nil))
	}
	w.expect(200, w.call(another, "POST", "/keys/"+other+"/refresh", nil))
	w.expect(200, w.call(key, "POST", "/keys/"+id+"/invalidate", nil))
	w.expect(401, w.call(key, "GET", "/keys/"+id, nil))
	require.Equal(t, "key.invalidate", w.records()[0].Action)
	require.Equal(t, "key:"+id, w.records()[0].Actor)
}

func TestCustomKeys(t *testing.T) {
	w := newWorld(t, nil)
	made := w.expect(201, w.call(root, "POST", "/keys", map[string]any{
		"name": "Website", "role": "editor", "scopes": []string{"content/posts/**"}, "allowed_ips": []string{"127.0.0.0/8", "::1"}, "ttl": 3600}))
	id, key := made.string("id"), credential(made.string("key"))
	require.Equal(t, "keys/"+id, made.header.Get("Location"))
	w.expect(403, w.call(key, "GET", "/keys", nil))
	w.expect(403, w.call(key, "GET", "/me/key", nil))

	tag := w.expect(200, w.call(root, "GET", "/keys/"+id, nil)).header.Get("ETag")
	named := w.expect(200, w.call(root, "PATCH", "/keys/"+id, map[string]any{"name": "Website 2", "scopes": nil}, "If-Match", tag))
	require.Equal(t, "Website 2", named.string("name"))
	require.Equal(t, "editor", named.string("role"), "what is not said stays")
	require.Empty(t, named.body["scopes"])
	w.expect(412, w.call(root, "PATCH", "/keys/"+id, map[string]any{"name": "Website 3"}, "If-Match", tag))
	w.expect(412, w.call(root, "POST", "/keys/"+id+"/refresh", nil, "If-Match", tag))
	w.expect(412, w.call(root, "POST", "/keys/"+id+"/disable", nil, "If-Match", `W/"x"`))
	w.expect(400, w.call(root, "POST", "/keys/"+id+"/disable", nil, "If-Match", `"a", "b"`))
	w.expect(200, w.call(root, "PATCH", "/keys/"+id, map[string]any{"name": "Website 3"}, "If-Match", "*"))

	for range 2 { // each of these may be repeated
		require.Equal(t, "disabled", w.expect(200, w.call(root, "POST", "/keys/"+id+"/disable", nil)).string("state"))
	}
	w.expect(401, w.call(key, "GET", "/me/key", nil))
	for range 2 {
		require.Equal(t, "active", w.expect(200, w.call(root, "POST", "/keys/"+id+"/enable", nil)).string("state"))
	}
	w.expect(409, w.call(root, "DELETE", "/keys/"+id, nil))
	for range 2 {
		require.Equal(t, "invalidated", w.expect(200, w.call(root, "POST", "/keys/"+id+"/invalidate", nil)).string("state"))
	}
	for _, what := range []string{"/enable", "/disable", "/refresh"} {
		w.expect(409, w.call(root, "POST", "/keys/"+id+what, nil))
	}
	w.expect(409, w.call(root, "PATCH", "/keys/"+id, map[string]any{"name": "x"}))
	w.expect(204, w.call(root, "DELETE", "/keys/"+id, nil))
	w.expect(404, w.call(root, "DELETE", "/keys/"+id, nil))
	w.expect(404, w.call(root, "GET", "/keys/"+id, nil))

	var actions []string
	for _, r := range w.records() {
		require.Equal(t, id, r.Object)
		actions = append(actions, r.Action)
	}
	require.Equal(t, []string{"key.remove", "key.invalidate", "key.enable", "key.disable", "key.update", "key.update", "key.create"},
		actions, "one record for each change, none where nothing changed")
}
