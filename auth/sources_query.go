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

// query scans the raw query by name, without building a map: the number of parameters costs no memory. Names are
// compared after percent-decoding, and only '&' separates them (a ';' is data, as in net/url). It returns the value that
// InsecureQuery accepts and how often its name occurs, or refuses anything else that looks like a credential.
func (f *extractor) query(raw string) (value string, n int, refusal *Refusal) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, v, _ := strings.Cut(pair, "=")
		if f.sources&SourceInsecureQuery != 0 {
			if name == insecureQueryName && strings.IndexByte(v, ';') < 0 {
				value = unescape(clip(v, 3*maxCredential+1)) // what is cut off still leaves it too long
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
			continue // cannot be one of ours, however it is written: most are passed over here
		}
		name = unescape(name)
		switch {
		case slices.Contains(f.queryNames, name):
			return "", 0, f.inQuery(name)
		case slices.Contains(defaultQueryNames, name) && f.format.HasPrefix(unescape(clip(v, 3*maxCredential))):
			return "", 0, f.inQuery(name) // even where the host took the name for something of its own
		}
	}
	return value, n, nil
}

// keyIn finds one of our keys in a parameter: as its whole value, or as its name. Some servers also separate parameters
// with ';', so each part between two of them is a parameter too. It returns the name beside the key.
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

// isEncoded reports whether s is one of our keys after percent-decoding, blanks around it aside. It allocates only if
// the decoded text has nothing but characters of a key.
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

// garbled reports whether pair holds the name of InsecureQuery in a spelling that some server or other takes for it:
// encoded, in capitals, with another mark in the middle, behind blanks, as an array, or with ';' for a separator.
// Where a key may stand in the query, these are keys that are shown and not good.
func garbled(pair string) bool {
	for piece := range strings.SplitSeq(pair, ";") {
		if name, _, _ := strings.Cut(piece, "="); resembles(name) {
			return true
		}
	}
	return false
}

// resembles compares the name byte by byte as it is decoded, so that a long one costs no memory.
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
	return c == 0 || c == ' ' || c == '[' // the end, or what some cut it off at
}

// decoded returns the first byte that s stands for, and the rest of s; a NUL at its end.
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

// unescape decodes %XX and '+' and leaves what is malformed as it stands: unlike url.QueryUnescape it has no
// error, since a name that does not decode is only a name that is not ours.
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
