package auth

import (
	"net/http"
	"strings"
)

// This file finds our keys in headers and cookies that are not accepted sources. Such a request is refused: if its key
// were ignored, the caller would get the public role and not learn why.

// keyDigits is the number of hex digits at the end of every key; see [keys.Format.Matches].
const keyDigits = 40

// stray refuses a request without a credential in an accepted source, but with one of our keys as the whole value of
// a header or a cookie, or in the Basic credentials of a header such as Proxy-Authorization. A word before the key,
// such as the name of a scheme, does not hide it. A key inside other text is left alone, so that addresses (Referer,
// X-Forwarded-Uri) pass. It allocates nothing unless it refuses or decodes Basic.
//
// It runs for every anonymous request, and may take 1.5 times as long as a bare loop over h. So the loop reads three bytes
// of a value, which are hex digits if a key ends it, with up to two blanks or quotes behind, and skips the value unless they
// are. It always reads cookies, Basic and repeated headers, which are rare.
func (f *extractor) stray(h http.Header) *Refusal {
	for name, values := range h {
		if len(values) == 1 {
			v := values[0]
			n := len(v)
			if n <= keyDigits {
				continue
			}
			if isHex[v[n-3]]&isHex[v[n-5]]&isHex[v[n-27]] == 0 && v[0]|0x20 != 'b' && (len(name) != len("Cookie") || name[0]|0x20 != 'c') {
				continue
			}
		}
		for _, v := range values {
			if refusal := f.strayIn(name, v); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

// strayIn is stray for one header line.
func (f *extractor) strayIn(name, value string) *Refusal {
	switch {
	case len(value) <= keyDigits:
	case name == "Cookie" || strings.EqualFold(name, "Cookie"):
		if cookie, ok := f.strayCookie(value); ok {
			return f.misplaced("cookie", cookie)
		}
	case endsLikeKey(value) && f.isWhole(value), value[0]|0x20 == 'b' && f.strayBasic(name, value):
		return f.misplaced("header", name)
	}
	return nil
}

// strayBasic reports whether a header like Proxy-Authorization has one of our keys in Basic credentials. It skips
// Authorization, which extract has read.
func (f *extractor) strayBasic(name, value string) bool {
	return name != "Authorization" && strings.HasSuffix(name, "Authorization") && f.inBasic(value)
}

// isWhole reports whether value is one of our keys, alone or after a single word.
func (f *extractor) isWhole(value string) bool {
	value = trimQuotes(value)
	word := len(value)
	for word > 0 && !isQuote(value[word-1]) && len(value)-word < maxCredential {
		word--
	}
	return f.format.Matches(value[word:]) && !strings.ContainsAny(trimQuotes(value[:word]), " \t")
}

// strayCookie returns the name of the cookie whose value is one of our keys.
func (f *extractor) strayCookie(header string) (name string, ok bool) {
	for len(header) > keyDigits {
		end := strings.IndexByte(header, ';')
		if end < 0 {
			end = len(header)
		}
		cookie := header[:end]
		header = header[min(end+1, len(header)):]
		if end <= keyDigits || !endsLikeKey(cookie) {
			continue
		}
		name, value, named := strings.Cut(cookie, "=")
		if !named {
			name, value = "", cookie
		}
		if f.format.Matches(trimQuotes(value)) {
			return strings.TrimSpace(name), true
		}
	}
	return "", false
}

// trimQuotes removes blanks and quotes from both ends of s. strings.Trim is too slow for it.
func trimQuotes(s string) string {
	for s != "" && isQuote(s[0]) {
		s = s[1:]
	}
	for s != "" && isQuote(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isQuote(c byte) bool { return c <= ' ' || c == '"' }

// endsLikeKey reports whether s ends in a hyphen or underscore, as every prefix does, and the digits of a key,
// ignoring blanks and quotes behind them. It reads one or two bytes of most texts.
func endsLikeKey(s string) bool {
	for s != "" && isQuote(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	before := len(s) - keyDigits - 1
	if before < 0 || s[before] != '-' && s[before] != '_' {
		return false
	}
	for _, c := range []byte(s[before+1:]) {
		if isHex[c] == 0 {
			return false
		}
	}
	return true
}

// isHex is 1 for hex digits. It holds numbers so that two look-ups need one branch.
var isHex = func() (t [256]uint8) {
	for c := range t {
		if hexDigit(byte(c)) >= 0 {
			t[c] = 1
		}
	}
	return t
}()
