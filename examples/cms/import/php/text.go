package php

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// single reads a text in single quotes. A backslash escapes only a quote or a backslash.
func (p *parser) single() (any, error) {
	start := p.at
	var text strings.Builder
	for p.at++; p.at < len(p.source); p.at++ {
		c := p.source[p.at]
		switch {
		case c == '\'':
			p.at++
			return p.text(start, text.String())
		case c == '\\' && p.at+1 < len(p.source) && (p.source[p.at+1] == '\'' || p.source[p.at+1] == '\\'):
			p.at++
			c = p.source[p.at]
		}
		text.WriteByte(c)
	}
	return nil, p.wrong(start, "the text has no end")
}

// double reads a text in double quotes, with its escapes. Variables in it are refused.
func (p *parser) double() (any, error) {
	start := p.at
	var text strings.Builder
	for p.at++; p.at < len(p.source); {
		rest := p.source[p.at:]
		switch c := rest[0]; {
		case c == '"':
			p.at++
			return p.text(start, text.String())
		case c == '\\' && len(rest) > 1:
			if err := p.escape(&text); err != nil {
				return nil, err
			}
			continue
		case c == '$' && len(rest) > 1 && (rest[1] == '{' || letter(rest[1]) && rest[1] != '\\' && (rest[1] < '0' || rest[1] > '9')),
			strings.HasPrefix(rest, "{$"):
			return nil, p.wrong(p.at, "a variable in a text")
		default:
			text.WriteByte(c)
			p.at++
		}
	}
	return nil, p.wrong(start, "the text has no end")
}

// escapes are the escapes of one letter.
var escapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'v': '\v', 'e': 0x1b, 'f': '\f', '\\': '\\', '$': '$', '"': '"',
}

// escape reads an escape sequence. If it is not a known one, the backslash stands for itself.
func (p *parser) escape(text *strings.Builder) error {
	start := p.at
	p.at++ // the backslash
	c := p.source[p.at]
	if plain, ok := escapes[c]; ok {
		p.at++
		text.WriteByte(plain)
		return nil
	}
	switch {
	case c >= '0' && c <= '7':
		n, _ := strconv.ParseUint(p.digits("01234567", 3), 8, 16)
		text.WriteByte(byte(n)) // \400 overflows to \000, as in PHP
	case c == 'x' && p.at+1 < len(p.source) && strings.IndexByte(hexadecimal, p.source[p.at+1]) >= 0:
		p.at++
		n, _ := strconv.ParseUint(p.digits(hexadecimal, 2), 16, 8)
		text.WriteByte(byte(n))
	case c == 'u' && strings.HasPrefix(p.source[p.at:], "u{"):
		p.at += len("u{")
		n, err := strconv.ParseUint(p.digits(hexadecimal, len(p.source)), 16, 32)
		if err != nil || !p.word("}") || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return p.wrong(start, `\u{…} does not name a character`)
		}
		text.WriteRune(rune(n))
	default:
		text.WriteByte('\\')
	}
	return nil
}

const hexadecimal = "0123456789abcdefABCDEF"

// digits skips at most n digits and returns them.
func (p *parser) digits(of string, n int) string {
	start := p.at
	for p.at < len(p.source) && p.at-start < n && strings.IndexByte(of, p.source[p.at]) >= 0 {
		p.at++
	}
	return p.source[start:p.at]
}

// text refuses text that is not UTF-8, since JSON cannot hold it.
func (p *parser) text(start int, text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, p.wrong(start, "the text is not UTF-8")
	}
	return text, nil
}
