package php

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// PHP's number literals, without sign. An underscore may stand between two digits.
var (
	whole    = regexp.MustCompile(`^(0[xX][0-9a-fA-F]+(_[0-9a-fA-F]+)*|0[bB][01]+(_[01]+)*|0[oO][0-7]+(_[0-7]+)*|0[0-7]*(_[0-7]+)*|[1-9][0-9]*(_[0-9]+)*)$`)
	fraction = regexp.MustCompile(`^([0-9]+(_[0-9]+)*)?(\.([0-9]+(_[0-9]+)*)?)?([eE][+-]?[0-9]+(_[0-9]+)*)?$`)
)

// number reads a number with its sign.
func (p *parser) number() (any, error) {
	start := p.at
	sign := ""
	if c := p.peek(); c == '-' || c == '+' {
		sign = string(c)
		p.at++
	}
	begin := p.at
	hexadecimal := strings.HasPrefix(p.source[begin:], "0x") || strings.HasPrefix(p.source[begin:], "0X")
	for p.at < len(p.source) {
		c := p.source[p.at]
		exponent := (c == '-' || c == '+') && !hexadecimal && p.at > begin && (p.source[p.at-1] == 'e' || p.source[p.at-1] == 'E')
		if c != '.' && !exponent && (!letter(c) || c == '\\') {
			break
		}
		p.at++
	}
	text := p.source[begin:p.at]
	if whole.MatchString(text) {
		n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 0, 64)
		if err != nil { // a float in PHP
			return nil, p.wrong(start, "the number is too large")
		}
		if sign == "-" {
			n = -n
		}
		return n, nil
	}
	if !fraction.MatchString(text) || !strings.ContainsAny(text, ".eE") || !strings.ContainsAny(text, "0123456789") ||
		strings.HasPrefix(text, ".e") || strings.HasPrefix(text, ".E") {
		return nil, p.wrong(start, "this is no number")
	}
	f, err := strconv.ParseFloat(sign+strings.ReplaceAll(text, "_", ""), 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, p.wrong(start, "the number is too large")
	}
	return f, nil
}
