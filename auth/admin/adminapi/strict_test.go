package adminapi_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestStrictBodies(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct{ body, field string }{
		{``, ""}, {`null`, ""}, {`[]`, ""}, {`{`, ""}, {`{} {}`, ""}, {`{"name":}`, "name"}, {"{\"name\":\"\xff\"}", ""},
		{`{"nam":"x"}`, "nam"}, {`{"Name":"x"}`, "Name"}, {`{"name":"a","name":"b"}`, "name"}, {`{"name":1}`, "name"}, {`{"name":null}`, "name"},
		{`{"role":{}}`, "role"}, {`{"name":"a","role":null,"scopes":"a"}`, "scopes"}, {`{"name":"a","role":null,"scopes":["a b"]}`, "scopes"}, {`{"name":"a","role":null,"scopes":[null]}`, "scopes"},
		{`{"name":"a","role":null,"scopes":[` + strings.Repeat(`"a",`, 64) + `"a"]}`, "scopes"},
		{`{"name":"a","role":null,"allowed_ips":["x"]}`, "allowed_ips"}, {`{"name":"a","role":null,"allowed_ips":[null]}`, "allowed_ips"}, {`{"name":"a","role":null,"allowed_ips":["::ffff:192.0.2.1"]}`, "allowed_ips"},
		{`{"name":"a","role":null,"allowed_ips":["fe80::1%eth0"]}`, "allowed_ips"}, {`{"ttl":1.5}`, "ttl"}, {`{"ttl":"1"}`, "ttl"}, {`{"ttl":0}`, "ttl"}, {`{"ttl":3162240001}`, "ttl"},
		{`{"ttl":99999999999999999999}`, "ttl"}, {`{"ttl":1,"expires_at":null}`, "ttl"}, {`{"expires_at":"tomorrow"}`, "expires_at"},
		{`{"expires_at":"2020-01-01T00:00:00Z"}`, "expires_at"}, {`{"expires_at":"9999-01-01T00:00:00Z"}`, "expires_at"},
		{`{"role":null,"name":"` + strings.Repeat("a", 201) + `"}`, "name"}, {`{"name":"` + strings.Repeat("a", 70_000) + `"}`, "name"},
		{`{"name":"a","role":"` + strings.Repeat("a", 70_000) + `"}`, "role"}, {`{"name":"a",` + strings.Repeat(" ", 70_000) + `}`, "name"},
		{`{"ttl":NaN}`, "ttl"}, {`{"ttl":1e400}`, "ttl"}, {`{"ttl":1e1}`, "ttl"}, {`{"ttl":-0}`, "ttl"}, {`{"ttl":-1}`, "ttl"}, {"\ufeff{}", ""}, {`{"name":"a"}{`, ""},
		{`{"n\u0061me":"a","name":"b"}`, "name"}, {`{"role":null,"name":"a\u0000"}`, "name"}, {`{"name":"a","role":"` + "\u212a" + `eeper"}`, "role"},
		{`{"name":"a","role":null,"scopes":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "scopes"},
		{strings.Repeat("[", 70_000), ""}, {`{"` + strings.Repeat("a", 1000) + `":1}`, strings.Repeat("a", 65) + "…"},
	} {
		r := w.expect(400, w.call(root, "POST", "/keys", c.body))
		require.Equal(t, c.field, r.string("field"), "%.60s: %s", c.body, r.text)
		require.Equal(t, "Bad Request", r.string("error"))
	}
	w.expect(415, w.call(root, "POST", "/keys", "{}", "Content-Type", "text/plain"))
	w.expect(415, w.call(root, "POST", "/keys", "{}", "Content-Type", "application/json-patch+json"))
	w.expect(415, w.call(root, "POST", "/keys", "{}", "Content-Type", "application/json; charset=utf-16"))
	w.expect(415, w.call(root, "POST", "/keys", "{}", "Content-Type", "application/json; charset"))
	require.Empty(t, w.records())
	w.expect(201, w.call(root, "POST", "/keys", aKey, "Content-Type", "application/json; charset=UTF-8"))
	most := `{"role":null,"name":"a"` + strings.Repeat(" ", 64<<10-len(`{"role":null,"name":"a"}`)) + `}`
	w.expect(201, w.call(root, "POST", "/keys", most))
	require.Equal(t, "name", w.expect(400, w.call(root, "POST", "/keys", most+" ")).string("field"))

	// A key that is cut off is still most of a key.
	key := w.custom(keys.Custom{}).Key.Reveal()
	require.NotContains(t, w.expect(400, w.call(root, "POST", "/keys", map[string]any{strings.Repeat("x", 40) + key: 1})).text, key[4:12])
	require.NotContains(t, w.expect(400, w.call(root, "GET", "/keys?"+strings.Repeat("x", 40)+key, nil)).text, key[4:12])

	for body, field := range map[string]string{
		`{"appid":"x","permissions":{"a":true,"\u0061":true}}`: "permissions", `{"appid":"x","permissions":{"a":{"b":true}}}`: "permissions",
		`{"appid":"x","permissions":[]}`: "permissions", `{"appid":"x","inherits":["x",1]}`: "inherits", `{"appid":"x","_id":"1"}`: "_id",
	} {
		require.Equal(t, field, w.expect(400, w.call(root, "POST", "/roles", body)).string("field"), body)
	}
}

// TestAKeyIsMadeOnPurpose leaves out what a new custom key needs, and takes it away later.
func TestAKeyIsMadeOnPurpose(t *testing.T) {
	w := newWorld(t, nil)
	for body, c := range map[string]struct{ field, detail string }{
		`{}`:                         {"name", "name and role are missing."},
		`{"name":"Build"}`:           {"role", "role is missing."},
		`{"role":"editor"}`:          {"name", "name is missing."},
		`{"name":"","role":null}`:    {"name", "name must not be empty."},
		`{"name":" ","role":null}`:   {"name", "name must not be empty."},
		`{"name":"Build","role":""}`: {"role", "role must be the appid of a role, or null for none."},
	} {
		r := w.expect(400, w.call(root, "POST", "/keys", body))
		require.Equal(t, c.field, r.string("field"), body)
		require.Equal(t, c.detail, r.string("detail"), body)
	}
	require.Empty(t, w.records())
	made := w.expect(201, w.call(root, "POST", "/keys", aKey))
	require.Equal(t, "", made.string("role"))
	path := "/keys/" + made.string("id")
	require.Equal(t, "name", w.expect(400, w.call(root, "PATCH", path, `{"name":""}`)).string("field"))
	require.Equal(t, "role", w.expect(400, w.call(root, "PATCH", path, `{"role":""}`)).string("field"))
	w.expect(404, w.call(root, "PATCH", "/keys/nothing", `{"name":""}`))
	w.expect(200, w.call(root, "PATCH", path, `{"name":"Build","role":"editor"}`))
	w.expect(200, w.call(root, "PATCH", path, `{"role":null}`))

	// A user's key needs neither.
	own := w.expect(201, w.call("session:ada", "POST", "/me/key", `{}`))
	w.expect(200, w.call(root, "PATCH", "/keys/"+own.string("id"), `{"name":"x"}`))
	w.expect(200, w.call(root, "PATCH", "/keys/"+own.string("id"), `{"name":""}`))
}

func TestQueriesAreStrict(t *testing.T) {
	w := newWorld(t, nil)
	for path, field := range map[string]string{
		"/keys?limit=0": "limit", "/keys?limit=1001": "limit", "/keys?limit=x": "limit", "/keys?nam=x": "nam", "/keys?q=a&q=b": "q",
		"/keys?kind=x": "kind", "/keys?state=x": "state", "/keys?q=%ff": "q", "/keys?a;b": "", "/audit?since=x": "since",
		"/audit?until=1": "until", "/explain?role=x": "permission", "/public/preview?role=ghost": "role",
	} {
		require.Equal(t, field, w.expect(400, w.call(root, "GET", path, nil)).string("field"), path)
	}
	// What is meant for the body and stands in the query must not be lost.
	require.Equal(t, "ttl", w.expect(400, w.call(root, "POST", "/keys?ttl=60", map[string]any{})).string("field"))
	require.Equal(t, "if_match", w.expect(400, w.call(root, "DELETE", "/public?if_match=1", nil)).string("field"))
	require.Empty(t, w.records())
	for _, after := range []string{"0", "%00", "%F0%9F%92%A9", "'", strings.Repeat("z", 4000)} { // cursors that no answer had
		for _, list := range []string{"/keys", "/keys?kind=user", "/users", "/roles", "/audit"} {
			join := "?"
			if strings.Contains(list, "?") {
				join = "&"
			}
			w.expect(200, w.call(root, "GET", list+join+"after="+after, nil))
		}
	}
}

// TestConditions sends what a change is to depend on.
func TestConditions(t *testing.T) {
	w := newWorld(t, nil)
	id := w.call(root, "POST", "/keys", aKey).string("id")
	for header, want := range map[string]int{`W/"x"`: 412, `"x"`: 412, `"*"`: 412, `"a", "b"`: 400, `x`: 400, `""`: 400, ``: 400, `"`: 400, `w/"x"`: 400, `*, "x"`: 400} {
		for _, change := range []string{"PATCH /keys/" + id, "DELETE /keys/" + id, "POST /keys/" + id + "/refresh", "PUT /roles/viewer", "DELETE /roles/warden", "DELETE /public"} {
			method, path, _ := strings.Cut(change, " ")
			var body any
			if method == "PATCH" || method == "PUT" {
				body = map[string]any{"name": "x"}
			}
			w.expect(want, w.call(root, method, path, body, "If-Match", header))
			w.expect(400, w.call(root, method, path, body, "If-None-Match", "*"))
		}
	}
	require.Len(t, w.records(), 1, "the key that was made")
}
