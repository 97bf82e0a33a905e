package auth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever stands in a query, scanning it for a key costs no memory. Only a value that has to be decoded does, and of
// that no more is decoded than can be a key.
func TestScanningTheQueryAllocatesNothing(t *testing.T) {
	f := newExtractor(Config{Sources: SourceAPIKeyHeader | SourceBearer | SourceInsecureQuery, InsecureFirstWins: true}, defaultFormat)
	h := http.Header{"Api-Key": {goodKey}, "Authorization": {"Bearer " + goodKey}}
	many := strings.Repeat("filter%5Btitle%5D=a;b&", 10_000)
	for name, c := range map[string]struct {
		query  string
		first  Sources
		allocs float64
	}{
		"nothing":              {"", SourceAPIKeyHeader, 0},
		"a key":                {"limit=1&api_key=" + goodKey, SourceInsecureQuery, 0},
		"a key, encoded":       {"api_key=" + strings.Replace(goodKey, "-", "%2D", 1), SourceInsecureQuery, 1},
		"many parameters":      {strings.ReplaceAll(many, "%", "") + "api_key=" + goodKey, SourceInsecureQuery, 0},
		"an array":             {"api_key%5B" + strings.Repeat("%41", 100_000) + "]=x", 0, 0},
		"behind many blanks":   {strings.Repeat("+", 100_000) + "%61pi_key", 0, 0},
		"behind many ;":        {strings.Repeat(";", 100_000) + "api_key", 0, 0},
		"a value without end":  {"api_key=" + strings.Repeat("k", 1<<20), 0, 0},
		"a value to be cut":    {"api_key=" + strings.Repeat("%41", 1<<20), 0, 1},
		"a name without end":   {strings.Repeat("%41", 1<<20) + "=x", SourceAPIKeyHeader, 0},
		"many that are garble": {strings.Repeat("api%5Fke=x&", 10_000), SourceAPIKeyHeader, 10_000},
	} {
		shown, refusal := f.extract(h, c.query)
		require.Equal(t, c.first, shown.source, name)
		require.Equal(t, c.first == 0, refusal != nil, name)
		require.LessOrEqual(t, testing.AllocsPerRun(3, func() { f.extract(h, c.query) }), c.allocs, name)
	}
}

// A malformed escape stays unchanged, and the escapes beside it are decoded.
func TestMalformedEscapesStayUnchanged(t *testing.T) {
	for text, want := range map[string]string{
		"api_key": "api_key", "api%5Fkey": "api_key", "api%5fkey": "api_key", "a+b%2B": "a b+", "%C3%A4": "ä",
		"%": "%", "50%": "50%", "%5": "%5", "%g1": "%g1", "%1g": "%1g", "%%41": "%A", "%4%41": "%4A",
	} {
		require.Equal(t, want, unescape(text), text)
	}
}
