package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Differences on purpose that are not recorded, in the words of README.
func TestBeyondTheRecording(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r, key := startReplay(t, c, fixture), keyOf(t)
		r.screen.public(t, "role web")
		const posts, post = "/api/content/items/posts", "/api/content/item/posts"
		ask := func(method, path, body string, headers ...string) answer {
			t.Helper()
			for try := 0; ; try++ {
				request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
				require.NoError(t, err)
				for i := 0; i < len(headers); i += 2 {
					request.Header[headers[i]] = append(request.Header[headers[i]], headers[i+1])
				}
				a, wrong := r.send(t, request)
				if a.status == http.StatusServiceUnavailable && try < 20 { // on a busy machine: a store failure
					time.Sleep(100 * time.Millisecond)
					continue
				}
				require.Empty(t, wrong, "%s %s", method, path)
				return a
			}
		}
		failed, denied := `{"error":"Authentication failed"}`, `{"error":"Permission denied"}`
		query := "?api_key=" + url.QueryEscape(key("root2"))
		for about, a := range map[string]answer{
			"a deactivated user":              ask("GET", posts, "", "Api-Key", key("dead")),
			"a deactivated administrator":     ask("GET", posts, "", "Api-Key", key("deadadmin")),
			"an empty key":                    ask("GET", posts, "", "Api-Key", ""),
			"a blank key":                     ask("GET", posts, "", "Api-Key", "   "),
			"a key twice":                     ask("GET", posts, "", "Api-Key", key("root2"), "Api-Key", key("root2")),
			"two keys in one header":          ask("GET", posts, "", "Api-Key", key("root2")+", "+key("ed")),
			"an empty Bearer":                 ask("GET", posts, "", "Authorization", "Bearer "),
			"an empty parameter":              ask("GET", posts+"?api_key=", ""),
			"a parameter twice":               ask("GET", posts+query+"&api_key=", ""),
			"a parameter that is a list":      ask("GET", posts+"?api_key[]="+key("root2"), ""),
			"a bad one first, a good one":     ask("GET", posts+"?api_key=API-bad", "", "Api-Key", key("root2")),
			"a bad one first, a good Bearer":  ask("GET", posts, "", "Api-Key", "API-bad", "Authorization", "Bearer "+key("root2")),
			"another case":                    ask("GET", posts, "", "Api-Key", strings.ToLower(key("k-case"))),
			"the word that marks the setting": ask("GET", posts, "", "Api-Key", "public"),
		} {
			require.Equal(t, newAnswer(t, 412, "application/json", failed), a, about)
		}
		for about, a := range map[string]answer{
			"a good one first":         ask("GET", "/api/content/items/secret"+query, "", "Api-Key", key("rea")),
			"and the one behind it":    ask("GET", "/api/content/items/secret", "", "Api-Key", key("root2"), "Authorization", "Bearer "+key("rea")),
			"a good one, a bad one":    ask("GET", posts+query, "", "Api-Key", "API-bad"),
			"not ours beside a key":    ask("GET", posts, "", "Api-Key", key("rea"), "Authorization", "Basic dTpw"),
			"a healthcheck, no key":    ask("GET", "/api/system/healthcheck", ""),
			"a session is not a key":   ask("GET", posts, "", "Cookie", "cms_session=anything"),
			"a key with a space":       ask("GET", posts, "", "Api-Key", key("k-space")),
			"a key of other letters":   ask("GET", posts, "", "Api-Key", key("k-utf8")),
			"a Bearer in another case": ask("GET", posts, "", "Authorization", "bEARER "+key("rea")),
		} {
			require.Equal(t, 200, a.status, "%s: %v", about, a)
		}
		// No credential is read from a body: these requests are anonymous.
		body := `{"api_key": "` + key("root2") + `", "data": {"title": "x"}, "query": "{secretModel{value}}"}`
		require.Equal(t, newAnswer(t, 403, "application/json", denied), ask("POST", post, body, "Content-Type", "application/json"))
		nothing := newAnswer(t, 412, "application/json", `{"data":{"secretModel":[]}}`)
		require.Equal(t, nothing, ask("POST", "/api/gql", body, "Content-Type", "application/json"))
		form := url.Values{"api_key": {key("root2")}, "query": {"{secretModel{value}}"}}.Encode()
		require.Equal(t, nothing, ask("POST", "/api/gql", form, "Content-Type", "application/x-www-form-urlencoded"))

		// A new item may be a draft without the permission to publish; an update does not change the _state of an
		// item.
		mutation := `{"query": "mutation { saveContentItem(model: \"posts\", data: {title: \"x\", _state: 0}) { item } }"}`
		for _, login := range []string{"dra", "ed"} {
			saved := ask("POST", "/api/gql", mutation, "Api-Key", key(login), "Content-Type", "application/json")
			item := saved.body.(map[string]any)["data"].(map[string]any)["saveContentItem"].(map[string]any)["item"].(map[string]any)
			require.EqualValues(t, "0", item["_state"], login)
			created := ask("POST", post, `{"data": {"title": "x", "_state": 0}}`, "Api-Key", key(login), "Content-Type", "application/json")
			require.EqualValues(t, "0", created.body.(map[string]any)["_state"], login)
			id := created.body.(map[string]any)["_id"].(string)
			require.Equal(t, 404, ask("GET", post+"/"+id, "").status, "a draft is shown to no one")
			update := `mutation { saveContentItem(model: \"posts\", data: {_id: \"` + id + `\", _state: 1}) { error } }`
			require.Equal(t, 200, ask("POST", "/api/gql", `{"query": "`+update+`"}`, "Api-Key", key(login), "Content-Type", "application/json").status)
			want := map[string]int{"dra": 404, "ed": 200}[login]
			require.Equal(t, want, ask("GET", post+"/"+id, "").status, login)
		}
	})
}
