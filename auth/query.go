package auth

import (
	"slices"
	"strings"
)

// defaultQueryNames are the parameters that clients put keys into. Naming one is refused: a key does not
// belong into an address, and to overlook it would answer as if nothing had been shown.
var defaultQueryNames = []string{"api_key", "access_token"}

// insecureQueryName is where InsecureQuery reads the key, as Cockpit does.
const insecureQueryName = "api_key"

// query scans the raw query by name, without building a map: the number of parameters costs no memory. Only
// '&' separates (a ';' is data, as in net/url). Names are compared after percent-decoding. It returns the
// value that InsecureQuery allows with how often its name stands there, and whether anything else looks
// like a credential.
func (f *finder) query(raw string) (value string, n int, bad bool) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, v, _ := strings.Cut(pair, "=")
		if len(name) < f.shortest || len(name) > 3*f.longest {
			continue // cannot be one of ours, however it is written: most are passed over here
		}
		name = unescape(name)
		switch {
		case f.carriers&InsecureQuery != 0 && name == insecureQueryName:
			value = unescape(v)
			n++
		case slices.Contains(f.queryNames, name):
			return "", 0, true
		case slices.Contains(defaultQueryNames, name) && f.format.HasPrefix(unescape(clip(v, 3*maxCredential))):
			return "", 0, true // even where the host took the name for something of its own
		}
	}
	return value, n, false
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

// unescape decodes %XX and '+' and leaves what is malformed as it stands: unlike url.QueryUnescape it has no
// error, since a name that does not decode is only a name that is not ours.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			b.WriteByte(byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2])))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// withoutParameter returns raw without the pairs of this name, the others as they stand.
func withoutParameter(raw, name string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		if n, _, _ := strings.Cut(pair, "="); unescape(n) != name {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
