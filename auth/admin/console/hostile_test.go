package console_test

import (
	"bytes"
	"html"
	"log"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// addresses are all pages, with something that is there in the place of each {name}.
func (w *world) addresses() map[string][]string {
	w.t.Helper()
	id := w.custom(keys.Custom{Name: "Build", Role: "viewer"}).ID
	all := map[string][]string{}
	for _, page := range console.Pages() {
		address := page.Address
		switch {
		case strings.HasPrefix(address, "/users/user/"):
			address = strings.Replace(address, "{id}", "bob", 1)
		case strings.HasPrefix(address, "/api/key/"):
			address = strings.Replace(address, "{id}", id, 1)
		}
		address = strings.NewReplacer("{$}", "", "{appid}", "editor").Replace(address)
		require.NotContains(w.t, address, "{")
		all[address] = page.Do
	}
	require.Greater(w.t, len(all), 10)
	return all
}

// TestOtherOriginsAreRefused sends every form there is from other sites, as a browser that is signed in would.
func TestOtherOriginsAreRefused(t *testing.T) {
	w := newWorld(t)
	posts := 0
	for address, dos := range w.addresses() {
		for _, do := range append(dos, "") {
			shown := w.get("ada", address).body
			form := url.Values{"do": {do}, "role": {"viewer"}, "appid": {"new"}, "match": {hidden(shown, "match")}, "opened": {hidden(shown, "opened")}}
			for _, headers := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "no-such-value"},
				{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "null"},
				{"Sec-Fetch-Site", "", "Origin", "http://example.com.evil.example"},
			} {
				a := w.expect(w.send("ada", "POST", address, form, headers...), 403, "This came from another site")
				require.Empty(t, keyIn.FindString(a.body))
				posts++
			}
		}
	}
	require.Greater(t, posts, 100)
	records, err := w.log.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Empty(t, records, "nothing was done")
	w.expect(w.get("bob", "/users/user"), 200, "No API key yet")
	w.expect(w.send("bob", "POST", "/users/user", url.Values{"do": {"create"}}, "Sec-Fetch-Site", "", "Origin", "http://example.com"), 200)
}

func TestEveryAddressAndMethod(t *testing.T) {
	w := newWorld(t)
	for address, dos := range w.addresses() {
		get := w.get("ada", address)
		require.Contains(t, []int{200, 303}, get.status, address)
		head := w.send("ada", "HEAD", address, nil)
		require.Equal(t, get.status, head.status, address)
		require.Equal(t, get.header.Get("Content-Security-Policy"), head.header.Get("Content-Security-Policy"))
		allow := "GET, HEAD"
		if dos != nil {
			allow += ", POST"
			w.expect(w.send("ada", "POST", address, url.Values{"do": {"nothing of ours"}}), 400, "This cannot be read")
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"} {
			a := w.expect(w.send("ada", method, address, nil, "Sec-Fetch-Site", "same-origin"), 405)
			require.Equal(t, allow, a.header.Get("Allow"), address)
			require.Contains(t, a.body, `href="`+strings.Repeat("../", max(strings.Count(address, "/")-1, 0)), "the navigation")
		}
	}
	for _, path := range []string{"/nowhere", "/api/", "/api/key/x/y", "/users/user/", "/static/", "/index.html"} {
		w.expect(w.get("ada", path), 404, "There is nothing here", `aria-label="Console"`, "My key")
		stranger := w.expect(w.get("", path), 404, "There is nothing here")
		require.NotContains(t, stranger.body, `aria-label="Console"`)
	}
}

// TestNextIsAPathOfThisHost asks with targets of requests that name another one.
func TestNextIsAPathOfThisHost(t *testing.T) {
	w := newWorld(t)
	for target, next := range map[string]string{
		"/system/api?q=x":                             "/system/api?q=x",
		"http://evil.example/system/api":              "/system/api",
		"http://evil.example//evil.example/system":    "",
		"//evil.example/system/api":                   "",
		"/system/api?next=//evil.example":             "/system/api?next=//evil.example",
		"/system/api?a=\r\nLocation: x":               "",
		`/\evil.example/system/api`:                   "/%5Cevil.example/system/api",
		"https://user:pass@evil.example:1/system/api": "/system/api",
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/api", nil)
		r.RequestURI = target
		recorder := httptest.NewRecorder()
		console.Handler(w.service, w.config).ServeHTTP(recorder, r)
		require.Equal(t, 303, recorder.Code)
		to, err := url.Parse(recorder.Header().Get("Location"))
		require.NoError(t, err)
		require.Equal(t, "/login", to.Path, target)
		require.Empty(t, to.Host)
		require.Equal(t, next, to.Query().Get("next"), target)
	}
	a := w.send("", "POST", "/users/user", url.Values{"do": {"create"}})
	require.Equal(t, "/login", a.header.Get("Location"), "a form cannot be sent again after the sign-in")
}

// hostileNames are what people, or hosts that take names from people, might call something.
var hostileNames = map[string]string{
	"html": `"><img src=x onerror=alert(1)><script>alert('x')</script>`, "attribute": `' onfocus=alert(1) autofocus x='`,
	"template": `{{.Body}}</title></textarea></option></select><style>*{}</style>`, "url": "javascript:alert(1)",
	"bidi": "\u202Elive\u202C \u2067שלום", "emoji": "👩‍👩‍👧‍👦🏳️‍🌈", "broken": "\xff\xfe", "empty": " ", "control": "a\u0000b\r\nSet-Cookie: a=b",
	"long": strings.Repeat("long ", 2000), "endless": strings.Repeat("endless", 1500), "marks": "Z" + strings.Repeat("\u0301", 10_000),
}

// TestIDsOfTheHost looks at users whose IDs are like paths.
func TestIDsOfTheHost(t *testing.T) {
	people := auth.UserMap{"ada": theUsers["ada"]}
	ids := []string{"a/../b", "..", "//evil.example", "a?b#c", "100%", "%2e%2e", "a b", `a\b`, "é", "create"}
	for _, id := range ids {
		people[id] = auth.User{ID: id, Name: "Owner of " + id, Role: "viewer", Active: true}
	}
	w := newWorldOf(t, people)
	list := w.expect(w.get("ada", "/users"), 200)
	for _, id := range ids {
		path := "users/user/" + url.PathEscape(id)
		require.Contains(t, list.body, html.EscapeString("./"+path), id)
		if id == ".." {
			continue // browsers take it for the folder above, however it is written
		}
		w.expect(w.get("ada", "/"+path), 200, "Key of Owner of")
		made := w.expect(w.post("ada", "/"+path, "create", nil), 200)
		rec, err := w.ring.Verify(t.Context(), keyIn.FindString(made.body))
		require.NoError(t, err)
		require.Equal(t, id, rec.UserID())
		w.expect(w.follow("ada", "/"+path, w.post("ada", "/"+path, "invalidate", nil)), 200, "No API key yet")
	}
}

// harmless checks that a name stands on a page as text alone.
func harmless(t *testing.T, a answer, name string) {
	t.Helper()
	if strings.ContainsAny(name, `<>"'`) {
		require.NotContains(t, a.body, name)
	}
	for _, alive := range []string{"<script>", "<img src=x", "<style", `href="javascript:`, `action="javascript:`, `='`, "onerror=\""} {
		require.NotContains(t, a.body, alive)
	}
}

func TestHostileNames(t *testing.T) {
	for kind, name := range hostileNames {
		t.Run(kind, func(t *testing.T) {
			theirs := auth.UserMap{"evil": {ID: "evil", Name: name, Role: roles.Admin, Active: true}, name: {ID: name, Name: name, Role: "viewer", Active: true}}
			for id, user := range theUsers {
				theirs[id] = user
			}
			w := newWorldOf(t, theirs)
			ada, err := w.guard.PrincipalForUser(t.Context(), "evil")
			require.NoError(t, err)
			pages := []string{"/users", "/audit", "/users?q=" + url.QueryEscape(name), "/api?q=" + url.QueryEscape(name), "/audit?object=" + url.QueryEscape(name) + "&action=" + url.QueryEscape(name),
				"/users/roles/matrix?role=" + url.QueryEscape(name) + "&permission=" + url.QueryEscape(name), "/api/public?role=" + url.QueryEscape(name)}
			if path := url.PathEscape(name); path == url.PathEscape(strings.TrimSpace(name)) {
				pages = append(pages, "/users/user/"+path, "/users/roles/role/"+path, "/api/key/"+path)
			}
			if issued, err := w.service.CreateKey(t.Context(), ada, keys.Custom{Name: name}); err == nil {
				pages = append(pages, "/api/key/"+issued.Record.ID)
			}
			if err := w.service.CreateRole(t.Context(), ada, roles.Role{AppID: "named", Name: name, Info: name}); err == nil {
				pages = append(pages, "/users/roles/role/named")
			}
			for address := range w.addresses() {
				pages = append(pages, address)
			}
			for _, path := range pages {
				a := w.get("evil", path)
				harmless(t, a, name)
				require.Less(t, len(a.body), 200_000, "%s: one name does not fill the page", path)
				require.Empty(t, a.header.Values("Set-Cookie"))
			}
			if len(name) > 1000 {
				require.NotContains(t, w.get("evil", "/users/user").body, name, "its beginning is enough")
			}
			for _, path := range []string{"/api/create", "/users/roles/create", "/users/roles/role/editor", "/users/user"} {
				form := url.Values{"name": {name}, "info": {name}, "appid": {name}, "role": {name}, "scopes": {name}, "allowed_ips": {name}, "expires_at": {name}, "allow": {name}, "inherits": {name}, "overlap": {name}}
				for _, do := range []string{"create", "save", "delete", "refresh", name} {
					a := w.post("evil", path, do, form)
					harmless(t, a, name)
					require.Less(t, a.status, 500, path)
				}
			}
		})
	}
}

// TestAKeyIsInOneAnswer looks for keys in headers, addresses and what is logged.
func TestAKeyIsInOneAnswer(t *testing.T) {
	var logged bytes.Buffer
	before := log.Writer()
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(before) })
	w := newWorld(t)
	for _, path := range []string{"/users/user", "/users/user/bob", "/api/create"} {
		a := w.expect(w.post("ada", path, "create", url.Values{"name": {"x"}, "role": {"-"}}), 200)
		key := keyIn.FindString(a.body)
		require.NotEmpty(t, key)
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		for name, values := range a.header {
			require.NotContains(t, strings.Join(values, " "), key[4:], name)
		}
		for _, found := range regexp.MustCompile(`(?:href|action|src|value|content|title)="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
			require.NotContains(t, html.UnescapeString(found[1]), key[4:])
		}
		require.NotContains(t, logged.String(), key[4:])
	}
}
