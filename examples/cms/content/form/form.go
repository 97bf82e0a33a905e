// Package form reads parameters as PHP does: filter[title][$regex]=Hel is the member title of the parameter filter, a
// parameter that is given twice has its last value, and a dot or space in a name is an underscore.
package form

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// ErrSyntax is the error of a form that PHP would not read in full.
var ErrSyntax = errors.New("form: a name or value that cannot be read")

const (
	maxValues = 1000 // in a form, as in PHP
	maxDepth  = 60   // of brackets
)

// A Value is the text of a parameter. For a list or an object it is JSON, with members in their order.
type Value struct {
	Text      string
	Composite bool
}

// Values are parameters by name.
type Values map[string]Value

// Text returns the text of a parameter, or "".
func (v Values) Text(name string) string { return v[name].Text }

// Join returns values with those of others, which win.
func Join(values, others Values) Values {
	joined := Values{}
	maps.Copy(joined, values)
	maps.Copy(joined, others)
	return joined
}

// Object makes values of the members of a JSON object.
func Object(text []byte) (Values, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil, ErrSyntax
	}
	values := Values{}
	for name, raw := range members {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			s = string(raw)
		}
		if string(raw) != "null" {
			values[name] = Value{s, raw[0] == '{' || raw[0] == '['}
		}
	}
	return values, nil
}

// Parse reads a query string, or a body in the same format.
func Parse(text string) (Values, error) {
	root := &array{}
	for i, piece := range strings.Split(text, "&") {
		name, value, _ := strings.Cut(piece, "=")
		name, err := url.QueryUnescape(name)
		value, wrong := url.QueryUnescape(value)
		path, ok := split(name)
		if err != nil || wrong != nil || !ok || i == maxValues {
			return nil, ErrSyntax
		}
		if path[0] != "" {
			root.put(path, value)
		}
	}
	values := Values{}
	for name, m := range root.members {
		values[name] = Value{m.text, false}
		if m.array != nil {
			values[name] = Value{m.array.json(), true}
		}
	}
	return values, nil
}

// split splits a[b][] into a, b and "".
func split(name string) (path []string, ok bool) {
	base, rest, bracket := strings.Cut(strings.TrimLeft(name, " "), "[")
	path = []string{strings.NewReplacer(".", "_", " ", "_").Replace(base)}
	if !bracket {
		return path, true
	}
	keys, ok := strings.CutSuffix(rest, "]")
	path = append(path, strings.Split(keys, "][")...)
	return path, ok && base != "" && len(path) <= maxDepth && !strings.ContainsAny(strings.Join(path, ""), "[]")
}

// An array is PHP's: a list and an object in one.
type array struct {
	members map[string]member
	order   []string
	next    int // the name of the next element without one
}

type member struct {
	text  string
	array *array
}

func (a *array) put(path []string, value string) {
	key := path[0]
	if key == "" {
		key = strconv.Itoa(a.next)
	}
	if i, err := strconv.Atoi(key); err == nil && i >= a.next && i < 1<<30 {
		a.next = i + 1
	}
	m, there := a.members[key]
	if !there {
		a.order = append(a.order, key)
	}
	if len(path) == 1 {
		m = member{text: value}
	} else {
		if m.array == nil {
			m = member{array: &array{}}
		}
		m.array.put(path[1:], value)
	}
	if a.members == nil {
		a.members = map[string]member{}
	}
	a.members[key] = m
}

// json is a list if the names are 0, 1, 2 and so on, else an object.
func (a *array) json() string {
	isList := true
	var list, object []string
	for i, key := range a.order {
		m := a.members[key]
		text := quoted(m.text)
		if m.array != nil {
			text = m.array.json()
		}
		isList = isList && key == strconv.Itoa(i)
		list, object = append(list, text), append(object, quoted(key)+":"+text)
	}
	if isList {
		return "[" + strings.Join(list, ",") + "]"
	}
	return "{" + strings.Join(object, ",") + "}"
}

func quoted(text string) string {
	quoted, _ := json.Marshal(text) // a string always encodes
	return string(quoted)
}
