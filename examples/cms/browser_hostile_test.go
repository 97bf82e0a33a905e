package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// post sends a hand-made form and follows no redirect.
func (b *browser) post(path string, fields url.Values) int {
	b.Helper()
	return b.postAs(path, "application/x-www-form-urlencoded", fields.Encode())
}

func (b *browser) postAs(path, contentType, body string) int {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "POST", b.url+path, strings.NewReader(body))
	require.NoError(b, err)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := b.straight().Do(r)
	require.NoError(b, err)
	response.Body.Close()
	return response.StatusCode
}

// Hostile input is answered as a client error: no panic, and no store failure.
func TestHostileForms(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, people)
		r := start(t, c)
		root := r.admin(t)
		deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
		nasty := []string{
			"", " ", "\x00", "a\xffb", "a\nb", "..", ".", "**", "*", ":models", "content/:models/manage", "a/b", "%2e%2e", "\u202e\u0130", strings.Repeat("x", 65),
			strings.Repeat("é", 300), `"><script>alert(1)</script>`, "{{.}}", "-1", "9223372036854775808", "1e999999999", "NaN", deep, "up 0", "remove 99999999999999999999", "null", "{}", "[1,",
		}
		names := []string{
			"login", "password", "old", "name", "role", "active", "label", "type", "field", "fieldlabel", "fieldtype", "revision", "do", "confirm", "next",
			"f.title", "f.n", "f.any", "document", "parent", "position",
		}
		require.Equal(t, 303, root.post("/content/models/create", url.Values{"name": {"tree"}, "type": {"tree"}, "field": {"title", "n"}, "fieldlabel": {"", ""}, "fieldtype": {"text", "number"}}))
		require.Equal(t, 303, root.post("/content/models/create", url.Values{"name": {"one"}, "type": {"singleton"}}))
		for _, path := range []string{
			"/content/models/create", "/content/model/tree", "/content/model/posts/delete", "/content/items/tree/create", "/content/items/one/create", "/content/item/one", "/content/item/tree",
			"/content/item/posts/one", "/content/item/posts/one/state", "/content/item/posts/none/state", "/accounts/create", "/accounts/user/rob", "/accounts/user/none", "/accounts/user/rob/password",
		} {
			for i, value := range nasty {
				fields := url.Values{}
				for _, name := range names {
					fields[name] = []string{value, value}
				}
				switch i % 4 { // the other values must be good, so that this one is checked
				case 1:
					fields = with(fields, "name", "fine", "label", "", "type", "tree")
				case 2:
					fields = with(fields, "login", "fine", "name", "Fine", "password", "correct horse battery")
				case 3:
					fields = with(fields, "f.title", "x", "f.n", "1", "position", "1", "document", `{"a":`+deep+`}`)
				}
				require.Less(t, root.post(path, fields), 500, "%s %q", path, value)
			}
		}
		for _, value := range nasty {
			v := url.PathEscape(value)
			for _, path := range []string{"/content/model/" + v, "/content/items/" + v, "/content/item/posts/" + v, "/content/item/one/" + v, "/accounts/user/" + v, "/content/items/posts?page=" + url.QueryEscape(value),
				"/accounts?login=" + url.QueryEscape(value) + "&id=" + url.QueryEscape(value), "/content?done=" + url.QueryEscape(value), "/login?next=" + url.QueryEscape(value)} {
				require.Less(t, root.open(path), 500, path)
				require.NotContains(t, root.text, "<script", path)
			}
		}
		many := url.Values{}
		for range 3000 {
			many.Add("field", "a")
			many.Add("fieldtype", "text")
			many.Add("fieldlabel", "")
		}
		require.Equal(t, 400, root.post("/content/models/create", with(many, "name", "many", "type", "tree")))
		require.Equal(t, 400, root.post("/login", url.Values{"login": {strings.Repeat("x", 1<<20)}, "password": {"x"}}))
	})
}

// Every address of the pages that changes something, as registered: another site cannot reach it through a signed-in
// browser, only POST works, and only with a session.
func TestNoOtherWayToChange(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, people)
		r := start(t, c)
		root := r.admin(t)
		source, err := os.ReadFile("pages/pages.go")
		require.NoError(t, err)
		paths := []string{"/login", "/logout"}
		for _, found := range regexp.MustCompile(`"POST (/[^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			model := "posts"
			if strings.HasSuffix(found[1], "/item/{model}") {
				model = "one"
			}
			id := "one"
			if strings.HasPrefix(found[1], "/accounts/") {
				id = "rob"
			}
			paths = append(paths, strings.NewReplacer("{model}", model, "{id}", id).Replace(found[1]))
		}
		require.GreaterOrEqual(t, len(paths), 15, "the pattern finds them")
		require.Equal(t, 303, root.post("/content/models/create", url.Values{"name": {"one"}, "type": {"singleton"}}))
		n := anotherNode(t, c)
		all := func() (text string) {
			for _, table := range []string{"cms_models", "cms_items", "cms_users", "cms_passwords", "cms_sessions"} {
				text += dump(t, n, table)
			}
			return text
		}
		send := func(client *http.Client, method, path string, header ...string) *http.Response {
			t.Helper()
			fields := url.Values{"name": {"Two"}, "type": {"tree"}, "confirm": {"posts"}, "do": {"publish"}, "f.title": {"Two"}, "login": {"two"}, "password": {"correct horse battery"}}
			request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(fields.Encode()))
			require.NoError(t, err)
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for i := 0; i < len(header); i += 2 {
				request.Header.Set(header[i], header[i+1])
			}
			response, err := client.Do(request)
			require.NoError(t, err)
			response.Body.Close()
			return response
		}
		before := all()
		for _, path := range paths {
			for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "http://evil.example", "X-Forwarded-Host", "evil.example"}} {
				require.Equal(t, 403, send(root.straight(), "POST", path, header...).StatusCode, "%s %v", path, header)
			}
			for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
				status := send(root.straight(), method, path, "X-HTTP-Method-Override", "POST").StatusCode
				require.Contains(t, []int{200, 303, 404, 405}, status, "%s %s", method, path)
			}
			if path != "/login" && path != "/logout" {
				answer := send(browse(t, r).straight(), "POST", path)
				require.Equal(t, 303, answer.StatusCode, path)
				require.Equal(t, "/login", answer.Header.Get("Location"), path)
			}
		}
		require.Equal(t, before, all())
		require.Equal(t, 200, root.open("/accounts"))
		require.Equal(t, "/accounts", root.at.Path, "still signed in")
	})
}

// A body that is not one of our forms changes nothing: read as an empty form it would clear fields and switch things
// off.
func TestWhatIsNoForm(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, people)
		r := start(t, c)
		root := r.admin(t)
		const multipart = "--x\r\nContent-Disposition: form-data; name=\"f.title\"\r\n\r\nTwo\r\n--x--\r\n"
		for _, path := range []string{"/content/item/posts/one", "/content/item/posts/one/state", "/content/model/posts", "/accounts/user/rob", "/accounts/create", "/password", "/login"} {
			for contentType, body := range map[string]string{
				"multipart/form-data; boundary=x": multipart, "text/plain": "f.title=Two", "application/json": `{"f.title":"Two"}`, "": "f.title=Two", "application/x-www-form-urlencoded;": "a=%zz",
			} {
				require.Equal(t, 400, root.postAs(path, contentType, body), "%s %q", path, contentType)
			}
		}
		require.Equal(t, []any{"One"}, r.titles(t, "/api/content/items/posts", "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d38", "title"))
	})
}

func with(fields url.Values, pairs ...string) url.Values {
	changed := url.Values{}
	for name, values := range fields {
		changed[name] = values
	}
	for i := 0; i < len(pairs); i += 2 {
		changed.Set(pairs[i], pairs[i+1])
	}
	return changed
}
