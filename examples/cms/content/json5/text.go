package json5

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes maps the letter after a backslash to its character. A backslash at the end of a line removes the line
// break.
var escapes = map[rune]string{
	'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '0': "\x00",
	'\n': "", '\r': "", '\u2028': "", '\u2029': "",
}

// quoted reads a string in quotes of either kind.
func (r *reader) quoted() error {
	quote := r.rest()[:1]
	r.at++
	var text strings.Builder
	for {
		c, size := utf8.DecodeRuneInString(r.rest())
		switch {
		case size == 0, c == '\n', c == '\r':
			return r.fail("a text without an end")
		case r.skip(quote):
			r.quote(text.String())
			return nil
		case r.skip(`\`):
			if err := r.escape(&text); err != nil {
				return err
			}
		default:
			text.WriteRune(c)
			r.at += size
		}
	}
}

func (r *reader) escape(text *strings.Builder) error {
	switch {
	case r.skip("\r\n"):
		return nil
	case r.skip("x"):
		c, err := r.hex(2)
		text.WriteRune(c)
		return err
	case r.skip("u"):
		c, err := r.hex(4)
		if utf16.IsSurrogate(c) && r.skip(`\u`) {
			var low rune
			low, err = r.hex(4)
			c = utf16.DecodeRune(c, low)
		}
		text.WriteRune(c) // half of a surrogate pair becomes U+FFFD, as in encoding/json
		return err
	}
	c, size := utf8.DecodeRuneInString(r.rest())
	if size == 0 || c >= '1' && c <= '9' {
		return r.fail("no escape")
	}
	r.at += size
	if replaced, ok := escapes[c]; ok {
		text.WriteString(replaced)
	} else {
		text.WriteRune(c)
	}
	return nil
}

func (r *reader) hex(digits int) (rune, error) {
	if len(r.rest()) < digits {
		return 0, r.fail("no escape")
	}
	n, err := strconv.ParseUint(r.rest()[:digits], 16, 32)
	if err != nil {
		return 0, r.fail("no escape")
	}
	r.at += digits
	return rune(n), nil
}
