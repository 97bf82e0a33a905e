package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// A filter says whether an item is one of those asked for.
type filter func(Item) bool

// A test says whether one value is.
type test func(any) bool

// errFilter says no more: what is wrong with a parameter is told in Cockpit's words.
var errFilter = errors.New("content: not understood")

const (
	maxDepth      = 8   // of $and, $or, $nor and $not in each other
	maxConditions = 500 // in a filter, each value of a list counted
)

// parseFilter reads {"title": "Hello", "views": {"$gte": 10}}. A field that holds a list passes if one of its values
// does. A field of a list's objects is reached as links.url, and title:locale is the title in the query's language.
//
// Of Cockpit's operators it knows $and, $or, $nor and $not, $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $size
// and $regex. Others are refused, since a condition that is passed over would show too much, and above all those that
// look into other models: $lookup, and fields that begin with @. What they hold might not be the caller's to read.
func (q *Query) parseFilter(text json.RawMessage, c *compiler) error {
	if nothing(text) {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var conditions map[string]any
	if err := decoder.Decode(&conditions); err != nil || conditions == nil {
		return errFilter
	}
	delete(conditions, "_state") // as in Cockpit, nobody chooses: it is published items
	f, err := c.all(conditions, maxDepth)
	if err != nil {
		return err
	}
	q.filter = f
	q.narrow(conditions)
	return nil
}

// A compiler makes filters of conditions, and counts what an item is compared with in all of them.
type compiler struct {
	locale  string
	count   int
	program int // instructions of patterns
}

func (c *compiler) pay(n int) error {
	if c.count += n; c.count > maxConditions {
		return errFilter
	}
	return nil
}

func (c *compiler) all(conditions map[string]any, depth int) (filter, error) {
	var all []filter
	for key, value := range conditions {
		f, err := c.condition(key, value, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return allOf(all), nil
}

func (c *compiler) condition(key string, value any, depth int) (filter, error) {
	if err := c.pay(1); err != nil || depth == 0 {
		return nil, errFilter
	}
	if strings.HasPrefix(key, "$") {
		return c.several(key, value, depth)
	}
	if !fieldName(key) {
		return nil, errFilter
	}
	path := path(key, c.locale)
	operators, ok := value.(map[string]any)
	if !ok || !hasOperator(operators) {
		return on(path, func(v any) bool { return contains(v, value) }), nil
	}
	check, err := c.operations(operators, depth)
	if err != nil {
		return nil, err
	}
	return on(path, check), nil
}

// several reads $and, $or and $nor.
func (c *compiler) several(key string, value any, depth int) (filter, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, errFilter
	}
	var fs []filter
	for _, one := range list {
		conditions, ok := one.(map[string]any)
		if !ok {
			return nil, errFilter
		}
		f, err := c.all(conditions, depth-1)
		if err != nil {
			return nil, err
		}
		fs = append(fs, f)
	}
	switch key {
	case "$and":
		return allOf(fs), nil
	case "$or":
		return anyOf(fs), nil
	case "$nor":
		any := anyOf(fs)
		return func(i Item) bool { return !any(i) }, nil
	}
	return nil, errFilter
}

func on(path []string, check test) filter {
	return func(i Item) bool { return check(at(i, path)) }
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

// fieldName reports whether a condition's name is one of a field, not an operator or a look into another model.
func fieldName(name string) bool {
	return name != "" && name[0] != '$' && name[0] != '@'
}

func hasOperator(members map[string]any) bool {
	for key := range members {
		if strings.HasPrefix(key, "$") {
			return true
		}
	}
	return false
}

// contains compares a list's elements one by one with what is no list itself.
func contains(v, want any) bool {
	if list, ok := v.([]any); ok {
		if _, ok := want.([]any); !ok {
			for _, one := range list {
				if contains(one, want) {
					return true
				}
			}
			return false
		}
	}
	return same(v, want)
}

// same compares numbers by value, so that 1 is 1.0.
func same(a, b any) bool {
	if x, ok := a.(json.Number); ok {
		y, ok := b.(json.Number)
		return ok && (x == y || number(x) == number(y))
	}
	return reflect.DeepEqual(a, b)
}

// path takes link._id apart. A part that ends in :locale is the field of the query's language.
func path(field, locale string) []string {
	if locale != "" {
		locale = "_" + locale
	}
	return strings.Split(strings.ReplaceAll(field, ":locale", locale), ".")
}

// at returns what is found on a path; nil if there is nothing. Where the path goes through a list it is a list of
// what is found in its objects.
func at(item Item, path []string) any { return below(map[string]any(item), path) }

func below(value any, path []string) any {
	if len(path) == 0 {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		return below(value[path[0]], path[1:])
	case []any:
		var found []any
		for _, one := range value {
			if members, ok := one.(map[string]any); ok {
				if v := below(members, path); v != nil {
					found = append(found, v)
				}
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}
