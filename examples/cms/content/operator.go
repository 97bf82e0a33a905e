package content

import (
	"encoding/json"
	"regexp"
	"regexp/syntax"
	"strings"
)

const (
	maxPattern = 1000 // bytes of a $regex
	maxProgram = 1000 // instructions of all patterns of a filter; matching takes this times the length of the text
	maxText    = 64 << 10
)

// operations compiles {"$gte": 10, "$lt": 20}.
func (c *compiler) operations(operators map[string]any, depth int) (test, error) {
	var all []test
	options, _ := operators["$options"].(string)
	for operator, operand := range operators {
		if operator == "$options" && operators["$regex"] != nil {
			continue
		}
		if err := c.pay(1); err != nil {
			return nil, err
		}
		check, err := c.operation(operator, operand, options, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, check)
	}
	return func(v any) bool {
		for _, check := range all {
			if !check(v) {
				return false
			}
		}
		return true
	}, nil
}

func (c *compiler) operation(operator string, operand any, options string, depth int) (test, error) {
	switch operator {
	case "$eq":
		return func(v any) bool { return contains(v, operand) }, nil
	case "$ne":
		return func(v any) bool { return !contains(v, operand) }, nil
	case "$gt":
		return ordered(operand, func(c int) bool { return c > 0 }), nil
	case "$gte":
		return ordered(operand, func(c int) bool { return c >= 0 }), nil
	case "$lt":
		return ordered(operand, func(c int) bool { return c < 0 }), nil
	case "$lte":
		return ordered(operand, func(c int) bool { return c <= 0 }), nil
	case "$in", "$nin":
		list, ok := operand.([]any)
		if !ok || c.pay(len(list)) != nil {
			return nil, errFilter
		}
		return func(v any) bool { return oneOf(v, list) == (operator == "$in") }, nil
	case "$exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, errFilter
		}
		return func(v any) bool { return (v != nil) == want }, nil
	case "$size":
		want, ok := operand.(json.Number)
		if !ok {
			return nil, errFilter
		}
		return func(v any) bool {
			list, ok := v.([]any)
			return ok && float64(len(list)) == number(want)
		}, nil
	case "$not":
		operators, ok := operand.(map[string]any)
		if !ok || depth == 1 {
			return nil, errFilter
		}
		check, err := c.operations(operators, depth-1)
		if err != nil {
			return nil, err
		}
		return func(v any) bool { return !check(v) }, nil
	case "$regex":
		return c.matches(operand, options)
	}
	return nil, errFilter
}

func oneOf(v any, list []any) bool {
	for _, one := range list {
		if contains(v, one) {
			return true
		}
	}
	return false
}

// ordered compares values of the same kind. Values without an order match nothing.
func ordered(operand any, want func(int) bool) test {
	return anyElement(func(v any) bool {
		return v != nil && rank(v) == rank(operand) && rank(v) < rank(map[string]any{}) && want(compare(v, operand))
	})
}

// anyElement reports whether one element of a list matches.
func anyElement(check test) test {
	var ask test
	ask = func(v any) bool {
		list, ok := v.([]any)
		if !ok {
			return check(v)
		}
		for _, one := range list {
			if ask(one) {
				return true
			}
		}
		return false
	}
	return ask
}

// matches compiles a $regex. As in Cockpit, case is ignored unless the pattern is written as /Hello/ with flags after
// it. The language is RE2's, the size is bounded together with the filter's other patterns, and only the first
// maxText bytes of a text are searched, so matching is fast.
func (c *compiler) matches(operand any, options string) (test, error) {
	pattern, ok := operand.(string)
	if !ok || len(pattern) > maxPattern {
		return nil, errFilter
	}
	flags := "i" + options
	if inner, ok := strings.CutPrefix(pattern, "/"); ok {
		end := strings.LastIndexByte(inner, '/')
		if end < 0 {
			return nil, errFilter
		}
		pattern, flags = inner[:end], inner[end+1:]+options
	}
	flags = strings.ReplaceAll(flags, "u", "") // always on
	if strings.Trim(flags, "ims") != "" {
		return nil, errFilter
	}
	if flags != "" {
		pattern = "(?" + flags + ")" + pattern
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, errFilter
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, errFilter
	}
	if c.program += len(program.Inst); c.program > maxProgram {
		return nil, errFilter
	}
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return nil, errFilter
	}
	return anyElement(func(v any) bool {
		text, ok := v.(string)
		return ok && expression.MatchString(text[:min(len(text), maxText)])
	}), nil
}
