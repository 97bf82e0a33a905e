package mongo

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Link is a condition on the documents that a field links to. It matches no document until IDs has those that
// match.
type Link struct {
	Field string          // the link
	Where json.RawMessage // the filter of the linked documents
	IDs   map[string]bool
}

const maxLinks = 4

// ParseFilter compiles {"title": "Hello", "views": {"$gte": 10}}; nil if it has no conditions. These are returned, too.
func (c *Compiler) ParseFilter(text []byte) (Filter, Doc, error) {
	conditions, err := decodeObject(text)
	if err != nil {
		return nil, nil, err
	}
	delete(conditions, "_state") // as in Cockpit, clients cannot choose: only published items are listed
	c.Loose = !simple(conditions)
	f, err := c.filter(conditions, maxDepth)
	return f, conditions, err
}

// simple reports whether Cockpit runs the filter as SQL.
func simple(conditions Doc) bool {
	for key, value := range conditions {
		nested := key == "$and" || key == "$or"
		if !nested && (!fieldName(key) || strings.Contains(key, ".")) {
			return false
		}
		for operator, operand := range members(value) {
			if nested && !simple(members(operand)) || !nested && strictOperator(operator, operand) == nil {
				return false
			}
		}
	}
	return true
}

// filter compiles conditions that all have to match; nil if there are none.
func (c *Compiler) filter(conditions Doc, depth int) (Filter, error) {
	var all []Filter
	for key, value := range conditions {
		f, err := c.condition(key, value, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if all == nil {
		return nil, nil
	}
	return func(doc Doc) bool { return !slices.ContainsFunc(all, func(f Filter) bool { return !f(doc) }) }, nil
}

func (c *Compiler) condition(key string, value any, depth int) (Filter, error) {
	if err := c.pay(1 + len(members(value))); err != nil {
		return nil, err
	}
	switch {
	case depth <= 0:
		return nil, refuse("too deep:", key)
	case key == "$and", key == "$or", key == "$nor":
		return c.several(key, value, depth-1)
	case key == "$expr":
		e, err := c.expression(value, depth-1)
		return func(doc Doc) bool { return truthy(e(doc)) }, err
	case strings.HasPrefix(key, "@"):
		return c.link(key, value)
	case !fieldName(key):
		return nil, refuse("an unknown operator:", key)
	case composite(value) && len(members(value)) == 0:
		return nil, refuse("nothing to compare with:", key)
	}
	path := c.path(key)
	switch {
	case c.Loose && hasOperator(value):
		check, err := c.looseOperators(members(value), depth-1)
		return func(doc Doc) bool { return check(at(doc, path)) }, err
	case c.Loose:
		return func(doc Doc) bool { return matches(at(doc, path), value) }, nil
	case !composite(value):
		value = Doc{"$eq": value}
	}
	var all []strictTest
	for operator, operand := range members(value) {
		if err := c.pay(len(members(operand))); err != nil {
			return nil, err
		}
		all = append(all, strictOperator(operator, operand))
	}
	return func(doc Doc) bool {
		v, present := doc[path[0]]
		return !slices.ContainsFunc(all, func(test strictTest) bool { return !test(v, present) })
	}, nil
}

// several compiles the list of $and, $or or $nor.
func (c *Compiler) several(key string, value any, depth int) (Filter, error) {
	list, ok := value.([]any)
	var fs []Filter
	for _, one := range list {
		f, err := c.filter(members(one), depth)
		if ok = ok && composite(one); f == nil {
			f = func(Doc) bool { return true }
		}
		if fs = append(fs, f); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, refuse("no list of conditions:", key)
	}
	return func(doc Doc) bool {
		wanted := key != "$and" // the result of a filter that decides
		return slices.ContainsFunc(fs, func(f Filter) bool { return f(doc) == wanted }) == (key == "$or")
	}, nil
}

// link compiles {"@author.name": "Ann"}: the field author links to a document whose name is Ann.
func (c *Compiler) link(key string, value any) (Filter, error) {
	field, inner, _ := strings.Cut(key[1:], ".")
	if !fieldName(field) || !fieldName(inner) || len(c.Links) == maxLinks {
		return nil, refuse("no field of a link, or too many:", key)
	}
	l := &Link{Field: field, Where: json.RawMessage(keyOf(Doc{inner: value}))}
	c.Links = append(c.Links, l)
	path := c.path(field + "._id")
	return func(doc Doc) bool {
		return anyLeaf(at(doc, path), func(v any) bool { return v != nil && l.IDs[text(v)] })
	}, nil
}

// matches reports whether a value is the wanted one, as PHP evaluates it. A list matches if it has the wanted value.
func matches(v, want any) bool {
	switch {
	case v == nil, want == nil:
		return v == nil && want == nil
	case composite(v) && !composite(want):
		return anyLeaf(v, func(one any) bool { return equal(one, want) })
	case composite(want) && !composite(v):
		list, _ := want.([]any)
		return contains(list, v)
	}
	return equal(v, want)
}

// anyLeaf reports whether check holds for a value, or for one in a list or object, at any depth.
func anyLeaf(v any, check func(any) bool) bool {
	if !composite(v) {
		return check(v)
	}
	for _, one := range members(v) {
		if anyLeaf(one, check) {
			return true
		}
	}
	return false
}

func hasOperator(v any) bool {
	for key := range members(v) {
		if strings.HasPrefix(key, "$") {
			return true
		}
	}
	return false
}
