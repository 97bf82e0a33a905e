package content

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A Query says which items to list, and how. The zero Query asks for all of a model.
type Query struct {
	filter      filter
	sort        []order
	fields      map[string]bool
	limit, skip int
	paged       bool
	locale      string
}

type order struct {
	path []string
	sign int
}

// A ParameterError says which parameter cannot be understood. Its text is Cockpit's.
type ParameterError struct{ Name, Want string }

func (e *ParameterError) Error() string { return fmt.Sprintf("<%s> is not %s", e.Name, e.Want) }

// ParseQuery reads Cockpit's parameters: filter, fields and sort as JSON (filter[title]=x too), limit and skip as
// numbers, and locale.
func ParseQuery(values url.Values) (Query, error) {
	q := Query{locale: values.Get("locale"), paged: values.Has("limit") && values.Has("skip")}
	var err error
	if q.filter, err = parseFilters(values); err != nil {
		return Query{}, &ParameterError{"filter", "valid json"}
	}
	if text := values.Get("sort"); text != "" {
		if q.sort, err = parseSort(text); err != nil {
			return Query{}, &ParameterError{"sort", "valid json"}
		}
	}
	if text := values.Get("fields"); text != "" {
		if q.fields, err = parseFields(text); err != nil {
			return Query{}, &ParameterError{"fields", "valid json"}
		}
	}
	for _, number := range []struct {
		name string
		to   *int
	}{{"limit", &q.limit}, {"skip", &q.skip}} {
		if text := values.Get(number.name); text != "" {
			if *number.to, err = strconv.Atoi(text); err != nil || *number.to < 0 {
				return Query{}, &ParameterError{number.name, "a number"}
			}
		}
	}
	return q, nil
}

// Paged reports whether limit and skip were both given: the answer then tells the total.
func (q Query) Paged() bool { return q.paged }

// First narrows the query to its first item.
func (q Query) First() Query {
	q.limit, q.skip, q.paged = 1, 0, false
	return q
}

func parseFilters(values url.Values) (filter, error) {
	var all []filter
	if text := values.Get("filter"); text != "" {
		f, err := parseFilter(text)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	for name := range values {
		if rest, ok := strings.CutPrefix(name, "filter["); ok {
			field, ok := strings.CutSuffix(rest, "]")
			if !ok || strings.HasPrefix(field, "$") || strings.ContainsAny(field, "[]") {
				return nil, errFilter
			}
			if field == "_state" {
				continue
			}
			all = append(all, equals(path(field), values.Get(name)))
		}
	}
	if all == nil {
		return nil, nil
	}
	return allOf(all), nil
}

// parseSort reads {"title": -1, "_created": 1} token by token, since the order of its members counts.
func parseSort(text string) (orders []order, err error) {
	if !json.Valid([]byte(text)) {
		return nil, errFilter
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errFilter
	}
	for decoder.More() {
		field, _ := decoder.Token()
		direction, _ := decoder.Token()
		sign, ok := direction.(float64)
		if !ok || sign != 1 && sign != -1 {
			return nil, errFilter
		}
		orders = append(orders, order{path(field.(string)), int(sign)})
	}
	return orders, nil
}

func (q Query) compare(a, b Item) int {
	for _, o := range q.sort {
		if c := compare(at(a, o.path), at(b, o.path)); c != 0 {
			return c * o.sign
		}
	}
	return 0
}

// compare puts any two values in order: nothing, booleans, numbers, texts, and the rest as equals.
func compare(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case bool:
		return cmp.Compare(truth(a), truth(b.(bool)))
	case json.Number:
		return cmp.Compare(number(a), number(b.(json.Number)))
	case string:
		return cmp.Compare(a, b.(string))
	}
	return 0
}

func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case json.Number:
		return 2
	case string:
		return 3
	}
	return 4
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func number(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}

// parseFields reads {"title": 1, "_id": 0}.
func parseFields(text string) (map[string]bool, error) {
	var members map[string]any
	if err := json.Unmarshal([]byte(text), &members); err != nil || members == nil {
		return nil, errFilter
	}
	fields := map[string]bool{}
	for field, value := range members {
		switch value {
		case 1.0, true:
			fields[field] = true
		case 0.0, false:
			fields[field] = false
		default:
			return nil, errFilter
		}
	}
	return fields, nil
}

// project drops what was not asked for: with any field at 1 all others, _id excepted; else those at 0.
func (q Query) project(item Item) {
	narrows := false
	for field, wanted := range q.fields {
		narrows = narrows || wanted && field != "_id"
	}
	narrows = narrows || len(q.fields) == 1 && q.fields["_id"]
	for field := range item {
		wanted, said := q.fields[field]
		if said && !wanted || narrows && !said && field != "_id" {
			delete(item, field)
		}
	}
}
