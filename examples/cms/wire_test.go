package main

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sent is a request as an attacker writes it, without a client's corrections.
func (r *running) sent(t *testing.T, method, target string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url, nil)
	require.NoError(t, err)
	path, query, _ := strings.Cut(target, "?")
	request.URL.Opaque = "//" + request.URL.Host + path // unchanged, encoded or not
	request.URL.RawQuery = query
	for i := 0; i < len(header); i += 2 {
		request.Header[header[i]] = append(request.Header[header[i]], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

// For each spelling of an address under /api/, no answer may be cached for other callers, none is a 500, and no bad
// or oddly spelt key is ignored.
func TestOddAddresses(t *testing.T) {
	t.Parallel()
	const bad = "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb1"
	good := url.QueryEscape(keyOf(t)("k-admin"))
	for _, profile := range []string{"", "cockpit"} {
		r := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: fixture, profile: profile})
		for _, path := range []string{
			"/api/content/items/posts", "/api/content/items/posts/", "/api/content/items/", "/api/content/items", "/api/content/item/posts/nope", "/api/content//items/posts",
			"//api/content/items/posts", "/api/./content/items/posts", "/x/../api/content/items/posts", "/api/content/items/posts/../secret", "/api/content/items/posts%2f..%2fsecret",
			"/api/content/items/%73ecret", "/%61pi/content/items/secret", "/api%2fcontent/items/secret", "/API/content/items/secret", "/api/content/items/secret%00", "/api/content/items/secret;x=1",
			"/api/assets/nope", "/api/assets/", "/api/assets/image/nope", "/api/assets/image/..%2f..%2fcms.db?w=1&o=1", "/api/assets/%00", "/api/assets/upload",
			"/storage/uploads/", "/storage/uploads/nope", "/storage/uploads/..%2f..%2fcms.db", "/storage/uploads/../cms.db", "/storage/data/system.sqlite", "/storage/uploads/%00%ff",
			"/api", "/api/", "/api/gql", "/api/gql/", "/api/GQL", "/api/nope", "/api/content/tree/menu", "/api/content/aggregate/secret",
		} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", "TRACE", "X-ODD"} {
				for _, header := range [][]string{nil, {"X-Http-Method-Override", "DELETE"}, {"Api-Key", bad}, {"Authorization", "Bearer " + bad}, {"Api-Key", ""}} {
					at := method + " " + path + " " + strings.Join(header, ": ")
					response, body := r.sent(t, method, path, header...)
					require.Less(t, response.StatusCode, 500, at)
					require.NotContains(t, body, "top secret", at)
					require.Contains(t, response.Header.Get("Vary"), "Api-Key", at)
					require.Contains(t, response.Header.Get("Vary"), "Cookie", at)
					require.Equal(t, []string{"no-store"}, response.Header["Cache-Control"], at)
					if header != nil && header[0] != "X-Http-Method-Override" {
						require.Contains(t, []int{400, 401, 412}, response.StatusCode, at)
					}
					require.Empty(t, response.Header.Get("Access-Control-Allow-Credentials"), at)
				}
			}
		}
		for _, query := range []string{
			"api_key[]=" + good, "api_key%5B%5D=" + good, "api_key[0]=" + good, "API_KEY=" + good, "api.key=" + good, "api-key=" + good, "api+key=" + good, "api[key=" + good,
			"%20api_key=" + good, "api%5fkey=" + good, "api_key", "api_key=", "api_key=" + good + "&api_key=" + good, "api_key=" + bad, "api_key=" + good + "%20", "api_key=" + good + ",x", "x=1;api_key=" + good,
			"api_key=" + good + "&x=%zz;api_key=1",
		} {
			if profile == "" && !strings.HasPrefix(query, "api_key=") {
				continue // on that path the query may not hold a key
			}
			for _, path := range []string{"/api/content/items/posts", "/api/content/item/nothere", "/api/gql", "/api/nope"} {
				response, body := r.sent(t, "GET", path+"?"+query, "X-Other", "x")
				require.Contains(t, []int{400, 412}, response.StatusCode, "%s?%s: %s", path, query, body)
			}
		}
	}
}

// A page of another site reads and changes nothing with a visitor's session, under the profile whose answers every
// origin may read. A key beside the session decides alone.
func TestSessionsUnderTheProfile(t *testing.T) {
	t.Parallel()
	r := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: fixture, profile: "cockpit"})
	b := r.admin(t)
	ask := func(method, path, body string, header ...string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
		require.NoError(t, err)
		for i := 0; i < len(header); i += 2 {
			request.Header.Add(header[i], header[i+1])
		}
		response, err := b.straight().Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response, string(text)
	}
	elsewhere := []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
	const form = "application/x-www-form-urlencoded"
	mutation := url.Values{"query": {`mutation{saveContentItem(model:"posts",data:{title:"evil"}){item}}`}}.Encode()
	_, body := ask("GET", "/api/content/items/secret", "")
	require.Contains(t, body, "top secret", "the session is good")

	response, _ := ask("GET", "/api/content/items/secret", "", elsewhere...)
	require.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"), "to which browsers give no answer that was asked for with cookies")
	require.NotContains(t, response.Header, "Access-Control-Allow-Credentials")
	for _, c := range []struct{ method, path, body, kind string }{
		{"POST", "/api/content/item/posts", `{"data":{"title":"evil"}}`, "text/plain"},
		{"POST", "/api/content/item/posts", `{"data":{"title":"evil"}}`, "application/json"},
		{"DELETE", "/api/content/item/posts/6b048abb686c828f7b21e75e", "", ""},
		{"POST", "/api/gql", mutation, form},
	} {
		response, body := ask(c.method, c.path, c.body, append([]string{"Content-Type", c.kind}, elsewhere...)...)
		require.Equal(t, 403, response.StatusCode, "%s %s: %s", c.method, c.path, body)
	}
	response, _ = ask("GET", "/api/gql?"+mutation, "", elsewhere...)
	require.Equal(t, 405, response.StatusCode, "not by a link either")
	_, body = ask("GET", "/api/content/items/posts", "")
	require.NotContains(t, body, "evil")

	reader := keyOf(t)("rea")
	for path, header := range map[string][]string{
		"/api/content/items/secret?api_key=" + url.QueryEscape(reader): nil,
		"/api/content/items/secret":                                    {"Api-Key", reader},
	} {
		response, _ = ask("GET", path, "", header...)
		require.Equal(t, 403, response.StatusCode, "%s %v", path, header)
	}
	response, _ = ask("GET", "/api/content/items/secret", "", "Api-Key", "API-bad")
	require.Equal(t, 412, response.StatusCode, "no session saves a bad key")
}
