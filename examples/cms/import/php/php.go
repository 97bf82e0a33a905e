// Package php reads the files in which Cockpit keeps its models: a PHP program that does nothing but return a literal.
//
//	<?php
//	 return [
//	  'name' => 'posts',
//	  'fields' => [],
//	];
//
// [JSON] executes nothing. It takes what PHP's var_export writes of arrays, texts, numbers, true, false and null, and
// the other spellings of those: both syntaxes of arrays, both quotings with their escapes, numbers of all bases, comments.
// Anything else, such as a variable, a constant, a call or an operator, is refused with its line and column, and so is what
// is legal but cannot be meant: a key that is written twice, a number too large, a text that is not UTF-8.
package php

import (
	"encoding/json"
	"fmt"
	"strings"
)

// What is larger or deeper is refused.
const (
	MaxSize  = 1 << 20 // bytes of a file
	MaxDepth = 64      // arrays within arrays
)

// A SyntaxError says where a file is something else than a literal.
type SyntaxError struct {
	Line, Column int // from 1; a column is a byte
	Text         string
}

// Error gives the place and what is wrong there.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("php: line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// JSON returns what PHP's json_encode makes of the value that the program in source returns. Its error is a
// *[SyntaxError].
func JSON(source string) ([]byte, error) {
	p := &parser{source: source}
	if len(source) > MaxSize {
		return nil, p.wrong(MaxSize, "the file is larger than %d bytes", MaxSize)
	}
	value, err := p.file()
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// wrong makes the error for what stands at a byte of the source.
func (p *parser) wrong(at int, format string, args ...any) *SyntaxError {
	before := p.source[:at]
	return &SyntaxError{
		Line:   strings.Count(before, "\n") + 1,
		Column: at - strings.LastIndexByte(before, '\n'),
		Text:   fmt.Sprintf(format, args...),
	}
}
