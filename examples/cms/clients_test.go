package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Shapes of requests that were not recorded.
func TestShapesOfClients(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r, key := startReplay(t, c, "testdata/cockpit-clients-fixture.json"), keyOf(t)
		ask := func(method, path, login, kind, body string) string {
			t.Helper()
			request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
			require.NoError(t, err)
			request.Header.Set("api-key", key(login))
			if kind != "" {
				request.Header.Set("Content-Type", kind)
			}
			a, wrong := r.send(t, request)
			require.Empty(t, wrong, "%s %s", method, path)
			return a.String()
		}
		// Addresses that Cockpit does not have.
		for _, path := range []string{"/api", "/api/", "/api?x=1", "/api/content/items/posts/", "/api//content/items/posts", "/api/content/../content/items/posts", "/api/content/./items/posts"} {
			require.Equal(t, `404 ""`, ask("GET", path, "k-admin", "", ""), path)
		}
		require.Equal(t, `412 {"error":"Authentication failed"}`, ask("GET", "/api", "public", "", ""), "the guard decides first")

		// Forms of each kind, and data in the address.
		multipart := "--B\r\nContent-Disposition: form-data; name=\"data[title]\"\r\n\r\nFrom a form\r\n--B\r\nContent-Disposition: form-data; name=\"data[_state]\"\r\n\r\n0\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"data[body]\"; filename=\"x\"\r\n\r\na file\r\n--B--\r\n"
		saved := ask("POST", "/api/content/item/posts", "k-editor", "multipart/form-data; boundary=B", multipart)
		require.Contains(t, saved, `"title":"From a form"`)
		require.Contains(t, saved, `"_state":0`)
		require.Contains(t, saved, `"body":null`)
		require.Contains(t, ask("POST", "/api/content/item/posts?data[title]=In+the+address", "k-editor", "", ""), `200 {`)
		const missing = `412 {"error":"Item data is missing"}`
		for kind, body := range map[string]string{
			"text/plain": `{"data":{"title":"x"}}`, "application/x-www-form-urlencoded": `data={}`, "application/json": `{"data":{}}`, "multipart/form-data": "x", "multipart/form-data; boundary=C": "--B",
		} {
			require.Equal(t, missing, ask("POST", "/api/content/item/posts", "k-admin", kind, body), kind)
		}
		require.Equal(t, `403 {"error":"Permission denied"}`, ask("POST", "/api/content/item/posts", "k-reader", "application/x-www-form-urlencoded", "data[title]=x"))
		require.Contains(t, ask("POST", "/api/content/item/posts", "k-editor", "application/x-www-form-urlencoded", "data[title]=x&data[_state]=7"), "400 ")

		// What a value in the place of an object means in GraphQL.
		const gql = "/api/gql?query="
		require.Equal(t, `200 {"data":{"productsModel":[{"dims":{"unit":"cm","w":30}},{"dims":{"unit":"cm","w":5}},{"dims":{"unit":"mm","w":60}},{"dims":null},{"dims":{"unit":null,"w":20}}]}}`,
			ask("GET", gql+"{productsModel{dims{w,unit}}}", "k-admin", "", ""))
		require.Contains(t, ask("POST", "/api/content/item/products", "k-admin", "application/json", `{"data":{"stock":1}}`), "200 ")
		nulls := ask("GET", gql+"{productsModel(filter:{stock:1}){name,stock}}", "k-admin", "", "")
		require.Contains(t, nulls, `"productsModel":[null]`, "a required field is null, so its object is")
		require.Contains(t, nulls, "must not be")

		// A condition on what the caller may not read matches nothing, and a reader of both sees what matches.
		const linked = `/api/content/items/products?fields[name]=1&filter[@rel.title]=`
		require.Contains(t, ask("GET", linked+"Hello", "k-admin", "", ""), "Atlas")
		require.Equal(t, `200 []`, ask("GET", linked+"Draft", "k-admin", "", ""))
		require.Equal(t, `200 []`, ask("GET", "/api/content/items/posts?filter[@link.value][$exists]=1", "k-reader", "", ""))
	})
}
