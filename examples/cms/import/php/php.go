// Package php reads the files of Cockpit's models: PHP programs that only return a literal.
//
//	<?php
//	 return [
//	  'name' => 'posts',
//	  'fields' => [],
//	];
//
// [JSON] executes nothing. It accepts the output of PHP's var_export for arrays, texts, numbers, true, false and
// null, and other spellings of them: both array syntaxes, both kinds of quotes with their escapes, numbers of all
// bases, comments. It refuses anything else, such as a variable, constant, call or operator, with line and column. It
// also refuses legal code that is probably a mistake: a duplicate key, a number out of range, a text that is not
// UTF-8.
package php

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Larger or deeper input is refused.
const (
	MaxSize  = 1 << 20 // bytes of a file
	MaxDepth = 64      // arrays within arrays
)

// A SyntaxError says where a file is not a literal.
type SyntaxError struct {
	Line, Column int // from 1; a column is a byte
	Text         string
}

// Error returns the position and the problem.
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

// wrong returns the error for a byte of the source.
func (p *parser) wrong(at int, format string, args ...any) *SyntaxError {
	before := p.source[:at]
	return &SyntaxError{
		Line:   strings.Count(before, "\n") + 1,
		Column: at - strings.LastIndexByte(before, '\n'),
		Text:   fmt.Sprintf(format, args...),
	}
}
