package mongo

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
)

// A strictTest checks the value of a field as SQLite does. A field that is not present is not the same as null.
type strictTest func(v any, present bool) bool

// strictOperator returns the test of an operator; nil if Cockpit does not run it as SQL.
func strictOperator(operator string, operand any) strictTest {
	list, isList := operand.([]any)
	switch operator {
	case "$eq", "$ne":
		if !composite(operand) {
			return func(v any, _ bool) bool {
				return (v == nil && operand == nil || holds(v, []any{operand})) == (operator == "$eq")
			}
		}
	case "$gt", "$gte", "$lt", "$lte":
		if !composite(operand) && operand != nil {
			return func(v any, _ bool) bool { return v != nil && ordered(operator, Compare(v, operand)) }
		}
	case "$in", "$nin":
		if isList && !slices.ContainsFunc(list, composite) {
			unknown := operator == "$nin" && slices.Contains(list, nil) // no value is known not to be among null and others
			return func(v any, _ bool) bool { return holds(v, list) == (operator == "$in") && (!unknown || v == nil) }
		}
	case "$exists":
		return func(_ any, present bool) bool { return present == truthy(operand) }
	case "$size":
		if n, ok := operand.(json.Number); ok && typeOf(n) == "integer" {
			return func(v any, _ bool) bool {
				list, ok := v.([]any)
				return ok && float64(len(list)) == number(n)
			}
		}
	case "$type":
		if names, ok := types[text(operand)]; ok {
			return func(v any, present bool) bool { return present && slices.Contains(names, typeOf(v)) }
		}
	}
	return nil
}

// ordered reports whether the result of a comparison is the one that the operator asks for.
func ordered(operator string, c int) bool {
	return c == 0 && strings.HasSuffix(operator, "e") || c > 0 && operator[1] == 'g' || c < 0 && operator[1] == 'l'
}

// holds reports whether a value, or one of its elements, is among others. Null is not.
func holds(v any, others []any) bool {
	among := func(one any) bool {
		return one != nil && slices.ContainsFunc(others, func(other any) bool { return other != nil && Compare(one, other) == 0 })
	}
	for _, one := range members(v) {
		if among(one) {
			return true
		}
	}
	return among(v)
}

// types are the names of $type, with SQLite's names for each.
var types = map[string][]string{
	"double": {"real"}, "string": {"text"}, "object": {"object"}, "array": {"array"}, "bool": {"boolean"}, "boolean": {"boolean"},
	"null": {"null"}, "int": {"integer"}, "integer": {"integer"}, "long": {"integer"}, "number": {"integer", "real"},
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "text"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "real"
		}
		return "integer"
	case []any:
		return "array"
	}
	return "object"
}

// looseOperators compiles {"$gte": 10, "$lt": 20} as PHP evaluates it: a list or object matches if one value in it,
// at any depth, matches all operators. Null matches $exists only.
func (c *Compiler) looseOperators(operators Doc, depth int) (func(any) bool, error) {
	var element Filter
	var all []func(any) bool
	for operator, operand := range operators {
		check, err := c.looseOperator(operator, operand, depth)
		switch {
		case operator == "$exists":
			all = append(all, func(v any) bool { return (v != nil) == truthy(operand) })
			continue
		case operator == "$elemMatch" && composite(operand):
			element, err = c.filter(members(operand), depth-1)
			check = func(any) bool { return false } // the value is not a list
		case operator == "$options" && operators["$regex"] != nil && strings.Trim(text(operand), "imsux") == "":
			continue // as in Cockpit, they change nothing: a pattern in slashes has options of its own
		}
		if err := cmp.Or(err, c.pay(1+len(members(operand)))); err != nil || depth <= 0 {
			return nil, cmp.Or(err, refuse("too deep:", operator))
		}
		all = append(all, func(v any) bool { return v != nil && check(v) })
	}
	return func(v any) bool {
		if element == nil || !composite(v) {
			return anyLeaf(v, func(v any) bool {
				return !slices.ContainsFunc(all, func(check func(any) bool) bool { return !check(v) })
			})
		}
		for _, one := range members(v) {
			if composite(one) && element(members(one)) {
				return true
			}
		}
		return false
	}, nil
}

// looseOperator compiles an operator on a value that is neither a list nor an object.
func (c *Compiler) looseOperator(operator string, operand any, depth int) (func(any) bool, error) {
	list, isList := operand.([]any)
	_, isText := operand.(string)
	n, isNumber := operand.(json.Number)
	switch {
	case operator == "$eq", operator == "$ne":
		return func(v any) bool { return equal(v, operand) == (operator == "$eq") }, nil
	case operator == "$gt", operator == "$gte", operator == "$lt", operator == "$lte":
		return func(v any) bool { return ordered(operator, compareLoosely(v, operand)) }, nil
	case (operator == "$in" || operator == "$nin") && isList:
		return func(v any) bool { return contains(list, v) == (operator == "$in") }, nil
	case operator == "$not" && isText:
		match, err := c.regex(operand)
		return func(v any) bool { return typeOf(v) == "text" && !match(v) }, err
	case operator == "$not" && hasOperator(operand):
		check, err := c.looseOperators(members(operand), depth-1)
		return func(v any) bool { return !check(v) }, err
	case operator == "$regex":
		return c.regex(operand)
	case operator == "$text":
		return fuzzy(operand)
	case operator == "$mod" && len(list) > 0 && len(list) < 3:
		divisor, ok := numeric(list[0])
		rest, too := numeric(list[len(list)-1])
		if divisor = math.Trunc(divisor); ok && too && divisor != 0 {
			return func(v any) bool {
				f, ok := summand(v)
				return ok && math.Mod(math.Trunc(f), divisor) == rest*float64(len(list)-1) // without a rest, it is 0
			}, nil
		}
	case operator == "$type" && types[text(operand)] != nil:
		return func(v any) bool { return slices.Contains(types[text(operand)], typeOf(v)) }, nil
	case operator == "$has" && !composite(operand):
		return func(v any) bool { return contains(inText(v), operand) }, nil
	case operator == "$all" && isList:
		return func(v any) bool {
			return !slices.ContainsFunc(list, func(want any) bool { return !contains(inText(v), want) })
		}, nil
	case operator == "$size" && isNumber:
		return func(v any) bool { return float64(len(inText(v))) == math.Trunc(number(n)) }, nil
	case operator == "$near", operator == "$geoWithin", operator == "$geoIntersects":
		return func(any) bool { return false }, nil // as in Cockpit: they look for coordinates in single numbers and texts
	}
	return nil, refuse("an unknown operator, or a wrong value for it:", operator)
}

// inText returns the list that a text holds as JSON. As in Cockpit, $all, $has and $size see the elements of a list
// one by one, so only lists in texts can match.
func inText(v any) []any {
	s, _ := v.(string)
	list, _ := decode([]byte(s[:min(len(s), maxText)]))
	elements, _ := list.([]any)
	return elements
}

// compareLoosely compares numbers with numbers, and all others as texts.
func compareLoosely(a, b any) int {
	x, ok := numeric(a)
	y, too := numeric(b)
	if ok && too {
		return cmp.Compare(x, y)
	}
	return strings.Compare(text(a), text(b))
}
