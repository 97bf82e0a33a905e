package cockpit_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// corsHeaders are on every answer, as recorded from Cockpit.
var corsHeaders = http.Header{
	"Access-Control-Allow-Origin":  {"*"},
	"Access-Control-Allow-Headers": {"X-Requested-With, Content-Type, Origin, Cache-Control, Pragma, Authorization, Accept, Accept-Encoding, API-KEY"},
	"Access-Control-Allow-Methods": {"PUT, POST, GET, OPTIONS, DELETE"},
}

// requireCORS compares all headers of CORS, so that none is there beside them.
func requireCORS(t *testing.T, resp *http.Response) {
	t.Helper()
	got := http.Header{}
	for name, values := range resp.Header {
		if len(name) > 14 && name[:14] == "Access-Control" {
			got[name] = values
		}
	}
	require.Equal(t, corsHeaders, got)
}

func TestAPreflightIsAnsweredBeforeAnybodyIsAsked(t *testing.T) {
	d := openFrontDoor(t)
	d.public.role, d.public.err, d.store.err = "", errOnFire, errOnFire
	preflight := []string{"Origin", "https://a.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "api-key"}
	for _, c := range []struct {
		target string
		header []string
	}{
		{items, preflight},
		{"/api/nope", nil},
		{"/api/gql", []string{"Origin", "https://a.example"}},
		{"*", nil},
		{items, []string{"api-key", "junk"}},
		{items + "?api_key=1&api_key=2", preflight},
	} {
		resp := d.ask("OPTIONS", c.target, c.header...)
		require.Equal(t, 200, resp.StatusCode, c.target)
		require.Empty(t, text(t, resp))
		require.Equal(t, "application/json; charset=UTF-8", resp.Header.Get("Content-Type"))
		requireCORS(t, resp)
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	d := openFrontDoor(t)
	key := d.custom(keys.Custom{Name: "build", Role: "editor"})
	for status, resp := range map[int]*http.Response{
		200: d.ask("GET", items, "api-key", key, "Origin", "https://a.example"),
		403: d.ask("GET", "/api/content/items/secret", "api-key", key, "Origin", "https://a.example"),
		404: d.ask("GET", "/api/nope", "api-key", key),
		405: d.ask("PATCH", item, "api-key", key),
		412: d.ask("GET", items, "api-key", "junk", "Origin", "null"),
	} {
		require.Equal(t, status, resp.StatusCode)
		requireCORS(t, resp)
	}
}

// A page elsewhere must not act by the cookie of who visits it: what changes something is refused, and of what is only
// read, browsers hand nothing out without Access-Control-Allow-Credentials.
func TestSessionsAreOutOfReachOfOtherOrigins(t *testing.T) {
	d := openFrontDoor(t, func(c *auth.Config) {
		c.SignedIn = func(r *http.Request) (string, error) {
			if cookie, err := r.Cookie("session"); err == nil {
				return cookie.Value, nil
			}
			return "", nil
		}
	})
	d.public.role = ""
	cookie := []string{"Cookie", "session=ada"}
	elsewhere := append(cookie, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, 200, d.ask("POST", item, cookie...).StatusCode, "of the same origin")

	resp := d.ask("POST", item, elsewhere...)
	requireRefusal(t, resp, 403, notAllowed)
	requireCORS(t, resp)
	for _, resp := range []*http.Response{d.ask("GET", items, elsewhere...), d.ask("OPTIONS", items, elsewhere...)} {
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, "*", resp.Header.Get("Access-Control-Allow-Origin"), "never the origin that asked")
		require.NotContains(t, resp.Header, "Access-Control-Allow-Credentials")
	}
	require.Contains(t, d.ask("GET", items, cookie...).Header.Get("Vary"), "Cookie")
}
