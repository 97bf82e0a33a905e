package graphqlauth

import (
	"context"
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

// limitArguments refuses an operation that writes too large arguments too often, and counts those that are decoded for
// each object of a list.
func limitArguments(oc *graphql.OperationContext) *gqlerror.Error {
	d := &decoding{variables: map[string]int64{}, endless: oc.Operation.Operation == ast.Subscription}
	d.limit = maxRepeated + int64(len(oc.RawQuery))
	for name, value := range oc.Variables {
		d.variables[name] = sizeOf(reflect.ValueOf(value))
		d.limit += d.variables[name]
	}
	all := d.below(oc.Operation.SelectionSet, true)
	if d.spent.Store(all); all > d.limit {
		return tooMany("bytes of arguments", maxRepeated)
	}
	if all > worthCounting {
		oc.ResolverMiddleware = d.around(oc.ResolverMiddleware)
	}
	return nil
}

// A decoding counts the bytes of arguments that an operation decodes.
type decoding struct {
	variables map[string]int64 // their sizes
	limit     int64
	endless   bool // a subscription
	spent     atomic.Int64
}

// around counts the arguments below each list before any is decoded: a list that is too long for them is an error.
func (d *decoding) around(next graphql.FieldMiddleware) graphql.FieldMiddleware {
	return func(ctx context.Context, resolver graphql.Resolver) (any, error) {
		value, err := next(ctx, resolver)
		fc := graphql.GetFieldContext(ctx)
		if err != nil || fc == nil || fc.Field.Field == nil || fc.Field.Definition.Type.Elem == nil || len(fc.Field.Selections) == 0 {
			return value, err
		}
		each := d.below(fc.Field.Selections, false)
		if each <= worthCounting {
			return value, nil
		}
		bytes := each * items(reflect.ValueOf(value))
		if d.endless {
			defer d.spent.Add(-bytes) // each list of a subscription counts by itself
		}
		if d.spent.Add(bytes) > d.limit {
			return nil, tooMany("bytes of arguments", maxRepeated)
		}
		return value, nil
	}
}

// below returns the bytes of arguments that a selection decodes for one object, through lists or up to them.
func (d *decoding) below(sels ast.SelectionSet, lists bool) (bytes int64) {
	eachField(sels, func(f *ast.Field) {
		for _, arg := range f.Arguments {
			bytes += d.size(arg.Value)
		}
		if lists || f.Definition.Type.Elem == nil {
			bytes += d.below(f.SelectionSet, lists)
		}
	})
	return bytes
}

// size returns the bytes of a value in the document, with the variables in it.
func (d *decoding) size(v *ast.Value) int64 {
	if v.Kind == ast.Variable {
		return d.variables[v.Raw]
	}
	bytes := int64(len(v.Raw) + 2)
	for _, child := range v.Children {
		bytes += int64(len(child.Name)) + d.size(child.Value)
	}
	return bytes
}

// sizeOf returns about the size of a variable as JSON.
func sizeOf(v reflect.Value) int64 {
	bytes := int64(2)
	switch v.Kind() {
	case reflect.String:
		bytes += int64(v.Len())
	case reflect.Interface, reflect.Pointer:
		return sizeOf(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			bytes += sizeOf(v.Index(i))
		}
	case reflect.Map:
		for name, value := range v.Seq2() {
			bytes += sizeOf(name) + sizeOf(value)
		}
	}
	return bytes
}

// items returns the number of elements of a list, or of the lists in it.
func items(v reflect.Value) (n int64) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return items(v.Elem())
	case reflect.Slice, reflect.Array:
		if inner := v.Type().Elem().Kind(); inner != reflect.Slice && inner != reflect.Array {
			return int64(v.Len())
		}
		for i := range v.Len() {
			n += items(v.Index(i))
		}
	}
	return n
}
