package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// A row is one request and what the design's table says of it.
type row struct {
	name   string
	target string // default: /
	header []string
	status int
	reason auth.Reason
	kind   auth.Kind // for 200
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestWhatARequestGets(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, observeInto(&heard))
	expiry := time.Now().Add(time.Second) // far enough for a busy machine to issue the key before
	expired := w.custom(keys.Custom{Name: "x", Role: "editor", ExpiresAt: expiry})
	disabled, invalidated := w.custom(keys.Custom{Name: "x", Role: "editor"}), w.custom(keys.Custom{Name: "x", Role: "editor"})
	require.NoError(t, w.ring.Disable(t.Context(), w.ids[disabled]))
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids[invalidated]))
	elsewhere := w.custom(keys.Custom{Name: "x", Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}})
	here := w.custom(keys.Custom{Name: "x", Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	roleless, rolegone := w.custom(keys.Custom{Name: "x"}), w.custom(keys.Custom{Name: "x", Role: "gone"})
	narrowed := w.custom(keys.Custom{Name: "x", Role: "editor", Scopes: []string{"content/*/create", "not a pattern"}})
	widened := w.custom(keys.Custom{Name: "x", Role: "editor", Scopes: []string{"**"}})
	other, err := w.ring.In("other").IssueCustom(t.Context(), keys.Custom{Name: "x", Role: "editor"})
	require.NoError(t, err)
	w.users.set(auth.User{ID: "bob", Role: "viewer"})
	bob, err := w.ring.IssueUser(t.Context(), "bob", keys.User{})
	require.NoError(t, err)
	ghost, err := w.ring.IssueUser(t.Context(), "ghost", keys.User{})
	require.NoError(t, err)
	time.Sleep(time.Until(expiry) + time.Millisecond)
	unknown := "API-00000000000000000000000000000000" + "3f2d5c11" // wrong checksum, right shape
	k := w.editor

	for _, c := range []row{
		{name: "nothing, public API on", status: 200, kind: auth.KindPublic},
		{name: "api-key", header: []string{"api-key", k}, status: 200, kind: auth.KindCustomKey},
		{name: "user key", header: []string{"api-key", w.ada}, status: 200, kind: auth.KindUserKey},
		{name: "Bearer", header: []string{"Authorization", "Bearer " + k}, status: 200, kind: auth.KindCustomKey},
		{name: "bearer, scheme in any case", header: []string{"Authorization", "bEaReR " + k}, status: 200, kind: auth.KindCustomKey},
		{name: "peer inside AllowedIPs", header: []string{"api-key", here}, status: 200, kind: auth.KindCustomKey},
		{name: "scopes never widen", header: []string{"api-key", widened}, status: 200, kind: auth.KindCustomKey},
		{name: "a foreign scheme is as nothing", header: []string{"Authorization", "Negotiate YII="}, status: 200, kind: auth.KindPublic},
		{name: "Basic of another service is absent", header: []string{"Authorization", basic("u", "p")}, status: 200, kind: auth.KindPublic},
		{name: "Basic beside a good key is ignored", header: []string{"Authorization", basic("u", "p"), "api-key", k}, status: 200, kind: auth.KindCustomKey},
		{name: "a host's own X-Api-Key is as nothing", header: []string{"X-Api-Key", "theirs"}, status: 200, kind: auth.KindPublic},
		{name: "another parameter", target: "/?a=1;api_key=x&b=%zz", status: 200, kind: auth.KindPublic},

		{name: "empty", header: []string{"api-key", ""}, status: 401, reason: auth.ReasonMalformedKey},
		{name: "malformed", header: []string{"api-key", "null"}, status: 401, reason: auth.ReasonMalformedKey},
		{name: "mistyped", header: []string{"api-key", unknown}, status: 401, reason: auth.ReasonMalformedKey},
		{name: "too long", header: []string{"api-key", k + strings.Repeat("0", 300)}, status: 401, reason: auth.ReasonMalformedKey},
		{name: "another space", header: []string{"api-key", other.Key.Reveal()}, status: 401, reason: auth.ReasonInvalidKey},
		{name: "expired", header: []string{"api-key", expired}, status: 401, reason: auth.ReasonExpiredKey},
		{name: "disabled", header: []string{"api-key", disabled}, status: 401, reason: auth.ReasonDisabledKey},
		{name: "invalidated", header: []string{"api-key", invalidated}, status: 401, reason: auth.ReasonInvalidatedKey},
		{name: "owner inactive", header: []string{"api-key", bob.Key.Reveal()}, status: 401, reason: auth.ReasonInactiveOwner},
		{name: "owner gone", header: []string{"api-key", ghost.Key.Reveal()}, status: 401, reason: auth.ReasonNoOwner},
		{name: "peer outside AllowedIPs", header: []string{"api-key", elsewhere}, status: 401, reason: auth.ReasonAddressRefused},
		{name: "Bearer without a token", header: []string{"Authorization", "Bearer"}, status: 401, reason: auth.ReasonMalformedKey},
		{name: "Bearer with another service's token", header: []string{"Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}, status: 401, reason: auth.ReasonMalformedKey},
		{name: "begins like Bearer", header: []string{"Authorization", "Bearer: " + k}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "Bearer and a tab", header: []string{"Authorization", "Bearer\t" + k}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "empty Authorization", header: []string{"Authorization", ""}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key in X-Api-Key", header: []string{"X-Api-Key", k}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key as another scheme's text", header: []string{"Authorization", "Token " + k}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key deep in another scheme's text", header: []string{"Authorization", `Digest username="` + k + `"`}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key as Basic's user", header: []string{"Authorization", basic(k, "")}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key as Basic's password", header: []string{"Authorization", basic("u", k)}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key in Basic's password after a blank", header: []string{"Authorization", basic("u", " "+k)}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key in Basic after a tab", header: []string{"Authorization", "Basic\t" + basic("u", k)[6:]}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key behind a user of a thousand bytes", header: []string{"Authorization", basic(strings.Repeat("u", 2000), k)}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key right behind a letter", header: []string{"Authorization", "Token x" + k}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key right behind a letter in X-Api-Key", header: []string{"X-Api-Key", "k" + k}, status: 401, reason: auth.ReasonMisplacedKey},
		{name: "a key without a scheme", header: []string{"Authorization", k}, status: 401, reason: auth.ReasonMisplacedKey},

		{name: "two credentials", header: []string{"api-key", k, "Authorization", "Bearer " + w.ada}, status: 400, reason: auth.ReasonAmbiguous},
		{name: "two equal credentials", header: []string{"api-key", k, "Authorization", "Bearer " + k}, status: 400, reason: auth.ReasonAmbiguous},
		{name: "a good and an empty one", header: []string{"api-key", k, "Authorization", "Bearer"}, status: 400, reason: auth.ReasonAmbiguous},
		{name: "joined by a comma", header: []string{"api-key", k + "," + k}, status: 400, reason: auth.ReasonRepeatedKey},
		{name: "Bearers joined by a comma", header: []string{"Authorization", "Bearer " + k + ", Bearer " + k}, status: 400, reason: auth.ReasonRepeatedKey},
		{name: "repeated", header: []string{"api-key", k, "api-key", k}, status: 400, reason: auth.ReasonRepeatedKey},
		{name: "Authorization repeated", header: []string{"Authorization", basic("u", "p"), "Authorization", "Bearer " + k}, status: 400, reason: auth.ReasonRepeatedKey},
		{name: "underscore", header: []string{"api_key", "x"}, status: 400, reason: auth.ReasonMisspeltName},
		{name: "underscore beside a good key", header: []string{"API_KEY", "x", "api-key", k}, status: 400, reason: auth.ReasonMisspeltName},
		{name: "a misplaced key beside a good one", header: []string{"X-Api-Key", k, "api-key", k}, status: 400, reason: auth.ReasonAmbiguous},
		{name: "api_key in the query", target: "/?api_key=" + k, status: 400, reason: auth.ReasonKeyInQuery},
		{name: "api_key in the query without a value", target: "/?x=1&api_key", status: 400, reason: auth.ReasonKeyInQuery},
		{name: "access_token in the query, name encoded", target: "/?%61ccess_token=1", status: 400, reason: auth.ReasonKeyInQuery},
		{name: "query beside a good key", target: "/?api_key=1", header: []string{"api-key", k}, status: 400, reason: auth.ReasonKeyInQuery},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := c.target
			if target == "" {
				target = "/"
			}
			guarded := w.guard.Identify(w.guard.Require("content/posts/read", who))
			if c.status == 200 {
				resp := serve(guarded, request(target, c.header...))
				require.Equal(t, 200, resp.StatusCode, body(t, resp))
				require.Equal(t, string(c.kind), resp.Header.Get("X-Who"))
				requireHeaders(t, resp)
				return
			}
			// a bad credential is refused behind every wrapper, on open routes too
			open := http.NewServeMux()
			w.guard.HandleOpen(open, "/", who)
			for _, h := range []http.Handler{guarded, w.guard.Handler(who), w.guard.Identify(who), w.guard.Require("content/posts/read", who), open} {
				heard = auth.Event{}
				resp := serve(h, request(target, c.header...))
				require.Equal(t, c.status, resp.StatusCode)
				require.Equal(t, c.reason, heard.Reason)
				requireProblem(t, resp, "")
				if c.status == 401 {
					require.Equal(t, `Bearer realm="api", error="invalid_token"`, resp.Header.Get("WWW-Authenticate"))
				}
			}
		})
	}

	for _, c := range []struct {
		name, key string
		reason    auth.Reason
	}{
		{"no role", roleless, auth.ReasonNoRole},
		{"role gone", rolegone, auth.ReasonNoRole},
		{"not granted", w.ada, auth.ReasonNotGranted},
		{"outside the scopes", narrowed, auth.ReasonOutOfScope},
	} {
		t.Run(c.name, func(t *testing.T) {
			permission := "content/posts/read"
			if c.reason == auth.ReasonNotGranted {
				permission = "content/posts/create"
			}
			resp := serve(w.guard.Require(permission, who), request("/", "api-key", c.key))
			require.Equal(t, 403, resp.StatusCode)
			require.Equal(t, c.reason, heard.Reason)
			require.Empty(t, resp.Header.Get("WWW-Authenticate"))
			requireProblem(t, resp, permission)
		})
	}
}

// requireHeaders is what every response that passed the guard carries.
func requireHeaders(t *testing.T, resp *http.Response) {
	t.Helper()
	require.Equal(t, []string{"Api-Key, Authorization"}, resp.Header.Values("Vary"))
	require.Equal(t, []string{"no-store"}, resp.Header.Values("Cache-Control"))
}

var texts = map[int]string{
	400: "Bad request", 401: "Authentication failed", 403: "Permission denied", 429: "Rate limit exceeded",
	500: "Internal server error", 503: "Service unavailable",
}

// requireProblem is the shape of every refusal.
func requireProblem(t *testing.T, resp *http.Response, permission string) {
	t.Helper()
	requireHeaders(t, resp)
	require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	want := map[string]any{
		"type": "about:blank", "title": http.StatusText(resp.StatusCode), "status": float64(resp.StatusCode), "error": texts[resp.StatusCode],
	}
	if permission != "" {
		want["permission"] = permission
	}
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(body(t, resp)), &got))
	if detail, ok := got["detail"]; ok {
		require.Regexp(t, `\A[A-Z][ -~]+\.\z`, detail)
		delete(got, "detail")
	}
	require.Equal(t, want, got)
	require.Equal(t, resp.StatusCode == 401, resp.Header.Get("WWW-Authenticate") != "")
	require.Equal(t, resp.StatusCode == 503 || resp.StatusCode == 429, resp.Header.Get("Retry-After") != "")
}
