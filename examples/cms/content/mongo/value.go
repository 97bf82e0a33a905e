package mongo

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The functions below convert and compare values as PHP 8 does.

// truthy reports whether PHP takes v as true.
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case json.Number:
		return number(v) != 0
	case string:
		return v != "" && v != "0"
	}
	return len(members(v)) > 0
}

func composite(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// members returns the elements of an object or a list by name: to PHP, both are arrays.
func members(v any) Doc {
	list, ok := v.([]any)
	if !ok {
		m, _ := v.(map[string]any)
		return m
	}
	m := make(Doc, len(list))
	for i, one := range list {
		m[strconv.Itoa(i)] = one
	}
	return m
}

// text is the cast to a string.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return strings.Repeat("1", rank(v))
	case json.Number:
		return v.String()
	case string:
		return v
	}
	return "Array"
}

func number(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}

// numeric returns the value of a number, or of a text that is one.
func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		return number(v), true
	case string:
		v = strings.TrimSpace(v)
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && strings.Trim(v, "+-.0123456789eE") == ""
	}
	return 0, false
}

// asNumber is the reverse of numeric. JSON has no infinite numbers; they are null.
func asNumber(f float64) any {
	text, err := json.Marshal(f)
	if err != nil {
		return nil
	}
	return json.Number(text)
}

// equal is the operator ==.
func equal(a, b any) bool {
	if composite(a) && composite(b) {
		return maps.EqualFunc(members(a), members(b), equal)
	}
	return compare(a, b) == 0
}

// contains is in_array.
func contains(list []any, want any) bool {
	return slices.ContainsFunc(list, func(one any) bool { return equal(one, want) })
}

// compare is the operator <=>. Of two lists with as many elements, it compares the JSON.
func compare(a, b any) int {
	x, ok := numeric(a)
	y, too := numeric(b)
	_, aBool := a.(bool)
	_, bBool := b.(bool)
	_, aText := a.(string)
	_, bText := b.(string)
	switch {
	case composite(a) || composite(b):
		return cmp.Or(cmp.Compare(rank(composite(a)), rank(composite(b))),
			cmp.Compare(len(members(a)), len(members(b))), cmp.Compare(keyOf(a), keyOf(b)))
	case ok && too:
		return cmp.Compare(x, y)
	case aBool || bBool || (a == nil || b == nil) && !aText && !bText:
		return cmp.Compare(rank(truthy(a)), rank(truthy(b)))
	}
	return cmp.Compare(text(a), text(b))
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// keyOf returns different texts for different values.
func keyOf(v any) string {
	key, _ := json.Marshal(v) // decoded JSON always encodes
	return string(key)
}

// Compare orders values as SQLite does: null, then numbers, then texts. Booleans are numbers; lists and objects are the
// texts of their JSON.
func Compare(a, b any) int {
	a, b = column(a), column(b)
	x, aNumber := a.(json.Number)
	y, bNumber := b.(json.Number)
	if aNumber && bNumber {
		return cmp.Compare(number(x), number(y))
	}
	kind := func(v any, isNumber bool) int { return 2*rank(v != nil) - rank(isNumber) }
	return cmp.Or(cmp.Compare(kind(a, aNumber), kind(b, bNumber)), cmp.Compare(text(a), text(b)))
}

func column(v any) any {
	if b, ok := v.(bool); ok {
		return json.Number(strconv.Itoa(rank(b)))
	}
	if composite(v) {
		return keyOf(v)
	}
	return v
}

// at returns the value at a path, or nil. If the path goes through a list, its objects are searched; several values
// are returned as a list.
func at(doc Doc, path []string) any {
	if len(path) == 1 {
		return doc[path[0]]
	}
	values := []any{doc}
	for _, key := range path {
		var next []any
		for _, v := range values {
			list, _ := v.([]any)
			if one := element(v, key); one != nil {
				next, list = append(next, one), nil
			}
			for _, inner := range list {
				if one := element(inner, key); one != nil {
					next = append(next, one)
				}
			}
		}
		values = next
	}
	if len(values) > 1 {
		return values
	}
	return element(values, "0")
}

// element returns the element of an object or a list, or nil.
func element(v any, key string) any {
	list, ok := v.([]any)
	if i, err := strconv.Atoi(key); ok && err == nil && i >= 0 && i < len(list) && strconv.Itoa(i) == key {
		return list[i]
	}
	m, _ := v.(map[string]any)
	return m[key]
}

// with returns a document with another value at a path, or without the value if drop is set. It changes copies:
// documents of a pipeline share their values. A list in the path becomes an object.
func with(v any, path []string, value any, drop bool) Doc {
	changed, key := maps.Clone(members(v)), path[0]
	switch {
	case len(path) > 1 && drop && !composite(element(v, key)):
		return changed
	case len(path) > 1:
		value, drop = with(element(v, key), path[1:], value, drop), false
	}
	if changed == nil {
		changed = Doc{}
	}
	if changed[key] = value; drop {
		delete(changed, key)
	}
	return changed
}
