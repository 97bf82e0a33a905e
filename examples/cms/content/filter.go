package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// A filter reports whether an item matches.
type filter func(Item) bool

// A test reports whether a value matches.
type test func(any) bool

// errFilter has no details: parameter errors are reported in Cockpit's words.
var errFilter = errors.New("content: not a valid filter")

const (
	maxDepth      = 8   // nested levels of $and, $or, $nor and $not
	maxConditions = 500 // in a filter, counting each value of a list
)

// parseFilter reads {"title": "Hello", "views": {"$gte": 10}}. A field that holds a list matches if one of its values
// does. links.url is the field url of each object in the list links, and title:locale is the title in the query's
// language.
//
// It supports Cockpit's operators $and, $or, $nor, $not, $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $size
// and $regex. It refuses others, since ignoring a condition would show too much. Above all it refuses those that read
// other models, $lookup and fields that begin with @: the caller may not be allowed to read these.
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
	delete(conditions, "_state") // as in Cockpit, clients cannot choose: only published items are listed
	f, err := c.all(conditions, maxDepth)
	if err != nil {
		return err
	}
	q.filter = f
	q.narrow(conditions)
	return nil
}

// A compiler compiles conditions to filters and counts the comparisons of all of them.
type compiler struct {
	locale  string
	count   int
	program int // instructions of regular expressions
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

// several reads the list of $and, $or or $nor.
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

// fieldName reports whether a condition's name is a field, not an operator or a reference to another model.
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

// contains reports whether a list contains a value that is not a list.
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

// path splits a path such as link._id. A part that ends in :locale is the field in the query's language.
func path(field, locale string) []string {
	if locale != "" {
		locale = "_" + locale
	}
	return strings.Split(strings.ReplaceAll(field, ":locale", locale), ".")
}

// at returns the value at a path, or nil. If the path goes through a list, it returns a list of the values in its
// objects.
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
