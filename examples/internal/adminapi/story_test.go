package adminapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// bare asks a host for parts that it does not have.
func (in *inspector) bare() {
	in.root("GET", "/users", "", 404)
	in.root("GET", "/public", "", 404)
	in.root("GET", "/public/preview", "", 404)
	in.root("PUT", "/public", `{"role":"viewer"}`, 404)
	in.root("DELETE", "/public", "", 404)
}

// contested sends requests while others change the same thing.
func (in *inspector) contested(method, path string, values ...string) {
	in.t.Helper()
	in.host.contested.Store(true)
	defer in.host.contested.Store(false)
	in.root(method, path, "", 409, values...)
}

// story runs an administrator's operations, and all their errors.
func (in *inspector) story() {
	in.keys()
	in.userKeys()
	in.roles()
	in.public()
	in.reports()
}

const stale = `"stale"`

// root sends a request of the administrator.
func (in *inspector) root(method, path, body string, want int, values ...string) map[string]any {
	in.t.Helper()
	return in.send(call{method: method, path: path, body: body, values: values, session: "root"}, want)
}

// changed sends a request with an unknown revision.
func (in *inspector) changed(method, path, body string, values ...string) {
	in.t.Helper()
	in.send(call{method: method, path: path, body: body, values: values, session: "root",
		headers: map[string]string{"If-Match": stale}}, 412)
}

// asked sends a GET with a query.
func (in *inspector) asked(path, query string, want int) map[string]any {
	in.t.Helper()
	return in.send(call{method: "GET", path: path, query: query, session: "root"}, want)
}

func (in *inspector) keys() {
	in.root("POST", "/keys", `{"name":"x","hash":"00"}`, 400)
	made := in.root("POST", "/keys", `{"name":"Build","role":"editor","scopes":["content/**"],"allowed_ips":["192.0.2.0/24"],"ttl":60}`, 201)
	require.NotEmpty(in.t, made["key"])
	id := made["id"].(string)
	in.root("POST", "/keys", `{"name":"None","role":null}`, 201)
	in.root("GET", "/keys/{id}", "", 200, id)
	in.root("GET", "/keys/{id}", "", 404, "x")
	in.root("GET", "/keys", "", 200)
	page := in.asked("/keys", "limit=1&kind=custom&state=active", 200)
	in.asked("/keys", fmt.Sprint("after=", page["next"]), 200)
	in.asked("/keys", "q=build&role=editor", 200)

	in.root("PATCH", "/keys/{id}", `{"name":"Build 2","expires_at":null,"allowed_ips":null}`, 200, id)
	in.root("PATCH", "/keys/{id}", `{}`, 404, "x")
	in.changed("PATCH", "/keys/{id}", `{"name":"x"}`, id)
	in.root("POST", "/keys/{id}/refresh", `{"overlap":60,"overlap_cap":3600}`, 200, id)
	in.root("POST", "/keys/{id}/refresh", "", 404, "x")
	in.changed("POST", "/keys/{id}/refresh", "", id)
	in.contested("POST", "/keys/{id}/invalidate", id)
	for _, what := range []string{"disable", "enable", "invalidate"} {
		path := "/keys/{id}/" + what
		in.changed("POST", path, "", id)
		in.root("POST", path, "", 200, id)
		in.root("POST", path, "{}", 404, "x")
	}
	for _, what := range []string{"disable", "enable", "refresh"} {
		in.root("POST", "/keys/{id}/"+what, "", 409, id)
	}
	in.root("PATCH", "/keys/{id}", `{"name":"x"}`, 409, id)
	in.changed("DELETE", "/keys/{id}", "", id)
	in.root("DELETE", "/keys/{id}", "", 204, id)
	in.root("DELETE", "/keys/{id}", "", 404, id)
	in.root("DELETE", "/keys/{id}", "", 409, in.root("POST", "/keys", `{"name":"None","role":null}`, 201)["id"].(string))
}

func (in *inspector) userKeys() {
	in.root("GET", "/users", "", 200)
	in.asked("/users", "role=viewer&limit=1", 200)
	for _, own := range []bool{false, true} {
		path, values := "/users/{id}/key", []string{"ada"}
		if own {
			path, values = "/me/key", nil
		}
		in.root("GET", path, "", 404, values...)
		in.root("POST", path+"/refresh", "", 404, values...)
		in.root("POST", path, `{"name":"laptop","ttl":60}`, 201, values...)
		in.root("POST", path, "", 409, values...)
		in.root("GET", path, "", 200, values...)
		in.changed("POST", path+"/refresh", "", values...)
		in.root("POST", path+"/refresh", `{"leaked":true}`, 200, values...)
		in.contested("POST", path+"/refresh", values...)
		in.contested("DELETE", path, values...)
		in.changed("DELETE", path, "", values...)
		in.root("DELETE", path, "", 204, values...)
	}
	in.root("POST", "/users/{id}/key", "", 404, "unknown")
	in.asked("/keys", "kind=user&user=ada&state=invalidated", 200)
}

func (in *inspector) roles() {
	role := `{"appid":"temp","name":"Temp","info":"For a while","permissions":{"content/**":true,"content/secrets/*":false},"inherits":["viewer"]}`
	in.root("POST", "/roles", role, 201)
	in.root("POST", "/roles", role, 409)
	in.root("GET", "/roles", "", 200)
	in.asked("/roles", "limit=1&after=editor", 200)
	in.root("GET", "/roles/{appid}", "", 200, "temp")
	in.root("GET", "/roles/{appid}", "", 200, "editor") // with a typing error
	in.root("GET", "/roles/{appid}", "", 404, "nothing")
	in.root("PUT", "/roles/{appid}", `{"name":"Temp 2","inherits":null}`, 200, "temp")
	in.root("PUT", "/roles/{appid}", `{"name":"x"}`, 404, "nothing")
	in.changed("PUT", "/roles/{appid}", `{"name":"x"}`, "temp")
	in.root("POST", "/keys", `{"name":"Temp","role":"temp"}`, 201)
	usage := in.root("GET", "/roles/{appid}", "", 200, "temp")["usage"].(map[string]any)
	in.root("DELETE", "/roles/{appid}", "", 409, "temp") // in use
	in.root("DELETE", "/roles/{appid}", "", 409, "viewer")
	in.root("DELETE", "/roles/{appid}", "", 404, "nothing")
	in.changed("DELETE", "/roles/{appid}", "", "temp")
	in.send(call{method: "DELETE", path: "/roles/{appid}", values: []string{"temp"}, session: "root",
		query: fmt.Sprint("confirm=", usage["confirm"])}, 204)
}

func (in *inspector) public() {
	in.root("GET", "/public", "", 200)
	in.asked("/public/preview", "role=writer", 200)
	in.asked("/public/preview", "role=", 200)
	in.root("PUT", "/public", `{"role":"admin"}`, 400)
	in.root("PUT", "/public", `{"role":"writer"}`, 409) // not acknowledged
	in.changed("PUT", "/public", `{"role":"viewer"}`)
	preview := in.asked("/public/preview", "role=viewer", 200)
	in.root("PUT", "/public", fmt.Sprintf(`{"role":"viewer","token":%q,"acknowledge":[]}`, preview["token"]), 200)
	const more = `{"permissions":{"content/pages/read":true,"content/pages/create":true}`
	gains := in.root("PUT", "/roles/{appid}", more+"}", 409, "viewer")["preview"].(map[string]any)
	in.root("PUT", "/roles/{appid}", fmt.Sprintf(`%s,"token":%q,"acknowledge":["content/pages/create"]}`, more, gains["token"]), 200, "viewer")
	in.root("GET", "/public", "", 200)
	in.root("GET", "/roles/{appid}", "", 200, "viewer")
	in.changed("DELETE", "/public", "")
	in.contested("DELETE", "/public")
	in.root("DELETE", "/public", "", 204)
	in.root("GET", "/public", "", 200)
}

func (in *inspector) reports() {
	in.root("GET", "/permissions", "", 200)
	in.root("GET", "/matrix", "", 200)
	for _, query := range []string{"role=editor&permission=content/pages/read", "role=admin&permission=x",
		"role=nothing&permission=x", "role=editor&permission=**", "role=editor&permission=content/secrets/read"} {
		in.asked("/explain", query, 200)
	}
	page := in.asked("/audit", "limit=1", 200)
	in.asked("/audit", fmt.Sprint("limit=1000&since=2020-01-01T00:00:00Z&actor=user:root&after=", page["next"]), 200)
	in.send(call{method: "GET", path: "/openapi.json"}, 200)
}

// oddities sends texts that databases refuse. No record has them, and no store fails because of them.
func (in *inspector) oddities() {
	for _, odd := range []string{"a%00b", "%F0%9F%92%A9", "'%3B--"} {
		in.root("GET", "/keys/{id}", "", 404, odd)
		in.root("POST", "/keys/{id}/refresh", "", 404, odd)
		in.root("GET", "/users/{id}/key", "", 404, odd)
		in.root("DELETE", "/users/{id}/key", "", 204, odd) // there is none to invalidate
		in.root("GET", "/roles/{appid}", "", 404, odd)
		in.root("DELETE", "/roles/{appid}", "", 404, odd)
		for _, parameter := range []string{"q", "role", "user", "after"} {
			in.asked("/keys", parameter+"="+odd, 200)
		}
		for _, parameter := range []string{"actor", "action", "object", "after"} {
			in.asked("/audit", parameter+"="+odd, 200)
		}
		in.asked("/roles", "after="+odd, 200)
		in.asked("/public/preview", "role="+odd, 400)
	}
	in.root("POST", "/roles", `{"appid":"a\u0000"}`, 400)
	in.root("POST", "/roles", `{"appid":"a","info":"\u0000"}`, 400)
}

// tooComplex asks for a key whose access takes too long to compare with the caller's.
func (in *inspector) tooComplex() {
	var held, scopes []string
	for _, pattern := range entangled(rand.New(rand.NewPCG(1, 1)), 12, 14) {
		held = append(held, "content/"+pattern)
	}
	for _, pattern := range entangled(rand.New(rand.NewPCG(2, 1)), 64, 14) {
		scopes = append(scopes, "content/"+pattern)
	}
	issued, err := in.host.ring.IssueCustom(in.t.Context(), keys.Custom{Name: "odd", Role: "admin", Scopes: append(held, "app/api/manage")})
	require.NoError(in.t, err)
	body, err := json.Marshal(map[string]any{"name": "costly", "role": "admin", "scopes": scopes})
	require.NoError(in.t, err)
	in.send(call{method: "POST", path: "/keys", key: issued.Key.Reveal(), body: string(body)}, 422)
}
