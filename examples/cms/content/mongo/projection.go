package mongo

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Projection selects fields. The zero Projection selects all.
type Projection struct {
	fields  Doc // nested: "link._id" is in "link"
	include bool
}

// ParseProjection reads {"title": 1, "link._id": 1, "_id": 0}, or {"body": 0}.
func ParseProjection(text []byte) (Projection, error) {
	fields, err := decodeObject(text)
	if err != nil || len(fields) > 0 && text[0] == '[' {
		return Projection{}, ErrJSON
	}
	return newProjection(fields, false)
}

// newProjection takes values that are neither 1 nor 0 if it may. As in Cockpit, they select nothing, so $project
// computes nothing.
func newProjection(fields Doc, any bool) (Projection, error) {
	p := Projection{fields: Doc{}}
	var yes, no, dotted int
	for field, value := range fields {
		path := strings.Split(field, ".")
		if dotted += rank(len(path) > 1); len(path) > maxDepth || dotted > maxConditions {
			return Projection{}, refuse("too many or too deep fields:", field)
		}
		if field != "_id" || len(fields) == 1 {
			y, n, ok := count(value)
			if yes, no = yes+y, no+n; !ok && !any {
				return Projection{}, refuse("neither 1 nor 0:", field)
			}
		}
		if len(path) > 1 {
			value = with(p.fields[path[0]], path[1:], value, false)
		}
		p.fields[path[0]] = value
	}
	if p.include = no == 0; yes > 0 && no > 0 {
		return Projection{}, &Error{"both 1 and 0"}
	}
	return p, nil
}

// count counts what selects and what leaves out. It is not ok if a value means neither: PHP's clients write 1 and true
// as texts.
func count(v any) (yes, no int, ok bool) {
	if !composite(v) {
		yes := rank(truthy(v))
		return yes, 1 - yes, v == nil || v == true || v == false || slices.Contains([]string{"1", "0", "1.0", "0.0", "true", "false"}, text(v))
	}
	_, isList := v.([]any)
	ok = !isList
	for _, one := range members(v) {
		y, n, fine := count(one)
		yes, no, ok = yes+y, no+n, ok && fine
	}
	return yes, no, ok
}

// Names reports whether the projection names the field.
func (p Projection) Names(field string) bool {
	_, named := p.fields[field]
	return named
}

// Of removes fields from a document.
func (p Projection) Of(doc Doc) {
	for field, value := range doc {
		if field == "_id" && (!p.Names(field) || truthy(p.fields[field])) || len(p.fields) == 0 {
			continue
		}
		if shown, ok := p.show(p.fields[field], value); ok {
			doc[field] = shown
		} else {
			delete(doc, field)
		}
	}
}

// show returns what a field shows of its value, and whether it is shown at all.
func (p Projection) show(of, value any) (any, bool) {
	switch {
	case composite(of) && composite(value):
		return p.inside(members(of), value), true
	case composite(of), of == nil:
		return value, !p.include
	}
	return value, p.include && equal(of, json.Number("1")) || !p.include && truthy(of)
}

// inside applies the projection of a field to the objects in it. PHP writes an empty object as [].
func (p Projection) inside(fields Doc, value any) any {
	if list, ok := value.([]any); ok {
		list = slices.Clone(list)
		for i, one := range list {
			if composite(one) {
				list[i] = p.inside(fields, one)
			}
		}
		return list
	}
	result := Doc{}
	for name, one := range members(value) {
		if shown, ok := p.show(fields[name], one); ok {
			result[name] = shown
		}
	}
	if len(result) == 0 {
		return []any{}
	}
	return result
}
