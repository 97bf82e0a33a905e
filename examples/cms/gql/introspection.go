package gql

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/introspection"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// asObject returns the object whose fields are selected.
func asObject(v any) (object, bool) {
	switch v := v.(type) {
	case object:
		return v, true
	case content.Item:
		return item(v), true
	case map[string]any:
		return item(v), true
	case []any:
		return item{}, len(v) == 0 // PHP writes an empty object as []
	}
	return introspected{reflect.ValueOf(v)}, reflect.TypeOf(v).PkgPath() == introspectionPackage ||
		reflect.TypeOf(v).Kind() == reflect.Pointer && reflect.TypeOf(v).Elem().PkgPath() == introspectionPackage
}

const introspectionPackage = "github.com/99designs/gqlgen/graphql/introspection"

// The members of an item are its fields.
type item map[string]any

func (i item) field(_ context.Context, f graphql.CollectedField) any {
	if v := i[f.Name]; v != nil || f.Name != "_o" {
		return v
	}
	return json.Number("0") // a new item has no place in its tree yet
}

// An introspected wraps a value of gqlgen's package introspection. Each field is a method or member with the same
// name, except those that filter deprecated entries.
type introspected struct{ reflect.Value }

var visible = map[string]string{"args": "VisibleArgs", "inputFields": "VisibleInputFields"}

func (v introspected) field(ctx context.Context, f graphql.CollectedField) any {
	name, ok := visible[f.Name]
	if !ok {
		name = strings.ToUpper(f.Name[:1]) + f.Name[1:]
	}
	on := v.Value
	if on.Kind() != reflect.Pointer {
		on = reflect.New(v.Type())
		on.Elem().Set(v.Value)
	}
	method := on.MethodByName(name)
	if !method.IsValid() {
		return on.Elem().FieldByName(name).Interface()
	}
	var args []reflect.Value
	if method.Type().NumIn() == 1 {
		a, _ := argumentsOf(f.Field, graphql.GetOperationContext(ctx).Variables)
		args = []reflect.Value{reflect.ValueOf(a.Deprecated)}
	}
	result := method.Call(args)[0].Interface()
	if types, ok := result.([]introspection.Type); ok && name == "Types" { // Cockpit does not have these
		return slices.DeleteFunc(types, func(t introspection.Type) bool { return *t.Name() == "Float" || *t.Name() == "ID" })
	}
	return result
}
