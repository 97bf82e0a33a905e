package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

// session is a host's own sign-in: a cookie that names the user.
func session(r *http.Request) (string, error) {
	c, err := r.Cookie("session")
	if err != nil {
		return "", nil
	}
	if c.Value == "down" {
		return "", errDown
	}
	return c.Value, nil
}

func TestAHostWithItsOwnSessions(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.SignedIn = session })
	w.users.set(auth.User{ID: "bob", Role: "viewer"})
	h := w.guard.Identify(w.guard.Require("content/posts/read", who))
	for _, c := range []struct {
		name   string
		header []string
		status int
		kind   auth.Kind
	}{
		{"signed in", []string{"Cookie", "session=ada"}, 200, auth.KindSignedIn},
		{"no one", nil, 200, auth.KindPublic},
		{"a key comes first", []string{"Cookie", "session=ada", "api-key", w.editor}, 200, auth.KindCustomKey},
		{"a bad key is not rescued by a session", []string{"Cookie", "session=ada", "api-key", "junk"}, 401, ""},
		{"inactive", []string{"Cookie", "session=bob"}, 401, ""},
		{"gone", []string{"Cookie", "session=eve"}, 401, ""},
		{"the session store is down", []string{"Cookie", "session=down"}, 503, ""},
	} {
		resp := serve(h, request("/", c.header...))
		require.Equal(t, c.status, resp.StatusCode, c.name)
		require.Equal(t, string(c.kind), resp.Header.Get("X-Who"), c.name)
		require.Equal(t, "Api-Key, Authorization, Cookie", resp.Header.Get("Vary"), c.name)
	}

	post := httptest.NewRequest(http.MethodPost, "/", nil)
	post.Header.Set("Cookie", "session=ada")
	post.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, 403, serve(h, post).StatusCode, "a browser sent it from another site")
	post.Header.Set("Sec-Fetch-Site", "same-origin")
	require.Equal(t, 200, serve(h, post).StatusCode)
	post.Header.Set("Sec-Fetch-Site", "cross-site")
	post.Header.Set("api-key", w.editor)
	require.Equal(t, 200, serve(h, post).StatusCode, "keys are not sent by browsers on their own")
}

// SignedInUser returns the user of the session, also beside a key, and does not check whether the user is active. A
// failed session store is an error, not "no user".
func TestSignedInUser(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.SignedIn = session })
	for cookie, want := range map[string]string{"session=ada": "ada", "session=eve": "eve", "theme=dark": ""} {
		for _, key := range []string{w.editor, "junk"} {
			id, err := w.guard.SignedInUser(request("/", "Cookie", cookie, "api-key", key))
			require.NoError(t, err, cookie)
			require.Equal(t, want, id)
		}
	}
	_, err := w.guard.SignedInUser(request("/", "Cookie", "session=down"))
	requireReason(t, auth.ReasonStoreFailed, err)
	require.NotContains(t, err.Error(), "hunter2")

	id, err := newWorld(t).guard.SignedInUser(request("/", "Cookie", "session=ada"))
	require.NoError(t, err)
	require.Empty(t, id, "a host without its own sign-in")
}

func TestAHostWithItsOwnJWTs(t *testing.T) {
	const jwt = "Bearer eyJhbGciOiJub25lIn0.e30."
	signedIn := func(r *http.Request) (string, error) {
		switch r.Header.Get("Authorization") {
		case jwt:
			return "ada", nil
		case "", basic("u", "p"):
			return "", nil
		}
		return "", errors.New("a host that refuses would do so itself")
	}
	w := newWorld(t, func(c *auth.Config) { c.ForeignBearer, c.SignedIn = true, signedIn })
	h := w.guard.Identify(w.guard.Require("content/posts/read", who))
	for _, c := range []struct {
		name, authorization string
		status              int
		kind                auth.Kind
	}{
		{"their token", jwt, 200, auth.KindSignedIn},
		{"our key", "Bearer " + w.editor, 200, auth.KindCustomKey},
		{"our key, mistyped, is not theirs", "Bearer " + w.editor[:20] + "0" + w.editor[21:] + "0", 401, ""},
		{"our key inside their token is not theirs", "Bearer x." + w.editor, 401, ""},
		{"Basic", basic("u", "p"), 200, auth.KindPublic},
	} {
		resp := serve(h, request("/", "Authorization", c.authorization))
		require.Equal(t, c.status, resp.StatusCode, c.name)
		require.Equal(t, string(c.kind), resp.Header.Get("X-Who"), c.name)
	}
	require.Equal(t, 200, serve(h, request("/", "Authorization", jwt, "api-key", w.editor)).StatusCode, "what is theirs is no second credential")
	require.Equal(t, 400, serve(h, request("/", "Authorization", "Bearer "+w.ada, "api-key", w.editor)).StatusCode)
}

func TestSources(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Sources = auth.SourceNonstandardXAPIKey | auth.SourceInsecureQuery })
	h := w.guard.Handler(who)
	require.Equal(t, 200, serve(h, request("/", "X-Api-Key", w.editor)).StatusCode)
	require.Equal(t, 200, serve(h, request("/?a=%20&api_key="+w.editor)).StatusCode)
	require.Equal(t, 200, serve(h, request("/?api_key=API%2D"+w.editor[4:])).StatusCode)
	for name, r := range map[string]*http.Request{
		"api-key is no source now":    request("/", "api-key", w.editor),
		"Bearer is no source now":     request("/", "Authorization", "Bearer "+w.editor),
		"an empty parameter":          request("/?api_key="),
		"a bad one":                   request("/?api_key=junk"),
		"another service's X-Api-Key": request("/", "X-Api-Key", "theirs"),
		"junk in api-key is no less":  request("/", "api-key", "junk"),
	} {
		require.Equal(t, 401, serve(h, r).StatusCode, name)
	}
	for name, r := range map[string]*http.Request{
		"two places":           request("/?api_key="+w.editor, "X-Api-Key", w.editor),
		"two parameters":       request("/?api_key=" + w.editor + "&api_key=" + w.editor),
		"its name, encoded":    request("/?api%5Fkey=" + w.editor),
		"the other parameter":  request("/?access_token=" + w.editor),
		"both parameters":      request("/?access_token=x&api_key=" + w.editor),
		"X_api_key":            request("/", "X_Api_Key", w.editor),
		"X-API_KEY":            request("/", "X-API_KEY", "x", "X-Api-Key", w.editor),
		"a repeated X-Api-Key": request("/", "X-Api-Key", w.editor, "X-Api-Key", w.editor),
	} {
		require.Equal(t, 400, serve(h, r).StatusCode, name)
	}
}

func TestQueryNames(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.QueryNames = []string{} })
	h := w.guard.Handler(who)
	require.Equal(t, 200, serve(h, request("/?api_key=the-hosts-own")).StatusCode)
	require.Equal(t, 400, serve(h, request("/?api_key="+w.editor)).StatusCode, "one of our keys is refused under this name too")
	require.Equal(t, 400, serve(h, request("/?access_token=US%52-1")).StatusCode)
	w = newWorld(t, func(c *auth.Config) { c.QueryNames = []string{"token"} })
	h = w.guard.Handler(who)
	require.Equal(t, 400, serve(h, request("/?token=1")).StatusCode)
	require.Equal(t, 200, serve(h, request("/?api_key=1")).StatusCode)
}

func TestCacheUsers(t *testing.T) {
	users := &table{rows: map[string]auth.User{"ada": {ID: "ada", Role: "viewer", Active: true}}}
	cache := auth.CacheUsers(users, time.Hour)
	for range 3 {
		u, err := cache.User(t.Context(), "ada")
		require.NoError(t, err)
		require.True(t, u.Active)
		_, err = cache.User(t.Context(), "eve")
		require.ErrorIs(t, err, auth.ErrNoUser)
	}
	require.Equal(t, 2, users.asks, "a missing user is cached too")

	users.set(auth.User{ID: "ada", Role: "viewer"})
	u, _ := cache.User(t.Context(), "ada")
	require.True(t, u.Active, "not yet")
	cache.Forget("ada")
	u, _ = cache.User(t.Context(), "ada")
	require.False(t, u.Active, "Forget acts on the next request")

	users.err = errDown
	cache.Forget("ada")
	_, err := cache.User(t.Context(), "ada")
	require.ErrorIs(t, err, errDown)
	users.err = nil
	_, err = cache.User(t.Context(), "ada")
	require.NoError(t, err, "errors are not kept")

	users.rows["bob"] = auth.User{ID: "someone else", Active: true}
	_, err = cache.User(t.Context(), "bob")
	require.Error(t, err)
	require.NotErrorIs(t, err, auth.ErrNoUser)

	none := auth.CacheUsers(users, 0)
	before := users.asks
	for range 3 {
		_, _ = none.User(t.Context(), "ada")
	}
	require.Equal(t, before+3, users.asks, "a ttl of zero keeps nothing")
}
