package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The first start prints a password, once, and nothing that is stored holds it.
func TestTheFirstPassword(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r := start(t, c)
		require.Regexp(t, passwordLine, r.printed[3], "behind address and keys")
		login, password := r.password(t)
		b := r.admin(t)
		token := b.cookie().Value
		n := anotherNode(t, c)
		stored := ""
		for _, table := range []string{"cms_users", "cms_passwords", "cms_sessions", "cms_settings"} {
			stored += dump(t, n, table)
		}
		require.Contains(t, stored, "$argon2id$v=19$m=19456,t=2,p=1$")
		require.NotContains(t, stored, password)
		require.NotContains(t, stored, token)
		for _, path := range []string{"/accounts", "/admin/users", "/system/users", "/system/audit", "/admin/audit"} {
			require.Equal(t, 200, b.open(path), path)
			require.NotContains(t, b.text, "argon2", path)
		}
		r.stop()

		again := start(t, c)
		require.Len(t, again.printed, 3, "no password is made the second time: %q", again.printed)
		b.url = again.url
		at, err := url.Parse(again.url)
		require.NoError(t, err)
		b.client.Jar.SetCookies(at, []*http.Cookie{{Name: "cms_session", Value: token}})
		require.Equal(t, 200, b.open("/content"))
		require.Equal(t, "/content", b.at.Path, "the session survives")
		other := start(t, c)
		on := browse(t, other)
		at, err = url.Parse(other.url)
		require.NoError(t, err)
		on.client.Jar.SetCookies(at, []*http.Cookie{{Name: "cms_session", Value: token}})
		require.Equal(t, 200, on.open("/accounts"))
		require.Equal(t, "/accounts", on.at.Path, "and holds on other nodes")
		require.Equal(t, 200, browse(t, again).signIn(login, password))
		require.Equal(t, 200, b.press("Sign out"))
		on.open("/accounts")
		require.Equal(t, "/login", on.at.Path, "until it is ended on any")
	})
}

// A file may bring an administrator of this name, or somebody else.
func TestTheFirstPasswordOfAFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"users": [{"_id": "u1", "user": "admin", "name": "Ann", "role": "admin", "active": true}]}`:                        "admin",
		`{"users": [{"_id": "u1", "user": "admin", "name": "Ann", "role": "admin", "active": false}]}`:                       "admin2",
		`{"roles": [{"appid": "r"}], "users": [{"_id": "u1", "user": "admin", "name": "Ann", "role": "r", "active": true}]}`: "admin2",
		`{}`: "admin",
	} {
		r := start(t, config{addr: "127.0.0.1:0", db: t.TempDir() + "/cms.db", load: file(t, text)})
		login, _ := r.password(t)
		require.Equal(t, want, login, text)
		require.Equal(t, 200, r.admin(t).open("/accounts"))
		r.stop()
	}
}

func TestWrongPasswords(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r := start(t, c)
		login, password := r.password(t)
		b := browse(t, r)
		wrong := password[:25] + "!"
		answers := map[string]bool{}
		for _, c := range [][2]string{
			{login, wrong}, {"nobody", password}, {"ada", password}, {"Admin", password}, {login, strings.ToLower(password)}, {"\x00", wrong}, {"a\xff", wrong},
		} {
			require.Equal(t, 401, b.signIn(c[0], c[1]), "%q", c)
			answers[strings.ReplaceAll(b.text, `value="`+c[0]+`"`, "")] = true
		}
		require.LessOrEqual(t, len(answers), 3, "who is not there gets the same answer, but for the name that is typed again")
		b.open("/content")
		require.Equal(t, "/login", b.at.Path)

		for range 3 {
			require.Equal(t, 401, b.signIn(login, wrong))
		}
		require.Equal(t, 429, b.signIn(login, wrong))
		require.Equal(t, 429, b.signIn(login, password), "the right one has to wait as well")
	})
}

// Who is not there is not answered sooner. A password takes some 30 ms, everything else less than two.
func TestUnknownUsersTakeAsLong(t *testing.T) {
	n := anotherNode(t, config{db: t.TempDir() + "/cms.db"})
	login, _, err := n.users.First(t.Context())
	require.NoError(t, err)
	took := func(login string) time.Duration {
		var all []time.Duration
		for range 9 {
			begin := time.Now()
			_, _, err := n.users.SignIn(t.Context(), login, "a wrong password")
			require.Error(t, err)
			all = append(all, time.Since(begin))
		}
		return slices.Min(all)
	}
	known, unknown := took(login), took("nobody")
	t.Logf("known %v, unknown %v", known, unknown)
	require.Greater(t, known, 5*time.Millisecond)
	require.InDelta(t, 1, float64(unknown)/float64(known), 0.6)
}

// Requests with a session: what another site sends is refused, and so is a key beside it.
func TestSessionsAndKeys(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r := start(t, c)
		b := r.admin(t)
		key := customLine.FindStringSubmatch(r.printed[1])[1]
		send := func(method, path string, header ...string) *http.Response {
			t.Helper()
			request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader("{}"))
			require.NoError(t, err)
			for i := 0; i < len(header); i += 2 {
				request.Header.Set(header[i], header[i+1])
			}
			response, err := b.straight().Do(request)
			require.NoError(t, err)
			response.Body.Close()
			return response
		}
		require.Equal(t, 200, send("GET", "/admin/permissions").StatusCode, "/admin takes sessions")
		require.Equal(t, 403, r.status(t, "GET", "/admin/keys", key), "and keys: this one may manage nothing")
		require.Equal(t, 400, send("GET", "/admin/keys", "api-key", key).StatusCode, "but not both")
		require.Equal(t, 400, send("POST", "/admin/me/key", "Authorization", "Bearer "+key).StatusCode)
		require.Equal(t, 401, r.status(t, "GET", "/admin/keys", ""))
		require.Equal(t, 200, r.status(t, "GET", "/admin/openapi.json", ""))
		require.Equal(t, 403, r.status(t, "GET", "/content", key), "pages are for people")

		for _, path := range []string{
			"/admin/me/key", "/system/users/user", "/content/models/create", "/content/item/posts/hello/delete",
			"/accounts/create", "/password", "/logout", "/login", "/api/content/item/posts",
		} {
			require.Equal(t, 403, send("POST", path, "Sec-Fetch-Site", "cross-site").StatusCode, path)
			require.Equal(t, 403, send("POST", path, "Origin", "https://evil.example").StatusCode, path)
		}
		require.Equal(t, 200, b.open("/content"))
		require.Equal(t, "/content", b.at.Path, "still signed in")

		strict := send("GET", "/content").Header
		require.Contains(t, strict.Get("Content-Security-Policy"), "default-src 'none'")
		require.NotContains(t, strict.Get("Content-Security-Policy"), "unsafe")
		require.Equal(t, "no-store", strict.Get("Cache-Control"))
	})
}

func TestTheCookie(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		r := start(t, config{addr: "127.0.0.1:0", db: t.TempDir() + "/cms.db", secure: secure})
		login, password := r.password(t)
		response, err := browse(t, r).straight().PostForm(r.url+"/login", url.Values{
			"login": {login}, "password": {password}, "next": {"/system/api?x=1"}})
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, "/system/api?x=1", response.Header.Get("Location"))
		cookie := response.Cookies()[0]
		require.True(t, cookie.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
		require.Equal(t, secure, cookie.Secure)
		require.Equal(t, secure, strings.HasPrefix(cookie.Name, "__Host-"))
		for _, next := range []string{"//evil.example", "https://evil.example/content", "/\\evil.example", "/content\\..", "javascript:alert(1)", "/logout", "content"} {
			response, err := browse(t, r).straight().PostForm(r.url+"/login", url.Values{"login": {login}, "password": {password}, "next": {next}})
			require.NoError(t, err)
			response.Body.Close()
			require.Equal(t, "/content", response.Header.Get("Location"), next)
		}
		r.stop()
	}
}
