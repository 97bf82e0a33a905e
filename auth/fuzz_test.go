package auth

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// defaultFormat is the one of a ring with default settings, and goodKey a key of its shape.
var (
	defaultFormat = keys.NewRing(keys.NewMemoryStore()).Format()
	keyPattern    = regexp.MustCompile(defaultFormat.Pattern())
)

const goodKey = "USR-00112233445566778899aabbccddeeffaf934b1b"

func TestFuzzSeedIsAGoodKey(t *testing.T) { require.True(t, defaultFormat.Valid(goodKey)) }

// oddName matches api_key and the spellings that some servers accept for it.
var oddName = regexp.MustCompile(`(?s)^ *[aA][pP][iI][-_. \[][kK][eE][yY]($|[ \[\x00].*)`)

var wholeKey = regexp.MustCompile(`\A(USR|API)-[0-9a-fA-F]{40}\z`)

// isKey reports whether an encoded name or value is one of our keys once it is decoded, blanks aside.
func isKey(encoded string) bool {
	text := strings.TrimFunc(unescape(encoded), func(r rune) bool { return r <= ' ' })
	return len(encoded) <= 3*maxCredential && wholeKey.MatchString(text)
}

// FuzzQuery compares the scan of the query with what net/url makes of it: a name that is refused is refused
// exactly if net/url finds it, a key is found only under the one spelling of its name, and under any other it is refused.
func FuzzQuery(f *testing.F) {
	for _, raw := range []string{
		"Api.Key[x]=y", "api_key=a,b", "api_key=a%2Cb", "+api-key=1", "b;api_key", "api_key%3D=x", "api_key=" + strings.Repeat("%41", 300),
		"", "api_key=x", "a=1&access_token", "%61pi_key=x", "api%5Fkey=" + goodKey, "api_key[]=x", "API_KEY=x", "a=1;api_key=x", "api_key=&api_key=x",
		"token=" + goodKey, goodKey, goodKey + "=", "token=+" + goodKey + "%20", "q=" + strings.Replace(goodKey, "-", "%2D", 1), "q=%55SR-" + goodKey[4:], "q=x" + goodKey, "q=" + goodKey + "0", "q=API-docs", "q=%20" + goodKey + "+x",
		"=%55SR-" + goodKey[4:], "a=api_key=x", "&&=&api+key=x", "api_key%00=x", "x=%zz&api_key=1", "access_token=%55SR-1&page=2", "page=2&api_key=%55SR-1+2%2", "api_key=%55SR-1+2", strings.Repeat("a", 800) + "=1&api_key=x",
	} {
		f.Add(raw)
	}
	strict := newExtractor(Config{Sources: SourceAPIKeyHeader | SourceBearer, ForeignBearer: false, QueryNames: defaultQueryNames}, defaultFormat)
	lax := newExtractor(Config{Sources: SourceAPIKeyHeader | SourceBearer, ForeignBearer: false, QueryNames: []string{}}, defaultFormat)
	source := newExtractor(Config{Sources: SourceInsecureQuery, ForeignBearer: false, QueryNames: defaultQueryNames}, defaultFormat)
	f.Fuzz(func(t *testing.T, raw string) {
		found, refusal := strict.extract(http.Header{}, raw) // never panics, whatever comes in
		_, _, laxly := lax.query(raw)
		value, n, bad := source.query(raw)
		keyed := func(accepted string) bool { // "=" is no parameter's name: none is accepted
			return slices.ContainsFunc(strings.Split(raw, "&"), func(pair string) bool {
				name, value, _ := strings.Cut(pair, "=")
				return name != accepted && (isKey(name) || isKey(value))
			})
		}
		stripped := withoutParameter(raw, insecureQueryName)
		values, err := url.ParseQuery(raw) // it refuses a ';' and what does not decode
		if err != nil {
			t.Skip()
		}
		apiKeys, tokens := values["api_key"], values["access_token"]
		require.Zero(t, found)
		require.Equal(t, len(apiKeys)+len(tokens) > 0 || keyed("="), refusal != nil)
		if refusal != nil {
			require.Equal(t, http.StatusBadRequest, refusal.Status)
			require.Contains(t, []Reason{ReasonAmbiguous, ReasonRepeatedKey, ReasonMisspeltName, ReasonKeyInQuery}, refusal.Reason)
			require.False(t, keyPattern.MatchString(refusal.Detail))
			require.Regexp(t, `\A[ -~]{1,300}\z`, refusal.Detail)
		}
		require.Equal(t, keyed("=") || slices.ContainsFunc(slices.Concat(apiKeys, tokens), defaultFormat.HasPrefix), laxly != nil)
		odd := slices.ContainsFunc(strings.Split(raw, "&"), func(pair string) bool {
			name, value, _ := strings.Cut(pair, "=")
			plain := unescape(clip(value, 3*maxCredential+1)) // more is not looked at
			return name == "api_key" && strings.Contains(plain, ",") || name != "api_key" && oddName.MatchString(unescape(name))
		})
		require.Equal(t, len(tokens) > 0 || odd || keyed("api_key"), bad != nil)
		if bad == nil {
			require.Equal(t, len(apiKeys), n)
			if n > 0 {
				want := apiKeys[n-1]
				require.True(t, value == want || len(value) > maxCredential && strings.HasPrefix(want, value[:maxCredential]))
			}
		}
		left, err := url.ParseQuery(stripped)
		require.NoError(t, err)
		values.Del("api_key")
		require.Equal(t, values, left)
	})
}

// FuzzFind puts anything into the three headers: bit i of present says that header i is there, bit i+3 that it
// is there twice.
func FuzzFind(f *testing.F) {
	for _, value := range []string{
		goodKey, "", " ", "junk", "Bearer " + goodKey, "bearer  " + goodKey, "Bearer", "Bearer: " + goodKey, "Token " + goodKey, goodKey + ",", "\t" + goodKey,
		"Basic VVNSLTAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmYWY5MzRiMWI6eA==", "Basic dTpw", "Negotiate YII=", strings.Repeat("x", 300),
	} {
		for present := range uint8(8) {
			f.Add(present, value, value, value, uint8(0), false)
		}
	}
	f.Add(uint8(0o13), goodKey, "", "", uint8(15), false)
	f.Add(uint8(0o22), "", "Bearer jwt", "", uint8(3), true)
	f.Add(uint8(0o44), "", "", goodKey, uint8(4), true)
	f.Fuzz(func(t *testing.T, present uint8, apiKey, authorization, xAPIKey string, sources uint8, foreignBearer bool) {
		h := http.Header{}
		for i, name := range []string{"Api-Key", "Authorization", "X-Api-Key"} {
			value := []string{apiKey, authorization, xAPIKey}[i]
			for _, bit := range []uint8{1 << i, 8 << i} {
				if present&bit != 0 {
					h[name] = append(h[name], value)
				}
			}
		}
		c := Sources(sources) & (SourceAPIKeyHeader | SourceBearer | SourceNonstandardXAPIKey | SourceInsecureQuery)
		if c == 0 {
			c = SourceAPIKeyHeader | SourceBearer
		}
		x := newExtractor(Config{Sources: c, ForeignBearer: foreignBearer, QueryNames: defaultQueryNames}, defaultFormat)
		found, refusal := x.extract(h, "")

		holdsKey := func(name string) bool { return slices.ContainsFunc(h[name], keyPattern.MatchString) }
		basicKey := false
		if len(authorization) <= maxCredential { // of a longer one not all is decoded
			user, password, _ := (&http.Request{Header: h}).BasicAuth()
			basicKey = defaultFormat.HasPrefix(user) || defaultFormat.HasPrefix(password)
		}
		bearer := len(authorization) >= 6 && strings.EqualFold(authorization[:6], "bearer")
		filled := map[Sources]bool{
			SourceAPIKeyHeader:       h["Api-Key"] != nil,
			SourceBearer:             h["Authorization"] != nil && (holdsKey("Authorization") || basicKey || bearer && !foreignBearer),
			SourceNonstandardXAPIKey: h["X-Api-Key"] != nil && (holdsKey("X-Api-Key") || c&SourceNonstandardXAPIKey != 0),
		}

		if found.source == 0 {
			require.Empty(t, found.text)
			if refusal == nil {
				require.NotContains(t, []bool{filled[SourceAPIKeyHeader], filled[SourceBearer], filled[SourceNonstandardXAPIKey]}, true, "something sent was overlooked")
			}
			return
		}
		require.Nil(t, refusal)
		require.NotZero(t, found.source&c, "found where nothing may stand")
		for place, full := range filled {
			require.False(t, full && place != found.source, "found by source %d although source %d is filled", found.source, place)
		}
		require.NotEmpty(t, found.text)
		require.LessOrEqual(t, len(found.text), maxCredential)
		require.NotContains(t, found.text, ",", "one of a list")
		switch found.source {
		case SourceAPIKeyHeader:
			require.Equal(t, []string{found.text}, h["Api-Key"])
		case SourceBearer:
			require.Len(t, h["Authorization"], 1)
			spaces, cut := strings.CutSuffix(authorization[6:], found.text)
			require.True(t, bearer && cut && len(spaces) > 0 && strings.Trim(spaces, " ") == "", "%q is not all of %q", found.text, authorization)
			require.NotEqual(t, ' ', rune(found.text[0]))
		case SourceNonstandardXAPIKey:
			require.Equal(t, []string{found.text}, h["X-Api-Key"])
		default:
			t.Fatalf("source %d, but no query", found.source)
		}
	})
}

// FuzzTemplate fills templates with what routes could hand over.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"content/{model}/read", "{a}/{a}", "content/posts/read", "{a", "b{a}/{a}", "{}/x", "content/*/read", "{a...}", ""} {
		for _, value := range []string{"posts", "", "a/b", "..", ".", "*", "**", "posts ", "\x00", "{a}", "ｐosts", strings.Repeat("x", 65)} {
			f.Add(text, value)
		}
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		made, err := parseTemplate(text)
		if err != nil {
			return
		}
		require.True(t, roles.ValidPattern(made.pattern()))
		permission, empty, ok := made.fill(nil, func(_ *http.Request, name string) string {
			require.Contains(t, made.names(), name)
			return value
		})
		if len(made.names()) > 0 {
			require.Equal(t, roles.ValidSegment(value), ok)
			require.Equal(t, value == "", empty != "")
		}
		if !ok {
			require.Empty(t, permission)
			return
		}
		require.True(t, roles.ValidPermission(permission), permission)
		require.Equal(t, strings.Count(text, "/"), strings.Count(permission, "/"))
		require.True(t, roles.Match(made.pattern(), permission))
	})
}

// FuzzProblem writes refusals that name anything as missing.
func FuzzProblem(f *testing.F) {
	for _, missing := range []string{"", "content/posts/read", "a\r\nSet-Cookie: x=1", "\"}{", "\xff\xfe", "<script>", "\u2028"} {
		f.Add(uint8(2), missing, int64(time.Second), true)
		f.Add(uint8(5), missing, int64(-1), false)
	}
	f.Add(uint8(3), "", int64(math.MaxInt64), false)
	f.Fuzz(func(t *testing.T, which uint8, missing string, after int64, shown bool) {
		statuses := []int{400, 401, 403, 429, 500, 503}
		refusal := &Refusal{Status: statuses[int(which)%len(statuses)], Missing: missing, Detail: missing, RetryAfter: time.Duration(after), credential: shown}
		w := httptest.NewRecorder()
		Problem(w, nil, refusal)
		require.Equal(t, refusal.Status, w.Code)
		for name, values := range w.Header() {
			require.NotContains(t, name+strings.Join(values, ""), "\r")
			require.NotContains(t, name+strings.Join(values, ""), "\n")
		}
		var problem struct {
			Status             int
			Permission, Detail string
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem), w.Body)
		require.Equal(t, refusal.Status, problem.Status)
		if utf8.ValidString(missing) {
			require.Equal(t, missing, problem.Permission)
			require.Equal(t, missing, problem.Detail)
		}
		if wait := w.Header().Get("Retry-After"); wait != "" {
			seconds, err := strconv.ParseInt(wait, 10, 64)
			require.NoError(t, err)
			require.GreaterOrEqual(t, float64(seconds), max(1, refusal.RetryAfter.Seconds()), "shorter than asked for")
		}
	})
}
