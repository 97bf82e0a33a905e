package adminapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRevisionsAreTheSameEverywhere compares the ETag of an answer to a change with that of the next look.
func TestRevisionsAreTheSameEverywhere(t *testing.T) {
	w := newWorld(t, nil)
	for _, body := range []map[string]any{{}, {"scopes": []string{}}, {"ttl": 60, "allowed_ips": []string{"192.0.2.1/24"}, "scopes": []string{"b", "a"}}} {
		body["name"], body["role"] = "x", nil
		made := w.expect(201, w.call(root, "POST", "/keys", body))
		at := "/keys/" + made.string("id")
		require.Equal(t, made.header.Get("ETag"), w.call(root, "GET", at, nil).header.Get("ETag"))
		changed := w.expect(200, w.call(root, "PATCH", at, map[string]any{"name": "y"}, "If-Match", made.header.Get("ETag")))
		require.Equal(t, changed.header.Get("ETag"), w.call(root, "GET", at, nil).header.Get("ETag"))
	}
	for _, body := range []map[string]any{{"appid": "r0"}, {"appid": "r1", "permissions": map[string]bool{}, "inherits": []string{}},
		{"appid": "r2", "inherits": []string{"viewer", "editor"}, "permissions": map[string]bool{"b": true, "a": false}}} {
		made := w.expect(201, w.call(root, "POST", "/roles", body))
		at := "/roles/" + made.string("appid")
		require.Equal(t, made.header.Get("ETag"), w.call(root, "GET", at, nil).header.Get("ETag"))
	}
}
