package gql

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const maxAnswer = 32 << 20 // bytes

// An object has fields to select.
type object interface {
	// field returns the value of a field, nil if it is null. It is a text, number, bool, list or object, or decoded
	// JSON.
	field(ctx context.Context, f graphql.CollectedField) any
}

// An answer writes the data of an operation, field by field, in the order of the operation.
type answer struct {
	bytes.Buffer
	schema    *ast.Schema
	operation *graphql.OperationContext
	path      ast.Path
	errors    gqlerror.List
}

// object writes the selected fields of an object of the type. It returns false if one is null that must not be.
func (a *answer) object(ctx context.Context, t *ast.Definition, selected ast.SelectionSet, o object) bool {
	a.WriteByte('{')
	for i, f := range graphql.CollectFields(a.operation, selected, []string{t.Name}) {
		if i > 0 {
			a.WriteByte(',')
		}
		a.scalar(f.Alias)
		a.WriteByte(':')
		a.path = append(a.path, ast.PathName(f.Alias))
		ok := true
		switch {
		case f.Name == "__typename":
			a.scalar(t.Name)
		case a.Len() > maxAnswer:
			a.WriteString("null")
		default:
			ok = a.value(ctx, f.Definition.Type, f.Selections, o.field(ctx, f))
		}
		a.path = a.path[:len(a.path)-1]
		if !ok {
			return false
		}
	}
	a.WriteByte('}')
	return true
}

// value writes a value, or null for one that is not of the type. It returns false if that must not be null: then the
// nearest value around it that may be null is.
func (a *answer) value(ctx context.Context, t *ast.Type, selected ast.SelectionSet, v any) bool {
	start := a.Len()
	if a.some(ctx, t, selected, v) {
		return true
	}
	a.Truncate(start)
	a.WriteString("null")
	return !t.NonNull
}

// some writes a value of a type. It returns false if there is none.
func (a *answer) some(ctx context.Context, t *ast.Type, selected ast.SelectionSet, v any) bool {
	of := reflect.ValueOf(v)
	if of.Kind() == reflect.Pointer && !of.IsNil() && of.Elem().Kind() == reflect.String { // introspection returns such values
		v = of.Elem().String()
	}
	switch {
	case !of.IsValid() || (of.Kind() == reflect.Pointer || of.Kind() == reflect.Map || of.Kind() == reflect.Slice) && of.IsNil():
		if t.NonNull {
			a.fail(&gqlerror.Error{Message: "the value is null, but must not be"})
		}
		return false
	case t.Elem != nil && of.Kind() == reflect.Slice:
		a.WriteByte('[')
		for i := range of.Len() {
			if i > 0 {
				a.WriteByte(',')
			}
			if a.Len() > maxAnswer {
				a.WriteString("null")
				break
			}
			a.path = append(a.path, ast.PathIndex(i))
			ok := a.value(ctx, t.Elem, selected, of.Index(i).Interface())
			if a.path = a.path[:len(a.path)-1]; !ok {
				return false
			}
		}
		a.WriteByte(']')
		return true
	case t.Elem != nil:
		return a.wrong("a list")
	case a.schema.Types[t.NamedType].IsCompositeType():
		o, ok := asObject(v)
		if !ok {
			return a.wrong("an object")
		}
		return a.object(ctx, a.schema.Types[t.NamedType], selected, o)
	}
	return a.leaf(t.NamedType, v)
}

// leaf writes a value of a scalar type. It returns false for others. Stored values may be older than the type of
// their field.
func (a *answer) leaf(name string, v any) bool {
	ok := true
	switch name {
	case "String":
		switch text := v.(type) {
		case json.Number:
			v = text.String()
		case string:
		default:
			ok = false
		}
	case "Int", "NumericType":
		_, ok = v.(json.Number)
	case "Boolean":
		_, ok = v.(bool)
	}
	if !ok {
		return a.wrong(name)
	}
	a.scalar(v)
	return true
}

func (a *answer) scalar(v any) {
	if quote(&a.Buffer, v) != nil {
		a.WriteString("null")
	}
}

// wrong reports a value that is not of the type in the schema.
func (a *answer) wrong(want string) bool {
	a.fail(&gqlerror.Error{Message: "the value is not " + want})
	return false
}

// fail adds an error about the current field.
func (a *answer) fail(err *gqlerror.Error) {
	const most = 100 // more errors add nothing
	if len(a.errors) < most {
		err.Path = append(ast.Path{}, a.path...)
		a.errors = append(a.errors, err)
	}
}
