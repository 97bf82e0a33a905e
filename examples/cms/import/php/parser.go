package php

import (
	"fmt"
	"strings"
)

// A parser reads a source from left to right without backtracking.
type parser struct {
	source string
	at     int // the byte to read next
	depth  int
}

// file reads a whole program. Values are nil, a bool, an int64, a float64, a string or an *array.
func (p *parser) file() (any, error) {
	if !p.word("<?php") || p.at < len(p.source) && !space(p.source[p.at]) {
		return nil, p.wrong(0, "the file does not begin with <?php")
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	start := p.at
	if p.name() != "return" {
		return nil, p.wrong(start, "a return is expected, and nothing else is understood")
	}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	if !p.word(";") {
		return nil, p.wrong(p.at, "a ; is expected")
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	// One newline after the closing tag belongs to the tag; any other output would be sent to the browser.
	if p.word("?>") && !p.word("\r\n") {
		p.word("\n")
	}
	if p.at < len(p.source) {
		return nil, p.wrong(p.at, "something stands behind the return")
	}
	return value, nil
}

// value reads a literal.
func (p *parser) value() (any, error) {
	if err := p.skip(); err != nil {
		return nil, err
	}
	start := p.at
	switch c := p.peek(); {
	case c == '\'':
		return p.single()
	case c == '"':
		return p.double()
	case c == '[':
		p.at++
		return p.array(']')
	case c >= '0' && c <= '9', c == '.', c == '-', c == '+':
		return p.number()
	}
	switch p.name() {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "array":
		if err := p.skip(); err != nil {
			return nil, err
		}
		if p.word("(") {
			return p.array(')')
		}
	}
	return nil, p.wrong(start, "a text, a number, an array, true, false or null is expected")
}

// array reads the elements of an array and its closing bracket.
func (p *parser) array(closing byte) (any, error) {
	if p.depth++; p.depth > MaxDepth {
		return nil, p.wrong(p.at-1, "more than %d arrays within one another", MaxDepth)
	}
	defer func() { p.depth-- }()
	a := &array{}
	for {
		if err := p.skip(); err != nil {
			return nil, err
		}
		if p.word(string(closing)) {
			return a, nil
		}
		if err := p.element(a); err != nil {
			return nil, err
		}
		if err := p.skip(); err != nil {
			return nil, err
		}
		if !p.word(",") && p.peek() != closing {
			return nil, p.wrong(p.at, "a comma or a %c is expected", closing)
		}
	}
}

// element reads one value of an array, with or without a key.
func (p *parser) element(a *array) error {
	start := p.at
	value, err := p.value()
	if err != nil {
		return err
	}
	if err := p.skip(); err != nil {
		return err
	}
	if !p.word("=>") {
		// PHP 8.3 changed the key that follows a negative key.
		if a.full || a.next == 0 && a.negative {
			return p.wrong(start, "which key this value gets depends on the version of PHP")
		}
		a.put(a.next, value)
		return nil
	}
	var key any
	switch given := value.(type) {
	case int64:
		key = given
	case string:
		key = keyOf(given)
	default:
		return p.wrong(start, "a key is a text or a whole number")
	}
	if _, there := a.values[key]; there {
		return p.wrong(start, "the key %.100q is there twice", fmt.Sprint(key))
	}
	if value, err = p.value(); err != nil {
		return err
	}
	a.put(key, value)
	return nil
}

// skip skips white space and comments.
func (p *parser) skip() error {
	for p.at < len(p.source) {
		start := p.at
		switch {
		case space(p.peek()):
			p.at++
		case p.word("/*"):
			length := strings.Index(p.source[p.at:], "*/")
			if length < 0 {
				return p.wrong(start, "the comment has no end")
			}
			p.at += length + len("*/")
		case p.word("//"), p.peek() == '#' && !strings.HasPrefix(p.source[p.at:], "#["):
			line, _, _ := strings.Cut(p.source[p.at:], "\n")
			// PHP ends such a comment at a closing tag.
			if tag := strings.Index(line, "?>"); tag >= 0 {
				return p.wrong(p.at+tag, "a closing tag in a comment")
			}
			p.at += len(line)
		default:
			return nil
		}
	}
	return nil
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at == len(p.source) {
		return 0
	}
	return p.source[p.at]
}

// word skips these bytes, ignoring case, if they come next.
func (p *parser) word(word string) bool {
	rest := p.source[p.at:]
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return false
	}
	p.at += len(word)
	return true
}

// name skips a name and returns it in lower case; the names supported here ignore case in PHP.
func (p *parser) name() string {
	start := p.at
	for p.at < len(p.source) && letter(p.source[p.at]) {
		p.at++
	}
	return strings.ToLower(p.source[start:p.at])
}

// letter reports whether c may be in a name. All bytes beyond ASCII may.
func letter(c byte) bool {
	return c == '_' || c == '\\' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
