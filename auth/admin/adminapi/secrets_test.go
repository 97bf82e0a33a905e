package adminapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAKeyIsShownOnce does everything that can be done, well and badly, and looks for each key that was issued, and
// its digest, in every answer, in the log and in the audit log.
func TestAKeyIsShownOnce(t *testing.T) {
	w := newWorld(t, nil)
	var answers []string
	values := map[string]string{} // and the answer that made it
	call := func(who credential, method, path string, body any, headers ...string) reply {
		r := w.call(who, method, path, body, headers...)
		answers = append(answers, fmt.Sprint(r.status, r.header, r.text))
		if key := r.string("key"); key != "" {
			require.Less(t, r.status, 300)
			values[key] = answers[len(answers)-1]
		}
		return r
	}
	ada := w.expect(201, call("session:ada", "POST", "/me/key", nil))
	admin := w.expect(201, call(root, "POST", "/keys", map[string]any{"name": "admin", "role": "admin"}))
	who := credential(admin.string("key"))
	id := w.expect(201, call(who, "POST", "/keys", map[string]any{"name": "x", "role": "editor", "scopes": []string{"content/**"}})).string("id")
	w.expect(200, call(who, "POST", "/keys/"+id+"/refresh", map[string]any{"overlap": 60}))
	w.expect(200, call(who, "POST", "/keys/"+id+"/refresh", map[string]any{"leaked": true}))
	w.expect(200, call(who, "POST", "/users/ada/key/refresh", nil))
	for _, what := range []string{"disable", "enable"} {
		w.expect(200, call(who, "POST", "/keys/"+id+"/"+what, nil))
	}
	w.expect(200, call(who, "PATCH", "/keys/"+id, map[string]any{"name": "y", "role": "viewer"}))
	w.expect(201, call(who, "POST", "/roles", map[string]any{"appid": "temp", "permissions": map[string]bool{"content/posts/read": true}}))
	w.expect(200, call(who, "PUT", "/roles/temp", map[string]any{"name": "Temp"}))
	w.expect(201, call(who, "POST", "/keys", map[string]any{"name": "x", "role": "temp"}))
	usage := w.expect(200, call(who, "GET", "/roles/temp", nil)).body["usage"].(map[string]any)
	w.expect(409, call(who, "DELETE", "/roles/temp", nil))
	w.expect(204, call(who, "DELETE", "/roles/temp?confirm="+usage["confirm"].(string), nil))
	w.expect(200, call(who, "PUT", "/public", w.opening("viewer")))
	w.expect(204, call(who, "DELETE", "/public", nil))
	for _, path := range []string{"/keys", "/keys?kind=user", "/keys/" + id, "/users", "/users/ada/key", "/roles", "/roles/editor",
		"/public", "/public/preview?role=editor", "/permissions", "/matrix", "/audit", "/explain?role=editor&permission=x"} {
		w.expect(200, call(who, "GET", path, nil))
	}
	w.expect(401, call(credential(ada.string("key")), "GET", "/me/key", nil)) // it was refreshed

	// A key in the wrong place is not repeated, and not kept.
	key := string(who)
	for _, body := range []any{
		map[string]any{"name": key}, map[string]any{"name": "x" + key + "x"}, map[string]any{key: 1}, map[string]any{"scopes": []string{key}},
		map[string]any{"role": key}, map[string]any{"allowed_ips": []string{key}}, map[string]any{"ttl": key}, key, `{"` + key,
	} {
		w.expect(400, call(who, "POST", "/keys", body))
	}
	for _, body := range []map[string]any{
		{"appid": key}, {"appid": "x", "name": key}, {"appid": "x", "info": "see " + key}, {"appid": "x", "inherits": []string{key}},
		{"appid": "x", "permissions": map[string]bool{"a/" + key: true}}, {"appid": "x", "permissions": map[string]any{key: 1}},
	} {
		w.expect(400, call(who, "POST", "/roles", body))
	}
	for _, path := range []string{"/keys?state=" + key, "/keys?" + key + "=1", "/audit?since=" + key} {
		w.expect(400, call(who, "GET", path, nil))
	}
	for _, path := range []string{"/keys/" + key, "/roles/" + key, "/users/" + key + "/key", "/" + key} {
		w.expect(404, call(who, "GET", path, nil))
	}
	w.expect(400, call(who, "PATCH", "/keys/"+id, map[string]any{"name": "z"}, "If-Match", key))
	w.expect(200, call(who, "POST", "/keys/"+id+"/invalidate", nil))
	w.expect(204, call(who, "DELETE", "/keys/"+id, nil))
	w.expect(204, call(who, "DELETE", "/users/ada/key", nil))

	require.Len(t, values, 7)
	records, err := json.Marshal(w.records())
	require.NoError(t, err)
	require.Greater(t, len(w.records()), 15)
	require.Contains(t, w.heard.String(), "key.refresh", "the log was listened to")
	for value, made := range values {
		sum := sha256.Sum256([]byte(value))
		digits := value[len("USR-"):]
		shown := 0
		for _, answer := range answers {
			if strings.Contains(answer, digits) {
				shown++
				require.Equal(t, made, answer)
			}
		}
		require.Equal(t, 1, shown)
		everything := strings.Join(answers, "\n") + w.heard.String() + string(records)
		require.NotContains(t, w.heard.String()+string(records), digits)
		for _, digest := range []string{hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]), fmt.Sprint(sum[:])[1:40]} {
			require.NotContains(t, everything, digest)
		}
	}
}
