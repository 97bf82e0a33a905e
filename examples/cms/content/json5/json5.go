// Package json5 turns JSON5 into JSON. Clients of Cockpit write their parameters in it: {title: 'Hello'}.
//
// The members of an object keep their order and their duplicates, so that each reader sees what was sent. Values that
// JSON lacks (Infinity, NaN) are refused, and so are escapes in names without quotes. See json5.org for the
// specification.
package json5

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxDepth is how deep objects and lists may be nested.
const MaxDepth = 64

// ErrSyntax is wrapped by every error of this package.
var ErrSyntax = errors.New("json5: syntax error")

// Convert returns the one value that text holds, as JSON.
func Convert(text string) ([]byte, error) {
	r := &reader{text: text}
	if !utf8.ValidString(text) {
		return nil, r.fail("no UTF-8")
	}
	if err := r.value(MaxDepth); err != nil {
		return nil, err
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	if r.rest() != "" {
		return nil, r.fail("something stands behind the value")
	}
	return r.out.Bytes(), nil
}

// A reader parses text and writes JSON to out.
type reader struct {
	text string
	at   int
	out  bytes.Buffer
}

func (r *reader) rest() string { return r.text[r.at:] }

// fail returns an error with the position. It never quotes the text, which may hold secrets.
func (r *reader) fail(what string) error {
	return fmt.Errorf("%w: byte %d: %s", ErrSyntax, r.at, what)
}

// skip skips prefix if the rest begins with it.
func (r *reader) skip(prefix string) bool {
	if !strings.HasPrefix(r.rest(), prefix) {
		return false
	}
	r.at += len(prefix)
	return true
}

// space skips white space and comments.
func (r *reader) space() error {
	for {
		c, size := utf8.DecodeRuneInString(r.rest())
		switch {
		case size > 0 && (unicode.IsSpace(c) && c != '\u0085' || c == '\ufeff'):
			r.at += size
		case r.skip("//"):
			if end := strings.IndexAny(r.rest(), "\n\r\u2028\u2029"); end >= 0 {
				r.at += end
			} else {
				r.at = len(r.text)
			}
		case r.skip("/*"):
			end := strings.Index(r.rest(), "*/")
			if end < 0 {
				return r.fail("a comment without an end")
			}
			r.at += end + len("*/")
		default:
			return nil
		}
	}
}

func (r *reader) value(depth int) error {
	if err := r.space(); err != nil {
		return err
	}
	for _, word := range []string{"null", "true", "false"} {
		if r.skip(word) {
			r.out.WriteString(word)
			return nil
		}
	}
	switch {
	case depth == 0:
		return r.fail("too deep")
	case r.skip("{"):
		return r.sequence('{', '}', func() error { return r.member(depth - 1) })
	case r.skip("["):
		return r.sequence('[', ']', func() error { return r.value(depth - 1) })
	case strings.HasPrefix(r.rest(), `"`), strings.HasPrefix(r.rest(), "'"):
		return r.quoted()
	}
	return r.number()
}

// sequence reads elements up to the closing bracket. A trailing comma is allowed.
func (r *reader) sequence(opening, closing byte, element func() error) error {
	r.out.WriteByte(opening)
	for first := true; ; first = false {
		if err := r.space(); err != nil {
			return err
		}
		if r.skip(string(closing)) {
			r.out.WriteByte(closing)
			return nil
		}
		if !first {
			r.out.WriteByte(',')
		}
		if err := element(); err != nil {
			return err
		}
		if err := r.space(); err != nil {
			return err
		}
		if !r.skip(",") && !strings.HasPrefix(r.rest(), string(closing)) {
			return r.fail("neither a comma nor an end")
		}
	}
}

func (r *reader) member(depth int) error {
	err := r.name()
	if err == nil {
		err = r.space()
	}
	if err != nil {
		return err
	}
	if !r.skip(":") {
		return r.fail("no colon")
	}
	r.out.WriteByte(':')
	return r.value(depth)
}

// name reads a member's name: a string, or a JavaScript identifier.
func (r *reader) name() error {
	if strings.HasPrefix(r.rest(), `"`) || strings.HasPrefix(r.rest(), "'") {
		return r.quoted()
	}
	end := strings.IndexFunc(r.rest(), func(c rune) bool {
		return !(c == '$' || c == '_' || c == '\u200c' || c == '\u200d' ||
			unicode.IsLetter(c) || unicode.In(c, unicode.Nl, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc))
	})
	if end < 0 {
		end = len(r.rest())
	}
	name := r.rest()[:end]
	first, _ := utf8.DecodeRuneInString(name)
	if !(first == '$' || first == '_' || unicode.IsLetter(first) || unicode.Is(unicode.Nl, first)) {
		return r.fail("no name")
	}
	r.at += end
	r.quote(name)
	return nil
}

func (r *reader) quote(text string) {
	quoted, _ := json.Marshal(text) // a string always encodes
	r.out.Write(quoted)
}

// number reads a number and writes it as JSON: +.5 is 0.5, 0x10 is 16.
func (r *reader) number() error {
	end := strings.IndexFunc(r.rest(), func(c rune) bool {
		return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '-' || c == '.')
	})
	if end < 0 {
		end = len(r.rest())
	}
	word := r.rest()[:end]
	sign, digits := "", strings.TrimPrefix(word, "+")
	if digits == word {
		if digits = strings.TrimPrefix(word, "-"); digits != word {
			sign = "-"
		}
	}
	if hex, ok := strings.CutPrefix(strings.ToLower(digits), "0x"); ok {
		n, ok := new(big.Int).SetString(hex, 16)
		if !ok || len(hex) > 16 || strings.ContainsAny(hex, "+-") {
			return r.fail("no number")
		}
		digits = n.String()
	} else {
		mantissa, exponent := digits, ""
		if e := strings.IndexAny(digits, "eE"); e >= 0 {
			mantissa, exponent = digits[:e], digits[e:]
		}
		if strings.HasPrefix(mantissa, ".") && mantissa != "." {
			mantissa = "0" + mantissa
		}
		if strings.HasSuffix(mantissa, ".") {
			mantissa += "0"
		}
		digits = mantissa + exponent
	}
	if !json.Valid([]byte(sign+digits)) || digits[0] < '0' || digits[0] > '9' {
		return r.fail("no value")
	}
	if _, err := strconv.ParseFloat(sign+digits, 64); err != nil {
		return r.fail("a number that is too large")
	}
	r.at += end
	r.out.WriteString(sign + digits)
	return nil
}
