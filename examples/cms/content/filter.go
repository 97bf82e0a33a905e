package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strings"
)

// A filter says whether an item is one of those asked for.
type filter func(Item) bool

// A test says whether one value is.
type test func(any) bool

// errFilter says no more: what is wrong with a parameter is told in Cockpit's words.
var errFilter = errors.New("content: not understood")

const (
	maxDepth   = 8    // of $and and $or in each other
	maxPattern = 1000 // bytes of a $regex
)

// parseFilter reads {"title": "Hello", "views": {"$gte": 10}}. Of Cockpit's operators it knows $and and $or, $eq, $ne,
// $gt, $gte, $lt, $lte, $in, $nin, $exists and $regex (RE2, so no pattern takes long); others are refused, since a
// condition that is passed over would show too much.
func parseFilter(text string) (filter, error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var conditions map[string]any
	if err := decoder.Decode(&conditions); err != nil || conditions == nil {
		return nil, errFilter
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errFilter
	}
	delete(conditions, "_state") // as in Cockpit, nobody chooses: it is published items
	return compile(conditions, maxDepth)
}

func compile(conditions map[string]any, depth int) (filter, error) {
	var all []filter
	for key, value := range conditions {
		f, err := condition(key, value, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return allOf(all), nil
}

func condition(key string, value any, depth int) (filter, error) {
	switch {
	case key == "$and" || key == "$or":
		several, ok := value.([]any)
		if !ok || depth == 0 {
			return nil, errFilter
		}
		var fs []filter
		for _, one := range several {
			conditions, ok := one.(map[string]any)
			if !ok {
				return nil, errFilter
			}
			f, err := compile(conditions, depth-1)
			if err != nil {
				return nil, err
			}
			fs = append(fs, f)
		}
		if key == "$or" {
			return anyOf(fs), nil
		}
		return allOf(fs), nil
	case strings.HasPrefix(key, "$"):
		return nil, errFilter
	}
	operators, ok := value.(map[string]any)
	if !ok || !hasOperator(operators) {
		return equals(path(key), value), nil
	}
	var all []filter
	for operator, operand := range operators {
		check, err := operation(operator, operand)
		if err != nil {
			return nil, err
		}
		all = append(all, func(i Item) bool { return check(at(i, path(key))) })
	}
	return allOf(all), nil
}

func hasOperator(members map[string]any) bool {
	for key := range members {
		if strings.HasPrefix(key, "$") {
			return true
		}
	}
	return false
}

func operation(operator string, operand any) (test, error) {
	ordered := func(want func(int) bool) test {
		return func(v any) bool {
			return v != nil && rank(v) == rank(operand) && rank(v) < rank(map[string]any{}) && want(compare(v, operand))
		}
	}
	switch operator {
	case "$eq":
		return func(v any) bool { return same(v, operand) }, nil
	case "$ne":
		return func(v any) bool { return !same(v, operand) }, nil
	case "$gt":
		return ordered(func(c int) bool { return c > 0 }), nil
	case "$gte":
		return ordered(func(c int) bool { return c >= 0 }), nil
	case "$lt":
		return ordered(func(c int) bool { return c < 0 }), nil
	case "$lte":
		return ordered(func(c int) bool { return c <= 0 }), nil
	case "$in", "$nin":
		list, ok := operand.([]any)
		if !ok {
			return nil, errFilter
		}
		return func(v any) bool {
			in := false
			for _, one := range list {
				in = in || same(v, one)
			}
			return in == (operator == "$in")
		}, nil
	case "$exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, errFilter
		}
		return func(v any) bool { return (v != nil) == want }, nil
	case "$regex":
		pattern, ok := operand.(string)
		if !ok || len(pattern) > maxPattern {
			return nil, errFilter
		}
		expression, err := regexp.Compile(pattern)
		if err != nil {
			return nil, errFilter
		}
		return func(v any) bool {
			text, ok := v.(string)
			return ok && expression.MatchString(text)
		}, nil
	}
	return nil, errFilter
}

func equals(path []string, value any) filter {
	return func(i Item) bool { return same(at(i, path), value) }
}

func allOf(fs []filter) filter {
	return func(i Item) bool {
		for _, f := range fs {
			if !f(i) {
				return false
			}
		}
		return true
	}
}

func anyOf(fs []filter) filter {
	return func(i Item) bool {
		for _, f := range fs {
			if f(i) {
				return true
			}
		}
		return false
	}
}

// same compares numbers by value, so that 1 is 1.0.
func same(a, b any) bool {
	if x, ok := a.(json.Number); ok {
		y, ok := b.(json.Number)
		return ok && (x == y || number(x) == number(y))
	}
	return reflect.DeepEqual(a, b)
}

func path(field string) []string { return strings.Split(field, ".") }

// at returns what is found under link._id; nil if there is nothing.
func at(item Item, path []string) any {
	value := any(map[string]any(item))
	for _, name := range path {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = members[name]
	}
	return value
}
