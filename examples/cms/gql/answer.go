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

// object writes the selected fields of an object of the type.
func (a *answer) object(ctx context.Context, t *ast.Definition, selected ast.SelectionSet, o object) {
	a.WriteByte('{')
	for i, f := range graphql.CollectFields(a.operation, selected, []string{t.Name}) {
		if i > 0 {
			a.WriteByte(',')
		}
		a.scalar(f.Alias)
		a.WriteByte(':')
		a.path = append(a.path, ast.PathName(f.Alias))
		switch {
		case f.Name == "__typename":
			a.scalar(t.Name)
		case a.Len() > maxAnswer:
			a.WriteString("null")
		default:
			a.value(ctx, f.Definition.Type, f.Selections, o.field(ctx, f))
		}
		a.path = a.path[:len(a.path)-1]
	}
	a.WriteByte('}')
}

func (a *answer) value(ctx context.Context, t *ast.Type, selected ast.SelectionSet, v any) {
	of := reflect.ValueOf(v)
	if of.Kind() == reflect.Pointer && !of.IsNil() && of.Elem().Kind() == reflect.String { // introspection returns such values
		v = of.Elem().String()
	}
	switch {
	case !of.IsValid() || (of.Kind() == reflect.Pointer || of.Kind() == reflect.Map || of.Kind() == reflect.Slice) && of.IsNil():
		a.WriteString("null")
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
			a.value(ctx, t.Elem, selected, of.Index(i).Interface())
			a.path = a.path[:len(a.path)-1]
		}
		a.WriteByte(']')
	case t.Elem != nil:
		a.wrong("a list")
	case a.schema.Types[t.NamedType].IsCompositeType():
		o, ok := asObject(v)
		if !ok {
			a.wrong("an object")
			return
		}
		a.object(ctx, a.schema.Types[t.NamedType], selected, o)
	default:
		a.leaf(t.NamedType, v)
	}
}

// leaf writes a value of a scalar type. It returns false for others. Stored values may be older than the type of
// their field.
func (a *answer) leaf(name string, v any) {
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
		a.wrong(name)
		return
	}
	a.scalar(v)
}

func (a *answer) scalar(v any) {
	if quote(&a.Buffer, v) != nil {
		a.WriteString("null")
	}
}

// wrong writes null for a value that is not of the type in the schema.
func (a *answer) wrong(want string) {
	a.WriteString("null")
	a.fail(&gqlerror.Error{Message: "the value is not " + want})
}

// fail adds an error about the current field.
func (a *answer) fail(err *gqlerror.Error) {
	const most = 100 // more errors add nothing
	if len(a.errors) < most {
		err.Path = append(ast.Path{}, a.path...)
		a.errors = append(a.errors, err)
	}
}
