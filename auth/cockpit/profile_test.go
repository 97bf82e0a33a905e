package cockpit_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
)

const (
	notLetIn    = `{"error":"Authentication failed"}`
	notAllowed  = `{"error":"Permission denied"}`
	tooMuch     = `{"error":"Rate limit exceeded"}`
	notNow      = `{"error":"Service unavailable"}`
	ourMistake  = `{"error":"Internal server error"}`
	jsonContent = "application/json"
)

// requireRefusal is what every refusal of the profile looks like, to the last header.
func requireRefusal(t *testing.T, resp *http.Response, status int, want string) {
	t.Helper()
	require.Equal(t, status, resp.StatusCode)
	require.Equal(t, want, text(t, resp))
	rest := resp.Header.Clone()
	require.Equal(t, []string{jsonContent}, rest.Values("Content-Type"))
	require.Contains(t, rest.Get("Vary"), "Api-Key, Authorization")
	require.Equal(t, []string{"no-store"}, rest.Values("Cache-Control"))
	require.Equal(t, status == 503, rest.Get("Retry-After") != "")
	for _, name := range []string{"Content-Type", "Content-Length", "Vary", "Cache-Control", "Retry-After"} {
		rest.Del(name)
	}
	require.Equal(t, corsHeaders, rest, "nothing else is told")
}

func TestWhatCockpitsClientsGet(t *testing.T) {
	d := openFrontDoor(t)
	ada := d.user("ada")
	build := d.custom(keys.Custom{Name: "build", Role: "editor"})
	reader := d.custom(keys.Custom{Name: "reader", Role: "web"})
	roleless, rolegone := d.custom(keys.Custom{Name: "x"}), d.custom(keys.Custom{Name: "x", Role: "gone"})
	narrowed := d.custom(keys.Custom{Name: "x", Role: "editor", Scopes: []string{"content/posts/read"}})

	const closed = true
	for _, c := range []struct {
		name, method, target string
		header               []string
		closed               bool // the public API
		status               int
		body                 string
	}{
		{"nothing, of what all may", "GET", items, nil, !closed, 200, "[]"},
		{"nothing, of what they may not", "POST", item, nil, !closed, 403, notAllowed},
		{"nothing, of another model", "GET", "/api/content/items/secret", nil, !closed, 403, notAllowed},
		{"nothing, of what no model is called", "GET", "/api/content/items/po%20sts", nil, !closed, 403, notAllowed},
		{"nothing, closed", "GET", items, nil, closed, 412, notLetIn},
		{"nothing, closed, of what they may not", "POST", item, nil, closed, 412, notLetIn},
		{"nothing, closed, at no address", "GET", "/api/nope", nil, closed, 412, notLetIn},

		{"user key", "POST", item, []string{"api-key", ada}, closed, 200, "[]"},
		{"custom key", "POST", item, []string{"API-KEY", build}, closed, 200, "[]"},
		{"Bearer", "POST", item, []string{"Authorization", "Bearer " + build}, closed, 200, "[]"},
		{"in the query", "POST", item + "?api_key=" + build, nil, closed, 200, "[]"},
		{"in the query, dash encoded", "POST", item + "?x=1&api_key=API%2D" + build[4:], nil, closed, 200, "[]"},
		{"query before header", "POST", item + "?api_key=" + build, []string{"api-key", reader}, closed, 200, "[]"},
		{"header before Bearer", "POST", item, []string{"api-key", build, "Authorization", "Bearer " + reader}, closed, 200, "[]"},

		{"a permission that is missing", "POST", item, []string{"api-key", reader}, closed, 403, notAllowed},
		{"another model", "GET", "/api/content/items/secret", []string{"api-key", ada}, closed, 403, notAllowed},
		{"no role", "GET", items, []string{"api-key", roleless}, !closed, 403, notAllowed},
		{"role gone", "GET", items, []string{"api-key", rolegone}, !closed, 403, notAllowed},
		{"outside the scopes", "POST", item, []string{"api-key", narrowed}, closed, 403, notAllowed},
		{"no model", "GET", "/api/content/items/po%20sts", []string{"api-key", ada}, closed, 403, notAllowed},
		{"the first one lacks it, the second one would not", "POST", item + "?api_key=" + reader, []string{"api-key", build}, closed, 403, notAllowed},
		{"no good second saves a bad first", "GET", items + "?api_key=junk", []string{"api-key", ada}, !closed, 412, notLetIn},
		{"no good third saves a bad second", "GET", items, []string{"api-key", "junk", "Authorization", "Bearer " + ada}, !closed, 412, notLetIn},
		{"a bad key is refused where none is needed", "GET", "/api/open", []string{"api-key", "junk"}, !closed, 412, notLetIn},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.public.role = "web"
			if c.closed {
				d.public.role = ""
			}
			resp := d.ask(c.method, c.target, c.header...)
			if c.status == 200 {
				require.Equal(t, 200, resp.StatusCode)
				require.Equal(t, c.body, text(t, resp))
				return
			}
			requireRefusal(t, resp, c.status, c.body)
		})
	}
	t.Run("a public role without a document closes the public API", func(t *testing.T) {
		for _, role := range []string{"vanished", "admin", "ADMIN"} {
			d.public.role = role
			requireRefusal(t, d.ask("GET", items), 412, notLetIn)
		}
	})
	t.Run("a credential in the body is none", func(t *testing.T) {
		d.public.role = "web"
		r := httptest.NewRequest("POST", item, strings.NewReader("api_key="+build))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		d.api.ServeHTTP(w, r)
		requireRefusal(t, w.Result(), 403, notAllowed)
	})
}

// No answer tells what is wrong with a key.
func TestAllRefusedKeysLookTheSame(t *testing.T) {
	d := openFrontDoor(t)
	elsewhere := keys.NewRing(keys.NewMemoryStore())
	defer elsewhere.Close(t.Context())
	unknown, err := elsewhere.IssueCustom(t.Context(), keys.Custom{Name: "unknown"})
	require.NoError(t, err)
	disabled, invalidated := d.custom(keys.Custom{Name: "x", Role: "editor"}), d.custom(keys.Custom{Name: "x", Role: "editor"})
	require.NoError(t, d.ring.Disable(t.Context(), d.ids[disabled]))
	require.NoError(t, d.ring.Invalidate(t.Context(), d.ids[invalidated]))
	expiry := time.Now().Add(time.Second) // far enough for a busy machine to issue the key before
	expired := d.custom(keys.Custom{Name: "x", Role: "editor", ExpiresAt: expiry})
	far := d.custom(keys.Custom{Name: "x", Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}})
	time.Sleep(time.Until(expiry) + time.Millisecond)

	refused := map[string]string{
		"unknown": unknown.Key.Reveal(), "disabled": disabled, "invalidated": invalidated, "expired": expired, "from elsewhere": far,
		"owner inactive": d.user("ina"), "owner gone": d.user("gone"), "junk": "junk", "empty": "", "a list": disabled + "," + disabled,
	}
	requireRefusal(t, d.ask("GET", items, "api-key", "junk"), 412, notLetIn)
	first := d.ask("GET", items, "api-key", "junk")
	for name, key := range refused {
		for place, resp := range map[string]*http.Response{
			"api-key": d.ask("GET", items, "api-key", key),
			"Bearer":  d.ask("GET", items, "Authorization", "Bearer "+key),
			"query":   d.ask("GET", items+"?api_key="+key),
			"two":     d.ask("POST", item+"?api_key="+key+"&api_key="+key, "api-key", key),
		} {
			require.Equal(t, first.StatusCode, resp.StatusCode, "%s in %s", name, place)
			require.Equal(t, first.Header, resp.Header, "%s in %s", name, place)
			require.Equal(t, notLetIn, text(t, resp), "%s in %s", name, place)
		}
	}
	d.public.role = ""
	require.Equal(t, first.Header, d.ask("GET", items).Header, "nor whether one was shown")
}

func TestErrorsOfTheServer(t *testing.T) {
	d := openFrontDoor(t)
	key := d.custom(keys.Custom{Name: "build", Role: "editor"})
	d.store.err = errOnFire
	requireRefusal(t, d.ask("GET", items, "api-key", key), 503, notNow)
	requireRefusal(t, d.ask("GET", items+"?api_key="+key, "api-key", key), 503, notNow)
	require.Equal(t, "1", d.ask("GET", items, "api-key", key).Header.Get("Retry-After"))
	d.store.err = nil
	d.public.err = errOnFire
	requireRefusal(t, d.ask("GET", items), 503, notNow)
	require.Equal(t, 200, d.ask("GET", items, "api-key", key).StatusCode)

	panics := openFrontDoor(t, func(c *auth.Config) {
		c.Limit = func(*http.Request, auth.Principal) (time.Duration, bool) { panic(errOnFire) }
	})
	requireRefusal(t, panics.ask("GET", items), 500, ourMistake)
	limited := openFrontDoor(t, func(c *auth.Config) {
		c.Limit = func(*http.Request, auth.Principal) (time.Duration, bool) { return time.Minute, false }
	})
	requireRefusal(t, limited.ask("GET", items), 429, tooMuch)
}

// Profile itself answers whatever a host makes of a refusal.
func TestProfileOfARefusalThatTheHostMade(t *testing.T) {
	for _, c := range []struct {
		refusal     auth.Refusal
		status      int
		body, after string
	}{
		{auth.Refusal{Status: 401, Reason: auth.ReasonNotGranted}, 403, notAllowed, ""},
		{auth.Refusal{Status: 401, Reason: auth.ReasonNoRole}, 412, notLetIn, ""},
		{auth.Refusal{Status: 401}, 412, notLetIn, ""},
		{auth.Refusal{Status: 400, Reason: auth.ReasonNotGranted}, 412, notLetIn, ""},
		{auth.Refusal{Status: 403, Missing: "content/posts/create"}, 403, notAllowed, ""},
		{auth.Refusal{Status: 429, RetryAfter: time.Hour}, 429, tooMuch, ""},
		{auth.Refusal{Status: 503}, 503, notNow, "1"},
		{auth.Refusal{Status: 503, RetryAfter: 1500 * time.Millisecond}, 503, notNow, "2"},
		{auth.Refusal{}, 503, notNow, "1"},
	} {
		w := httptest.NewRecorder()
		cockpit.Profile(w, nil, &c.refusal)
		require.Equal(t, c.status, w.Code)
		require.Equal(t, c.body, w.Body.String())
		require.Equal(t, c.after, w.Header().Get("Retry-After"))
	}
}

func TestConfigureKeepsWhatTheHostSays(t *testing.T) {
	c := cockpit.Configure(auth.Config{Sources: auth.SourceNonstandardXAPIKey, StripCredentials: true, QueryNames: []string{"token"}})
	require.Equal(t, auth.SourceNonstandardXAPIKey|auth.SourceAPIKeyHeader|auth.SourceBearer|auth.SourceInsecureQuery, c.Sources)
	require.True(t, c.StripCredentials)
	require.Equal(t, []string{"token"}, c.QueryNames)
	require.True(t, c.InsecureFirstWins)
}
