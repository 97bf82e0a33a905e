package graphqlauth

import (
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// An inputEntry is a variable, read as a value of one input type.
type inputEntry struct {
	variable string
	input    *input
}

// argument reports whether the caller may write the argument as the operation has it. An explicit null is written; a
// default of the schema is not.
func (w *walk) argument(arg *guarded, node *ast.Field) (denial, bool) {
	written := node.Arguments.ForName(arg.name)
	if written == nil {
		return denial{}, true
	}
	if written.Value.Kind == ast.Variable {
		if _, ok := w.vars[written.Value.Raw]; !ok {
			return denial{}, true
		}
	}
	return w.written(arg, written.Value, node)
}

// written checks the value of an argument or input field in the document.
func (w *walk) written(g *guarded, v *ast.Value, node *ast.Field) (denial, bool) {
	if d, ok := w.may(g, node); !ok || g.input == nil {
		return d, ok
	}
	return w.literal(g.input, v, node)
}

// may reports whether the caller may write an argument or input field, whatever its value contains.
func (w *walk) may(g *guarded, node *ast.Field) (denial, bool) {
	missing, ok := w.satisfies(&g.need, node, w.vars)
	return denial{g.coordinate, missing}, ok
}

// literal checks a value in the document: an input object, or lists of them.
func (w *walk) literal(in *input, v *ast.Value, node *ast.Field) (denial, bool) {
	switch v.Kind {
	case ast.Variable:
		if sent, ok := w.vars[v.Raw]; ok {
			return w.variable(inputEntry{v.Raw, in}, sent, node)
		}
		if v.VariableDefinition != nil && v.VariableDefinition.DefaultValue != nil {
			return w.literal(in, v.VariableDefinition.DefaultValue, node)
		}
	case ast.ListValue:
		for _, child := range v.Children {
			if d, ok := w.literal(in, child.Value, node); !ok {
				return d, false
			}
		}
	case ast.ObjectValue:
		for _, child := range v.Children {
			f := in.field(child.Name)
			if f == nil || w.unset(child.Value) {
				continue
			}
			if d, ok := w.written(f, child.Value, node); !ok {
				return d, false
			}
		}
	}
	return denial{}, true
}

// variable checks the value of a variable, once for each input type that it is used as, because a document may use a
// large value many times.
func (w *walk) variable(entry inputEntry, sent any, node *ast.Field) (denial, bool) {
	if !w.inputsSeen.add(entry) {
		d, bad := w.inputsBad[entry]
		return d, !bad
	}
	d, ok := w.sent(entry.input, sent, node)
	if !ok {
		if w.inputsBad == nil {
			w.inputsBad = map[inputEntry]denial{}
		}
		w.inputsBad[entry] = d
	}
	return d, ok
}

// unset reports whether a value is a variable that the client did not send and that has no default. The field is then
// absent.
func (w *walk) unset(v *ast.Value) bool {
	if v.Kind != ast.Variable {
		return false
	}
	_, ok := w.vars[v.Raw]
	return !ok && (v.VariableDefinition == nil || v.VariableDefinition.DefaultValue == nil)
}

// sent checks the value of a variable.
func (w *walk) sent(in *input, value any, node *ast.Field) (denial, bool) {
	object, ok := value.(map[string]any)
	if !ok {
		return w.sentValue(in, reflect.ValueOf(value), node)
	}
	for i := range in.fields {
		f := &in.fields[i]
		inner, written := object[f.name]
		if !written {
			continue
		}
		d, ok := w.may(f, node)
		if ok && f.input != nil {
			d, ok = w.sent(f.input, inner, node)
		}
		if !ok {
			return d, false
		}
	}
	return denial{}, true
}

// sentValue checks lists, and variables set by Go code. A value that it cannot read counts as one that contains every
// guarded field.
func (w *walk) sentValue(in *input, v reflect.Value, node *ast.Field) (denial, bool) {
	switch v.Kind() {
	case reflect.Invalid: // nil
		return denial{}, true
	case reflect.Pointer, reflect.Interface:
		return w.sentValue(in, v.Elem(), node)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if d, ok := w.sent(in, v.Index(i).Interface(), node); !ok {
				return d, false
			}
		}
		return denial{}, true
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			object := map[string]any{}
			for key, inner := range v.Seq2() {
				object[key.String()] = inner.Interface()
			}
			return w.sent(in, object, node)
		}
	}
	return denial{coordinate: "?"}, false
}

// copyOperation returns what walk needs of an operation, with variables that no resolver has.
func copyOperation(oc *graphql.OperationContext) *graphql.OperationContext {
	return &graphql.OperationContext{Doc: oc.Doc, Operation: oc.Operation, Variables: copyValue(oc.Variables).(map[string]any)}
}

// copyValue copies the value of a variable. If an input object is bound to a Go map, the resolver gets this very map
// and may write to it while a subscription is checked again.
func copyValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, inner := range value {
			copied[name] = copyValue(inner)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, inner := range value {
			copied[i] = copyValue(inner)
		}
		return copied
	case []map[string]any: // gqlparser's form of a single value in place of a list
		copied := make([]any, len(value))
		for i, inner := range value {
			copied[i] = copyValue(inner)
		}
		return copied
	}
	return value
}
