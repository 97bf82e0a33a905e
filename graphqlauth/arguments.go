package graphqlauth

import (
	"context"
	"encoding/json"
	"reflect"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	// maxRepeated bounds the bytes of arguments that an operation decodes again. Long lists of small values take
	// gqlgen about half a microsecond for each byte.
	maxRepeated = 4 << 20
	// worthCounting is how many bytes of arguments the objects of a list may have uncounted: less costs little more
	// than the object itself.
	worthCounting = 256
)

// A decoding counts the bytes of arguments that an operation decodes.
type decoding struct {
	variables map[string]int // their sizes
	limit     int
	endless   bool // a subscription
}

func newDecoding(oc *graphql.OperationContext) decoding {
	d := decoding{limit: maxRepeated + len(oc.RawQuery), endless: oc.Operation.Operation == ast.Subscription}
	if len(oc.Variables) > 0 {
		d.variables = map[string]int{}
	}
	for name, value := range oc.Variables {
		d.variables[name] = sizeOf(value)
		d.limit += d.variables[name]
	}
	return d
}

// limitTo refuses an operation whose arguments, each decoded once, are beyond the limit already, and lets others spend
// the rest.
func (d *decoding) limitTo(oc *graphql.OperationContext, bytes int) *gqlerror.Error {
	if bytes > d.limit {
		return tooMany("bytes of arguments", maxRepeated)
	}
	if bytes > worthCounting {
		oc.ResolverMiddleware = d.around(oc.ResolverMiddleware, bytes)
	}
	return nil
}

// around counts the arguments below each list before any is decoded: a list that is too long for them is an error.
func (d decoding) around(next graphql.FieldMiddleware, bytes int) graphql.FieldMiddleware {
	spent := &atomic.Int64{}
	spent.Store(int64(bytes))
	return func(ctx context.Context, resolver graphql.Resolver) (any, error) {
		value, err := next(ctx, resolver)
		fc := graphql.GetFieldContext(ctx)
		if err != nil || fc == nil || fc.Field.Field == nil || fc.Field.Definition.Type.Elem == nil || len(fc.Field.Selections) == 0 {
			return value, err
		}
		each := d.below(fc.Field.Selections)
		if each <= worthCounting {
			return value, nil
		}
		bytes := int64(each * items(reflect.ValueOf(value)))
		if d.endless {
			defer spent.Add(-bytes) // each list of a subscription counts by itself
		}
		if spent.Add(bytes) > int64(d.limit) {
			return nil, tooMany("bytes of arguments", maxRepeated)
		}
		return value, nil
	}
}

// below returns the bytes of arguments that a selection decodes for one object, up to the lists in it.
func (d *decoding) below(sels ast.SelectionSet) (bytes int) {
	eachField(sels, func(f *ast.Field) {
		if bytes += d.of(f); f.Definition.Type.Elem == nil {
			bytes += d.below(f.SelectionSet)
		}
	})
	return bytes
}

// of returns the bytes of a field's arguments. A nil decoding counts nothing.
func (d *decoding) of(f *ast.Field) (bytes int) {
	for _, arg := range f.Arguments {
		if d != nil {
			bytes += d.size(arg.Value)
		}
	}
	return bytes
}

// size returns the bytes of a value in the document, with the variables in it.
func (d *decoding) size(v *ast.Value) int {
	if v.Kind == ast.Variable {
		return d.variables[v.Raw]
	}
	bytes := len(v.Raw) + 2
	for _, child := range v.Children {
		bytes += len(child.Name) + d.size(child.Value)
	}
	return bytes
}

// sizeOf returns about the size of a variable as JSON.
func sizeOf(value any) int {
	bytes := 2
	switch value := value.(type) {
	case string:
		return bytes + len(value)
	case json.Number:
		return bytes + len(value)
	case map[string]any:
		for name, inner := range value {
			bytes += 2 + len(name) + sizeOf(inner)
		}
	case []any:
		for _, inner := range value {
			bytes += sizeOf(inner)
		}
	case []map[string]any: // gqlparser's form of a single value in place of a list
		for _, inner := range value {
			bytes += sizeOf(inner)
		}
	}
	return bytes
}

// items returns the number of elements of a list, or of the lists in it.
func items(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return items(v.Elem())
	case reflect.Slice, reflect.Array:
		if inner := v.Type().Elem().Kind(); inner != reflect.Slice && inner != reflect.Array {
			return v.Len()
		}
		for i := range v.Len() {
			n += items(v.Index(i))
		}
	}
	return n
}
