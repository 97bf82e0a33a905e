package auth

import (
	"slices"
	"strings"
)

// defaultQueryNames are the parameters that clients put keys into. Such a parameter is refused: a key does not belong
// in an address, and a request whose key is ignored would be answered as anonymous.
var defaultQueryNames = []string{"api_key", "access_token"}

// insecureQueryName is the parameter that SourceInsecureQuery reads, as Cockpit does.
const insecureQueryName = "api_key"

// query scans the raw query by name without building a map, so the number of parameters costs no memory. Names are
// compared after percent-decoding, and only '&' separates them (a ';' is data, as in net/url). It returns the value
// for SourceInsecureQuery and how often its name occurs. It refuses every other credential in the query.
func (f *extractor) query(raw string) (value string, n int, refusal *Refusal) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, v, _ := strings.Cut(pair, "=")
		if f.sources&SourceInsecureQuery != 0 {
			if name == insecureQueryName && strings.IndexByte(v, ';') < 0 {
				value = unescape(clip(v, 3*maxCredential+1)) // a clipped value is still too long for a key
				if strings.IndexByte(value, ',') >= 0 {
					return "", 0, refuseOddQuery
				}
				n++
				continue
			}
			if garbled(pair) {
				return "", 0, refuseOddQuery
			}
		}
		if len(pair) > keyDigits && (f.isEncoded(v) || f.isEncoded(name) || strings.IndexByte(pair, ';') >= 0) {
			if name, ok := f.keyIn(pair); ok {
				return "", 0, f.inQuery(name)
			}
		}
		if len(name) < f.shortest || len(name) > 3*f.longest {
			continue // too short or too long for each name in any encoding: the usual case
		}
		name = unescape(name)
		switch {
		case slices.Contains(f.queryNames, name):
			return "", 0, f.inQuery(name)
		case slices.Contains(defaultQueryNames, name) && f.format.HasPrefix(unescape(clip(v, 3*maxCredential))):
			return "", 0, f.inQuery(name) // even if the host uses the name for something else
		}
	}
	return value, n, nil
}

// keyIn finds one of our keys in a parameter, as its whole value or as its name. Some servers also separate
// parameters with ';', so it reads each part between two of them as a parameter too. It returns the name beside the
// key.
func (f *extractor) keyIn(pair string) (name string, ok bool) {
	for part := range strings.SplitSeq(pair, ";") {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case f.isEncoded(value):
			return unescape(clip(name, 3*maxPlace+1)), true
		case f.isEncoded(name):
			return "", true
		}
	}
	return "", false
}

// isEncoded reports whether s is one of our keys after percent-decoding, ignoring blanks around it. It allocates only
// if every decoded character may occur in a key.
func (f *extractor) isEncoded(s string) bool {
	if len(s) <= keyDigits || len(s) > 3*maxCredential {
		return false
	}
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 && s[0] > ' ' && s[len(s)-1] > ' ' {
		return f.format.Matches(s) // nothing to decode or to trim
	}
	var text [maxCredential]byte
	n, ended := 0, false
	for s != "" {
		var c byte
		switch c, s = decoded(s); {
		case c <= ' ':
			ended = n > 0
		case ended || n == len(text) || !nameByte(c):
			return false
		default:
			text[n] = c
			n++
		}
	}
	return n > keyDigits && f.format.Matches(string(text[:n]))
}

// garbled reports whether pair has the name of SourceInsecureQuery in a spelling that some server accepts: encoded,
// in capitals, with another mark in the middle, after blanks, as an array, or with ';' as separator. If keys are
// accepted in the query, such a parameter is a credential that is not valid.
func garbled(pair string) bool {
	for piece := range strings.SplitSeq(pair, ";") {
		if name, _, _ := strings.Cut(piece, "="); resembles(name) {
			return true
		}
	}
	return false
}

// resembles compares the name byte by byte while decoding it, so a long one costs no memory.
func resembles(name string) bool {
	c, rest := decoded(name)
	for c == ' ' {
		c, rest = decoded(rest)
	}
	for i := range len(insecureQueryName) {
		want := insecureQueryName[i]
		if want == '_' && strings.IndexByte("_-. [", c) < 0 || want != '_' && c|0x20 != want {
			return false
		}
		c, rest = decoded(rest)
	}
	return c == 0 || c == ' ' || c == '[' // the end, or a character at which some servers cut the name
}

// decoded returns the first decoded byte of s and the rest of s; at its end it returns NUL.
func decoded(s string) (c byte, rest string) {
	switch {
	case s == "":
		return 0, ""
	case s[0] == '+':
		return ' ', s[1:]
	case s[0] == '%' && len(s) > 2 && hexDigit(s[1]) >= 0 && hexDigit(s[2]) >= 0:
		return byte(hexDigit(s[1])<<4 | hexDigit(s[2])), s[3:]
	}
	return s[0], s[1:]
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

// unescape decodes %XX and '+' and leaves malformed escapes unchanged. Unlike url.QueryUnescape it has no error: a
// name that does not decode is just not one of our names.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		var c byte
		c, s = decoded(s)
		b.WriteByte(c)
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

// withoutParameter returns raw without the parameters of this name and leaves the others unchanged.
func withoutParameter(raw, name string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		if n, _, _ := strings.Cut(pair, "="); unescape(n) != name {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
