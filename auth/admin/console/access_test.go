package console_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/keys"
)

// hrefOf is where the link with this text leads to.
func hrefOf(body, text string) string {
	found := regexp.MustCompile(`href="([^"]*)">` + text).FindStringSubmatch(body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

// everyPage lists the pages with the permission for each; "" is every signed-in user.
func everyPage(id string) map[string]string {
	return map[string]string{
		"/users/user": "", "/users": admin.ManageUsers, "/users/user/bob": admin.ManageUsers,
		"/api": admin.ManageAPI, "/api/create": admin.ManageAPI, "/api/key/" + id: admin.ManageAPI,
		"/api/public": admin.ManageAPI, "/api/public?role=editor": admin.ManageAPI,
		"/users/roles/create": admin.ManageRoles, "/audit": admin.ReadLogs,
	}
}

func TestWhoSeesWhat(t *testing.T) {
	w := newWorld(t)
	id := w.custom(keys.Custom{Name: "Build"}).ID
	holds := map[string]string{"kay": admin.ManageAPI, "rolf": admin.ManageRoles, "una": admin.ManageUsers, "lou": admin.ReadLogs, "bob": ""}
	for path, needs := range everyPage(id) {
		w.expect(w.get("ada", path), 200)
		for user, has := range holds {
			if path == "/users/user/bob" && user == "bob" {
				continue // his own
			}
			a := w.get(user, path)
			if needs == "" || needs == has {
				w.expect(a, 200, `aria-current="page"`)
				continue
			}
			w.expect(a, 403, "You may not do this", "<code>app/")
			require.NotContains(t, a.body, "Build")
		}
	}
	// Every manager of something that has roles sees the roles; managers of roles change them.
	for _, path := range []string{"/users/roles", "/users/roles/role/editor", "/users/roles/matrix"} {
		for user := range holds {
			want := map[bool]int{true: 200, false: 403}[user != "lou" && user != "bob"]
			w.expect(w.get(user, path), want)
		}
	}
	look := w.expect(w.get("kay", "/users/roles/role/editor"), 200, "You may look at roles, not change them.", "<fieldset class=\"plain\" disabled>")
	require.NotContains(t, look.body, `value="save"`)
	require.NotContains(t, look.body, `value="delete"`)
	require.Contains(t, w.get("rolf", "/users/roles").body, "New role")
	require.NotContains(t, w.get("kay", "/users/roles").body, "New role")
	// The navigation leads only to what may be seen.
	own := w.get("bob", "/users/user").body
	require.NotContains(t, own, `href="../api"`)
	require.NotContains(t, own, `href="../audit"`)
	require.Contains(t, w.get("kay", "/users/user").body, `href="../api"`)
	// So do links within the pages.
	require.NotContains(t, w.expect(w.get("rolf", "/users/roles/role/viewer"), 200, "<dt>Users</dt><dd>2</dd>").body, "bob")
	require.Contains(t, w.get("ada", "/users/roles/role/viewer").body, "users/user/bob")
	w.expect(w.post("ada", "/api/create", "create", url.Values{"name": {"Made by Ada"}, "role": {"-"}}), 200)
	require.Contains(t, w.get("ada", "/audit").body, `href="./api/key/`)
	require.NotContains(t, w.get("lou", "/audit").body, `href="./api/key/`)
}

// TestNoticesAreNotForLinks follows a link of another site that says that something was done.
func TestNoticesAreNotForLinks(t *testing.T) {
	w := newWorld(t)
	const link = "/api/public?done=opened"
	w.expect(w.send("ada", "GET", link, nil, "Sec-Fetch-Site", "same-origin"), 200, "The public API is open.")
	for _, site := range []string{"cross-site", "same-site", "none"} {
		require.NotContains(t, w.send("ada", "GET", link, nil, "Sec-Fetch-Site", site).body, "The public API is open.")
	}
}

func TestEveryPostNeedsItsPermission(t *testing.T) {
	w := newWorld(t)
	id := w.custom(keys.Custom{Name: "Build", Role: "viewer"}).ID
	for path, dos := range map[string][]string{
		"/api/create":              {"create"},
		"/api/key/" + id:           {"save", "refresh", "disable", "enable", "invalidate", "remove"},
		"/api/public":              {"open", "close"},
		"/users/roles/create":      {"create"},
		"/users/roles/role/editor": {"save", "delete"},
		"/users/user/ada":          {"create", "refresh", "invalidate"},
	} {
		for _, do := range dos {
			a := w.send("bob", "POST", path, url.Values{"do": {do}, "name": {"x"}, "role": {"viewer"}, "appid": {"new"}})
			w.expect(a, 403, "You may not do this")
			require.Empty(t, keyIn.FindString(a.body))
			a = w.send("", "POST", path, url.Values{"do": {do}})
			w.expect(a, 303)
			require.Equal(t, "/login", a.header.Get("Location"))
		}
	}
	all, err := w.ring.List(t.Context(), keys.Filter{})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.EqualValues(t, 1, all[0].Generation)
}

func TestAStrangerIsSentToSignIn(t *testing.T) {
	w := newWorld(t)
	for path := range everyPage("x") {
		a := w.expect(w.get("", path), 303)
		require.Equal(t, "/login?next="+url.QueryEscape("/system"+path), a.header.Get("Location"))
		require.Empty(t, a.body)
	}
	// The public role is not a sign-in.
	w.expect(w.open("ada", "viewer"), 303)
	w.expect(w.get("", "/users/user"), 303)

	w = newWorld(t, func(c *console.Config) { c.SignIn = "" })
	w.expect(w.get("", "/api"), 401, "You are not signed in")
	w.expect(w.get("gone", "/api"), 401, "may have been deactivated")
	w = newWorld(t, func(c *console.Config) { c.SignIn = "/login?lang=de" })
	require.Equal(t, "/login?lang=de&next=%2Fsystem%2Fapi%3Fq%3Dx", w.get("", "/api?q=x").header.Get("Location"))
	w.expect(w.get("gone", "/api"), 401) // and not to a sign-in that sends them back at once
}

func TestKeysAreForTheJSONAPI(t *testing.T) {
	w := newWorld(t)
	issued, err := w.ring.IssueUser(t.Context(), "ada", keys.User{})
	require.NoError(t, err)
	w.expect(w.send("", "GET", "/api", nil, "api-key", issued.Key.Reveal()), 403, "These pages are for people")
	w.expect(w.send("ada", "GET", "/api", nil, "api-key", "wrong"), 401)
}

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/users/user", "/nowhere", "/api", "/static/console.css"} {
		for _, user := range []string{"bob", ""} {
			h := w.get(user, path).header
			csp := h.Get("Content-Security-Policy")
			require.Contains(t, csp, "default-src 'none'")
			require.Contains(t, csp, "frame-ancestors 'none'")
			require.Contains(t, csp, "form-action 'self'")
			require.Contains(t, csp, "base-uri 'none'")
			require.Contains(t, csp, "form-action 'self'")
			require.Contains(t, csp, "base-uri 'none'")
			require.NotContains(t, csp, "unsafe")
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
			require.Equal(t, "same-origin", h.Get("Referrer-Policy"))
			require.Contains(t, h.Values("Vary"), "Cookie")
		}
	}
	require.Equal(t, "no-store", w.get("bob", "/users/user").header.Get("Cache-Control"))
	style := regexp.MustCompile(`href="\.\./(static/console\.css\?v=[0-9a-f]+)"`).FindStringSubmatch(w.get("bob", "/users/user").body)
	require.Contains(t, w.expect(w.get("", "/"+style[1]), 200).header.Get("Cache-Control"), "immutable")
	require.Equal(t, "no-cache", w.get("", "/static/console.js?v=older").header.Get("Cache-Control"))
	w.expect(w.get("", "/static/nothing"), 404)
	w.expect(w.get("", "/static/..%2fhandler.go"), 404)
	// Nothing inline, whatever the page.
	for path := range everyPage(w.custom(keys.Custom{Name: "Build"}).ID) {
		require.NotRegexp(t, `<script>|<style|\sstyle=|\son[a-z]+=|javascript:`, w.get("ada", path).body)
	}
}

// TestAnyPrefix follows every link and form of every page, wherever the console stands.
func TestAnyPrefix(t *testing.T) {
	w := newWorld(t)
	id := w.custom(keys.Custom{Name: "Build", Role: "viewer"}).ID
	inner := console.Handler(w.service, w.config)
	target := regexp.MustCompile(`(?:href|action|src)="([^"]*)"`)
	for _, prefix := range []string{"", "/system", "/a/b"} {
		mux := http.NewServeMux()
		mux.Handle(prefix+"/", http.StripPrefix(prefix, inner))
		ask := func(path string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
			r.AddCookie(&http.Cookie{Name: "user", Value: "ada"})
			recorder := httptest.NewRecorder()
			mux.ServeHTTP(recorder, r)
			return recorder
		}
		pages := []string{"/", "/nowhere/at/all", "/users/roles", "/users/roles/role/editor", "/users/roles/matrix", "/users/user/x%2F%3Cb%3E"}
		for path := range everyPage(id) {
			pages = append(pages, path)
		}
		tried := map[string]bool{}
		for _, path := range pages {
			base, err := url.Parse(prefix + path)
			require.NoError(t, err)
			for _, found := range target.FindAllStringSubmatch(ask(prefix+path).Body.String(), -1) {
				to, err := base.Parse(html.UnescapeString(found[1]))
				require.NoError(t, err)
				if to.Path == "/wares" || to.Path == "/logout" || found[1] == "#main" || tried[to.String()] {
					continue
				}
				tried[to.String()] = true
				require.True(t, strings.HasPrefix(to.Path, prefix+"/"), "%s links to %s", base, to)
				status := ask(to.RequestURI()).Code
				require.Contains(t, []int{200, 303}, status, "%s links to %s", base, to)
			}
		}
		require.Greater(t, len(tried), 30)
		require.Equal(t, "./users/user", ask(prefix+"/").Header().Get("Location"))
	}
}

func TestWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/nowhere", "/api/", "/api/key/nothing", "/users/roles/role/no-one", "/users/user/no-one"} {
		w.expect(w.get("ada", path), 404)
	}
	w.expect(w.send("ada", "POST", "/audit", url.Values{}), 405, "This page takes GET, HEAD.")
	require.Equal(t, "GET, HEAD, POST", w.expect(w.send("ada", "DELETE", "/api/create", nil), 405).header.Get("Allow"))
	w.expect(w.send("ada", "POST", "/users/user", url.Values{"do": {strings.Repeat("x", 2<<20)}}), 413, "That is too much")
	w.expect(w.send("ada", "POST", "/users/user", nil, "Sec-Fetch-Site", "same-origin"), 400)
	for _, unclean := range []string{"/api//key", "/users/../api", "api"} { // no redirect to somewhere outside
		recorder := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.URL.Path = unclean
		console.Handler(w.service, w.config).ServeHTTP(recorder, r)
		require.Equal(t, 404, recorder.Code)
	}
	require.Panics(t, func() { console.Handler(nil, w.config) })
	require.Panics(t, func() { console.Handler(w.service, console.Config{SignIn: ":"}) })
}
