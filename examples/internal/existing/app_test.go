package existing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A site is a program that exists, behind a real server, with some of its routes behind Latchkey.
type site struct {
	t             *testing.T
	url           string
	ring          *keys.Ring
	clerk, reader string // keys
	clerkID       string
	disabled      string
	events        atomic.Int64
}

func newSite(t *testing.T, c auth.Config) *site {
	s := &site{t: t, ring: keys.NewRing(keys.NewMemoryStore())}
	t.Cleanup(func() { require.NoError(t, s.ring.Close(context.Background())) })
	issue := func(role string) (text, id string) {
		issued, err := s.ring.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role})
		require.NoError(t, err)
		return issued.Key.Reveal(), issued.Record.ID
	}
	s.clerk, s.clerkID = issue("clerk")
	s.reader, _ = issue("reader")
	var id string
	s.disabled, id = issue("clerk")
	require.NoError(t, s.ring.Disable(t.Context(), id))
	c.Keys, c.Roles = s.ring, roles.MustCompile(
		roles.Role{AppID: "public", Permissions: roles.Grants{"orders/read": true}},
		roles.Role{AppID: "reader", Permissions: roles.Grants{"orders/read": true}},
		roles.Role{AppID: "clerk", Permissions: roles.Grants{"orders/**": true}},
	)
	c.Users = auth.UserMap{"ada": {Name: "Ada", Role: "clerk", Active: true}, "bob": {Name: "Bob", Role: "clerk"}}
	c.Observe = func(context.Context, auth.Event) { s.events.Add(1) }
	guard, err := auth.New(c)
	require.NoError(t, err)

	mux := http.NewServeMux()
	Routes(mux, guard, App{Static: static(), PaymentReturn: form("order"), Orders: caller(), Create: caller()})
	mux.Handle("POST /saml/acs", form("SAMLResponse"))
	mux.Handle("/oidc/callback", form("id_token"))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "of-" + r.PostFormValue("name"), Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode})
	})
	mux.HandleFunc("/account", func(w http.ResponseWriter, r *http.Request) {
		id, _ := session(r)
		if id == "" {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		fmt.Fprintf(w, "%s: the account of %s", r.Method, id)
	})
	mux.HandleFunc("GET /mobile/orders", func(w http.ResponseWriter, r *http.Request) {
		id, err := verify(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if err != nil {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "the orders of ", id)
	})
	h := http.Handler(mux)
	if c.ForeignBearer {
		outer := http.NewServeMux()
		outer.Handle("/api/", Tokens(guard, verify, mux))
		outer.Handle("/", mux)
		h = outer
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// static serves files, with a header for caches.
func static() http.Handler {
	files := http.StripPrefix("/static/", http.FileServerFS(fstest.MapFS{
		"app.js": {Data: []byte("alert(1)"), ModTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("ETag", `"v1"`)
		files.ServeHTTP(w, r)
	})
}

// form prints one field of a form, and who has a session.
func form(field string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := session(r)
		fmt.Fprintf(w, "%s %s=%s session=%s", r.Method, field, r.FormValue(field), id)
	})
}

// caller prints who the guard says is calling.
func caller() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", p, body)
	})
}

// session returns the user of the program's own cookie.
func session(r *http.Request) (userID string, err error) {
	c, err := r.Cookie("session")
	if err != nil {
		return "", nil
	}
	return strings.TrimPrefix(c.Value, "of-"), nil
}

const header = `{"alg":"HS256"}`

// token returns a JWT (RFC 7519) of the program.
func token(userID string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(header)) + "." + b64([]byte(userID))
	return signed + "." + b64(sign(signed))
}

func sign(text string) []byte {
	mac := hmac.New(sha256.New, []byte("the program's own secret"))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func verify(token string) (userID string, err error) {
	signed, subject := token[:max(0, strings.LastIndexByte(token, '.'))], ""
	if parts := strings.Split(signed, "."); len(parts) == 2 {
		decoded, _ := base64.RawURLEncoding.DecodeString(parts[1])
		subject = string(decoded)
	}
	mac, err := base64.RawURLEncoding.DecodeString(token[len(signed):][min(1, len(token)-len(signed)):])
	if err != nil || !hmac.Equal(mac, sign(signed)) {
		return "", errors.New("not a token of this program")
	}
	return subject, nil
}

// An answer is a response without its date.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if strings.Contains(body, "=") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	resp.Header.Del("Date")
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// foreignSite is what a browser sends with a form that another site has submitted.
var foreignSite = []string{"Origin", "https://pay.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Cookie", "session=of-ada"}

func TestStaticFilesKeepTheirCaching(t *testing.T) {
	s := newSite(t, auth.Config{})
	got := s.do("GET", "/static/app.js", "")
	require.Equal(t, answer{200, http.Header{
		"Accept-Ranges": {"bytes"}, "Cache-Control": {"public, max-age=31536000, immutable"}, "Content-Length": {"8"},
		"Content-Type": {"text/javascript; charset=utf-8"}, "Etag": {`"v1"`}, "Last-Modified": {"Fri, 02 Jan 2026 03:04:05 GMT"},
	}, "alert(1)"}, got)
	require.Equal(t, 304, s.do("GET", "/static/app.js", "", "If-None-Match", `"v1"`).status)
	require.Equal(t, 304, s.do("GET", "/static/app.js", "", "If-Modified-Since", "Fri, 02 Jan 2026 03:04:05 GMT").status)
	require.Equal(t, 206, s.do("GET", "/static/app.js", "", "Range", "bytes=0-3").status)
	require.Equal(t, "no-store", s.do("GET", "/api/orders", "", "api-key", s.clerk).header.Get("Cache-Control"))
}

func TestSessionsAndPostsOfOtherSitesKeepWorking(t *testing.T) {
	s := newSite(t, auth.Config{SignedIn: session})
	cookie := s.do("POST", "/login", "name=ada").header.Get("Set-Cookie")
	require.Equal(t, "session=of-ada; Path=/; HttpOnly; Secure; SameSite=None", cookie)
	require.Equal(t, "GET: the account of ada", s.do("GET", "/account", "", "Cookie", "session=of-ada").body)
	require.Equal(t, "POST: the account of ada", s.do("POST", "/account", "a=b", "Cookie", "session=of-ada").body)
	require.Equal(t, 303, s.do("GET", "/account", "").status)

	require.Equal(t, "POST order=7 session=ada", s.do("POST", "/payment/return", "order=7", foreignSite...).body)
	require.Equal(t, "POST SAMLResponse=PHNhbWw+ session=ada", s.do("POST", "/saml/acs", "SAMLResponse="+url.QueryEscape("PHNhbWw+"), foreignSite...).body)
	require.Equal(t, "POST id_token=x.y.z session=ada", s.do("POST", "/oidc/callback", "id_token=x.y.z&state=1", foreignSite...).body)
	require.Equal(t, "GET id_token=x.y.z session=ada", s.do("GET", "/oidc/callback?id_token=x.y.z&access_token=t", "", foreignSite...).body)
	require.Zero(t, s.events.Load(), "the guard has met none of these requests")

	// The guarded routes know the session, and refuse it in a POST of another site.
	require.Equal(t, "user ada ", s.do("GET", "/api/orders", "", "Cookie", "session=of-ada").body)
	require.Equal(t, "user ada new", s.do("POST", "/api/orders", "new", "Cookie", "session=of-ada", "Sec-Fetch-Site", "same-origin").body)
	require.Equal(t, 403, s.do("POST", "/api/orders", "new", foreignSite...).status)
	require.Equal(t, 401, s.do("GET", "/api/orders", "", "Cookie", "session=of-bob").status, "not active")
	require.Equal(t, 401, s.do("GET", "/api/orders", "", "Cookie", "session=of-ada", "api-key", "wrong").status)
}

func TestGuardedRoutes(t *testing.T) {
	s := newSite(t, auth.Config{})
	for _, c := range []struct {
		method, path, name, key string
		want                    int
	}{
		{"GET", "/api/orders", "api-key", s.clerk, 200},
		{"GET", "/api/orders", "Authorization", "Bearer " + s.clerk, 200},
		{"GET", "/api/orders", "api-key", s.reader, 200},
		{"POST", "/api/orders", "api-key", s.clerk, 200},
		{"POST", "/api/orders", "api-key", s.reader, 403},
		{"GET", "/api/orders", "api-key", "", 401},
		{"GET", "/api/orders", "api-key", "wrong", 401},
		{"GET", "/api/orders", "api-key", s.clerk[:len(s.clerk)-1] + "!", 401},
		{"GET", "/api/orders", "api-key", "API-0000000000000000000000000000000000000000", 401},
		{"GET", "/api/orders", "api-key", s.disabled, 401},
		{"GET", "/api/orders", "Cookie", "session=of-ada", 401}, // there is no SignedIn
		{"GET", "/api/orders", "Authorization", "Bearer " + token("ada"), 401},
		{"GET", "/api/orders", "X-Other", "nothing", 401},
		{"POST", "/api/orders", "X-Other", "nothing", 401},
	} {
		require.Equal(t, c.want, s.do(c.method, c.path, "", c.name, c.key).status, "%v", c)
	}
}

// A key, good or bad, changes nothing on a route without the guard: not the answer, and not the key's record.
func TestAKeyOnAnUnguardedRouteChangesNothing(t *testing.T) {
	s := newSite(t, auth.Config{Anonymous: publicapi.Fixed("public"), SignedIn: session})
	for _, route := range []struct{ method, path, body string }{
		{"GET", "/static/app.js", ""}, {"GET", "/static/none.js", ""}, {"GET", "/account", ""}, {"POST", "/login", "name=ada"},
		{"POST", "/payment/return", "order=7"}, {"POST", "/saml/acs", "SAMLResponse=x"}, {"GET", "/oidc/callback?access_token=t", ""},
		{"GET", "/mobile/orders", ""}, {"GET", "/no-such-page", ""}, {"DELETE", "/api/orders", ""},
	} {
		want := s.do(route.method, route.path, route.body)
		for _, key := range []string{s.clerk, s.disabled, "wrong", ""} {
			require.Equal(t, want, s.do(route.method, route.path, route.body, "api-key", key), "%s %s", route.method, route.path)
			require.Equal(t, want, s.do(route.method, route.path, route.body, "Authorization", "Bearer "+key), "%s %s", route.method, route.path)
		}
	}
	require.Zero(t, s.events.Load())
	rec, err := s.ring.Get(t.Context(), s.clerkID)
	require.NoError(t, err)
	require.Zero(t, rec.LastUsedAt)
}

func TestJWTsBesideKeys(t *testing.T) {
	signedIn := func(r *http.Request) (string, error) {
		if userID, ok := r.Context().Value(TokenUser{}).(string); ok {
			return userID, nil
		}
		return session(r)
	}
	s := newSite(t, auth.Config{Anonymous: publicapi.Fixed("public"), ForeignBearer: true, SignedIn: signedIn})
	ada := "Bearer " + token("ada")
	forged := strings.Replace(ada, "."+base64.RawURLEncoding.EncodeToString([]byte("ada"))+".", "."+base64.RawURLEncoding.EncodeToString([]byte("bob"))+".", 1)
	require.NotEqual(t, ada, forged)
	get := func(headers ...string) answer { return s.do("GET", "/api/orders", "", headers...) }

	// The route with a check of its own.
	require.Equal(t, "the orders of ada", s.do("GET", "/mobile/orders", "", "Authorization", ada).body)
	require.Equal(t, 401, s.do("GET", "/mobile/orders", "", "Authorization", forged).status)
	require.Equal(t, 401, s.do("GET", "/mobile/orders", "", "Authorization", "Bearer "+s.clerk).status)

	// Both kinds on the guarded routes.
	require.Equal(t, "user ada ", get("Authorization", ada).body)
	require.Equal(t, "user ada ", get("Authorization", "bearer  "+token("ada")).body)
	require.Equal(t, "user ada new", s.do("POST", "/api/orders", "new", "Authorization", ada).body)
	require.Equal(t, "user ada ", get("Cookie", "session=of-ada").body)
	require.Equal(t, "key "+s.clerkID+" ", get("Authorization", "Bearer "+s.clerk).body)
	require.Equal(t, "key "+s.clerkID+" ", get("api-key", s.clerk).body)
	require.Equal(t, "key "+s.clerkID+" ", get("api-key", s.clerk, "Authorization", ada).body, "the key is who calls")
	require.Equal(t, "anonymous ", get().body)
	require.Equal(t, 401, s.do("POST", "/api/orders", "new").status)

	// A credential that is not valid never becomes the public role.
	for _, bad := range []string{
		forged, "Bearer " + token(""), "Bearer " + token("bob"), "Bearer " + token("eve"), "Bearer", "Bearer ", "Bearer x", "Bearer " + s.disabled,
		"Bearer " + s.clerk + "0", "bearer\t" + token("ada"), "Bearer " + token("ada") + ", " + token("ada"), "Bearer " + s.clerk + " " + token("ada"),
	} {
		require.GreaterOrEqual(t, get("Authorization", bad).status, 400, bad)
		require.GreaterOrEqual(t, get("Authorization", bad, "Cookie", "session=of-ada").status, 400, bad)
	}
	require.Equal(t, 401, get("api-key", "wrong", "Authorization", ada).status)
	require.Equal(t, 401, get("api-key", s.clerk, "Authorization", forged).status)
}
