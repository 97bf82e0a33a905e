package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// detail asks for target and returns the status and the member "detail" of its problem document.
func (w *world) detail(t *testing.T, target string, header ...string) (status int, detail string) {
	t.Helper()
	resp := serve(w.guard.Identify(w.guard.Require("content/posts/read", who)), request(target, header...))
	text := body(t, resp)
	require.NotContains(t, text, w.editor[4:])
	var problem struct{ Detail string }
	if resp.StatusCode != 200 {
		require.NoError(t, json.Unmarshal([]byte(text), &problem))
	}
	return resp.StatusCode, problem.Detail
}

const belongs = " Send the key in the header api-key, or in the header Authorization after the word Bearer."

func TestAKeyInTheWrongHeaderOrCookieIsRefused(t *testing.T) {
	asked := 0
	w := newWorld(t, func(c *auth.Config) {
		c.SignedIn = func(*http.Request) (string, error) { asked++; return "ada", nil }
	})
	k := w.editor
	mistyped := "USR-" + strings.Repeat("0", 40)
	imported := "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"
	for _, c := range []struct{ name, value, place string }{
		{"Apikey", k, "header Apikey"},
		{"apikey", k, "header Apikey"},
		{"X-Auth-Token", k, "header X-Auth-Token"},
		{"Cockpit-Token", k, "header Cockpit-Token"},
		{"Api.key", k, "header Api.key"},
		{"X-Anything", mistyped, "header X-Anything"},
		{"X-Anything", imported, "header X-Anything"},
		{"X-Anything", strings.ToUpper(k), "header X-Anything"},
		{"X-Anything", "  " + k + "\t", "header X-Anything"},
		{"X-Anything", `"` + k + `"`, "header X-Anything"},
		{"X-Api-Key", k, "header X-Api-Key"},
		{"Proxy-Authorization", "Bearer " + k, "header Proxy-Authorization"},
		{"Proxy-Authorization", `Token "` + k + `"`, "header Proxy-Authorization"},
		{"Proxy-Authorization", "Bearer:\t " + k, "header Proxy-Authorization"},
		{"Proxy-Authorization", basic("x", k), "header Proxy-Authorization"},
		{"X-Forwarded-Authorization", basic(k, ""), "header X-Forwarded-Authorization"},
		{"Sec-Websocket-Protocol", "graphql-transport-ws, " + k, "header Sec-Websocket-Protocol"},
		{strings.Repeat("X", 32), k, "header " + "X" + strings.Repeat("x", 31)},
		{strings.Repeat("X", 33), k, "header"},
		{"X-$(id)", k, "header"},

		{"Cookie", "api_key=" + k, "cookie api_key"},
		{"Cookie", "api-key=" + k + "; session=1", "cookie api-key"},
		{"Cookie", `a=1;b="` + k + `" ; c`, "cookie b"},
		{"Cookie", "a=1; token = " + k, "cookie token"},
		{"Cookie", "; a=1; key=" + k + "; b=2", "cookie key"},
		{"Cookie", k, "cookie"},
		{"Cookie", "<b>=" + k, "cookie"},
		{"Cookie", k + "=" + k, "cookie"},
	} {
		status, detail := w.detail(t, "/", c.name, c.value)
		require.Equal(t, 401, status, "%s: %s", c.name, c.value)
		require.Equal(t, "The "+c.place+" holds an API key, which is not accepted there."+belongs, detail)
	}
	require.Zero(t, asked, "SignedIn is asked after that")

	status, _ := w.detail(t, "/", "X-Auth-Token", "theirs", "X-Auth-Token", k)
	require.Equal(t, 401, status, "the second line of a repeated header")
}

func TestWhatIsNoKeyIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	k := w.editor
	for _, c := range [][2]string{
		{"User-Agent", "API-client/1.0"},
		{"User-Agent", "USR-agent/1.0 (compatible; API-bot; +https://example.com/a-long-enough-address)"},
		{"X-Trace", "API-" + strings.Repeat("0", 39)},
		{"X-Trace", "API-" + strings.Repeat("0", 41)},
		{"X-Trace", "XAPI-" + strings.Repeat("0", 40)},
		{"X-Trace", "api-" + strings.Repeat("0", 40)},
		{"X-Trace", "API-" + strings.Repeat("0", 39) + "g"},
		{"Etag", strings.Repeat("0", 40)},
		{"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		{"Referer", "https://example.com/?api_key=" + k},
		{"X-Forwarded-Uri", "/?token=" + k},
		{"X-Original-Url", "/keys/" + k},
		{"X-Note", "the old key was " + k},
		{"X-Note", "Basic " + strings.Repeat("words ", 500)},
		{"Cookie", "last=/?api_key=" + k + "; q=API-docs; session=" + k[4:]},
		{"Cookie", "a=" + k + ".signed"},
		{"Proxy-Authorization", basic("user", "password-of-some-length-that-is-theirs")},
		{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu/s3/aws4_request, Signature=" + strings.Repeat("0", 64)},
	} {
		status, _ := w.detail(t, "/", c[0], c[1])
		require.Equal(t, 200, status, c)
	}
	for _, query := range []string{
		"q=API-docs", "q=USR-", "q=x" + k, "q=" + k + "0", "q=see+" + k, "back=/?api_keys%3D" + k, "q=" + k[:43], "=", "q=%22" + k + "%22",
	} {
		status, _ := w.detail(t, "/?"+query)
		require.Equal(t, 200, status, query)
	}
}

// A credential in an accepted place decides alone: other headers are not read.
func TestAKeyInAnAcceptedPlaceIsNotSpoiltByHeaders(t *testing.T) {
	w := newWorld(t)
	for _, c := range [][]string{
		{"api-key", w.editor, "Cookie", "api_key=" + w.editor},
		{"Authorization", "Bearer " + w.editor, "X-Auth-Token", w.ada},
	} {
		status, _ := w.detail(t, "/", c...)
		require.Equal(t, 200, status)
	}
	status, _ := w.detail(t, "/", "api-key", "junk", "Cookie", "api_key="+w.editor)
	require.Equal(t, 401, status)
}

func TestAKeyInTheQueryIsRefusedOnEveryRequest(t *testing.T) {
	w := newWorld(t)
	k := w.editor
	every := ""
	for i := range len(k) {
		every += "%" + strings.ToUpper(string("0123456789abcdef"[k[i]>>4])+string("0123456789abcdef"[k[i]&15]))
	}
	for query, place := range map[string]string{
		"api-key=" + k:                      "query parameter api-key",
		"apikey=" + k:                       "query parameter apikey",
		"API_KEY=" + k:                      "query parameter API_KEY",
		"a=1&token=" + k + "&b=2":           "query parameter token",
		"key=" + k:                          "query parameter key",
		"a=1;api_key=" + k:                  "query parameter api_key",
		"key=" + k + ";a=1":                 "query parameter key",
		"t%6Fken=" + k:                      "query parameter token",
		"token=" + strings.ToUpper(k):       "query parameter token",
		"token=" + every:                    "query parameter token",
		"token=API%2d" + k[4:]:              "query parameter token",
		"token=+" + k + "%0A":               "query parameter token",
		"token[]=" + k:                      "query parameter",
		"%22%0d%0aSet-Cookie:=" + k:         "query parameter",
		strings.Repeat("x", 100) + "=" + k:  "query parameter",
		strings.Repeat("%78", 33) + "=" + k: "query parameter",
		"=" + k:                             "query parameter",
		k:                                   "query parameter",
		k + "=":                             "query parameter",
		"api_key=" + k:                      "query parameter api_key",
		"access_token=theirs":               "query parameter access_token",
	} {
		for _, header := range [][]string{nil, {"api-key", k}, {"Authorization", "Bearer " + w.ada}} {
			status, detail := w.detail(t, "/?"+query, header...)
			require.Equal(t, 400, status, query)
			require.Equal(t, "The "+place+" holds a credential, which is not accepted there: addresses are logged."+belongs, detail)
		}
	}
}

// Each setting keeps its meaning beside the rule for keys in wrong places.
func TestSettingsKeepTheirMeaning(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.QueryNames = []string{"k"} })
	for query, want := range map[string]int{
		"k=1": 400, "api_key=theirs": 200, "access_token=theirs": 200, "api_key=API-x": 400, "token=" + w.editor: 400, "token=API-x": 200,
	} {
		status, _ := w.detail(t, "/?"+query)
		require.Equal(t, want, status, query)
	}

	w = newWorld(t, func(c *auth.Config) { c.Sources = auth.SourceAPIKeyHeader | auth.SourceInsecureQuery })
	for query, want := range map[string]int{
		"api_key=" + w.editor: 200, "token=" + w.editor: 400, "api_key=" + w.editor + "&token=" + w.editor: 400, "api_key=junk": 401, "a=1;token=" + w.editor: 400,
	} {
		status, _ := w.detail(t, "/?"+query)
		require.Equal(t, want, status, query)
	}
	_, detail := w.detail(t, "/", "X-Auth-Token", w.editor)
	require.Contains(t, detail, "Send the key in the header api-key, or in the query parameter api_key.")

	w = newWorld(t, func(c *auth.Config) { c.ForeignBearer = true })
	for _, c := range []struct {
		header []string
		want   int
	}{
		{[]string{"Authorization", "Bearer theirs"}, 200},
		{[]string{"Authorization", "Bearer theirs", "X-Auth-Token", w.editor}, 401},
		{[]string{"Authorization", "Bearer theirs", "Cookie", "k=" + w.editor}, 401},
		{[]string{"Authorization", "Bearer theirs", "api-key", w.editor, "Cookie", "k=" + w.editor}, 200},
	} {
		status, _ := w.detail(t, "/", c.header...)
		require.Equal(t, c.want, status, c.header)
	}
}

// Clients write Basic in several ways. Whatever the alphabet of its base64, and whether the key in it is percent-encoded
// or not, a key in it is refused.
func TestAKeyInBasicIsFoundInEveryForm(t *testing.T) {
	w := newWorld(t)
	encoded := strings.Replace(w.editor, "-", "%2D", 1)
	odd := "\xff\xfe\xfb\xef?>" // base64 needs the characters in which the alphabets differ
	for name, text := range map[string]string{
		"as user": w.editor + ":", "as password": "u:" + w.editor, "encoded as user": encoded + ":", "encoded as password": "u:" + encoded,
		"behind odd bytes": odd + ":" + w.editor, "behind more of them": odd + odd + "x:" + encoded, "encoded, lower case": "u:" + strings.ToLower(encoded[:7]) + w.editor[4:] + url.QueryEscape(" "+w.editor),
	} {
		standard := base64.StdEncoding.EncodeToString([]byte(text))
		forURLs := base64.URLEncoding.EncodeToString([]byte(text))
		for _, value := range []string{
			standard, forURLs, strings.TrimRight(standard, "="), strings.TrimRight(forURLs, "="), standard[:8] + forURLs[8:], url.QueryEscape(standard), url.QueryEscape(forURLs),
		} {
			status, detail := w.detail(t, "/", "Authorization", "Basic "+value)
			require.Equal(t, 401, status, "%s: %s", name, value)
			require.Equal(t, "The header Authorization holds a credential in a form that is not accepted."+belongs, detail)
		}
	}
	for _, text := range []string{odd + ":" + odd, "50%:100%2", "u:%41PI", "%:%%%"} {
		status, _ := w.detail(t, "/", "Authorization", "Basic "+base64.URLEncoding.EncodeToString([]byte(text)))
		require.Equal(t, 200, status, text)
	}
}

// Hosts that are not net/http, and messages, meet the same rule.
func TestCheckCallAndCheckMessageFindStrayKeys(t *testing.T) {
	w := newWorld(t)
	for _, h := range []http.Header{
		{"X-Auth-Token": {w.editor}}, {"x-auth-token": {w.editor}}, {"cookie": {"k=" + w.editor}}, {w.editor + "\r\n": {w.editor}},
	} {
		_, err := w.guard.CheckCall(t.Context(), auth.Call{Header: h})
		refusal, _ := errors.AsType[*auth.Refusal](err)
		require.Equal(t, []any{401, auth.ReasonMisplacedKey}, []any{refusal.Status, refusal.Reason}, h)
		require.Regexp(t, `\A[ -~]+\z`, refusal.Detail)
		_, err = w.guard.CheckMessage(request("/", "api-key", w.ada), h)
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, auth.ReasonMisplacedKey, refusal.Reason)
	}
	_, err := w.guard.CheckCall(t.Context(), auth.Call{Header: http.Header{}, Query: "token=" + w.editor})
	refusal, _ := errors.AsType[*auth.Refusal](err)
	require.Equal(t, 400, refusal.Status)
}

// A ring with prefixes of its own looks for these, and not for the usual ones.
func TestStrayKeysHaveTheRingsPrefixes(t *testing.T) {
	ring, err := keys.Open(keys.Config{Store: keys.NewMemoryStore(), CustomPrefixes: []string{"acme_live_"}})
	require.NoError(t, err)
	w := newWorld(t, func(c *auth.Config) { c.Keys = ring })
	digits := strings.Repeat("0", 40)
	for value, want := range map[string]int{"acme_live_" + digits: 401, "USR-" + digits: 401, "API-" + digits: 200, "acme_live_x" + digits: 200} {
		status, _ := w.detail(t, "/", "X-Auth-Token", value)
		require.Equal(t, want, status, value)
	}
}
