package graphqlauth_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/roles"
)

// A reference says what package doc promises, as plainly and slowly as it can be said: it reads directives where they
// are written, each time, and looks at each object type by itself. It shares no code with the extension.
type reference struct {
	schema *ast.Schema
	policy *roles.Policy
	open   bool // the default

	known  bool // the caller
	role   string
	scopes []string

	operation *ast.OperationDefinition
	sent      map[string]any // variables, as they came

	budget int // of steps, after which it panics with tooMuch; zero has no end
}

const tooMuch = "too much for the reference"

func (r *reference) may(permission string) bool {
	inScope := func(scope string) bool { return roles.Match(scope, permission) }
	return r.policy.Allows(r.role, permission) && (len(r.scopes) == 0 || slices.ContainsFunc(r.scopes, inScope))
}

// allowed asks the rules among directives, on a field with these arguments.
func (r *reference) allowed(list ast.DirectiveList, args map[string]any) bool {
	for _, d := range list {
		ok := true
		switch d.Name {
		case "authenticated":
			ok = r.known
		case "can":
			permission, filled := fillIn(d.Arguments.ForName("permission").Value.Raw, args)
			ok = filled && r.may(permission)
		case "needs":
			ok = r.may(d.Arguments.ForName("p").Value.Raw)
		case "requiresScopes":
			ok = slices.ContainsFunc(d.Arguments.ForName("scopes").Value.Children, func(all *ast.ChildValue) bool {
				return !slices.ContainsFunc(all.Value.Children, func(one *ast.ChildValue) bool { return !r.may(one.Value.Raw) })
			})
		}
		if !ok {
			return false
		}
	}
	return true
}

// fillIn makes a permission of a template.
func fillIn(template string, args map[string]any) (permission string, ok bool) {
	for name, value := range args {
		if !strings.Contains(template, "{"+name+"}") {
			continue
		}
		if value == nil {
			return "", false
		}
		text := fmt.Sprint(value)
		if !roles.ValidPermission(text) || strings.Contains(text, "/") {
			return "", false
		}
		template = strings.ReplaceAll(template, "{"+name+"}", text)
	}
	return template, !strings.Contains(template, "{")
}

// value is what is written, with the values of variables. It is not ok for a variable that has none.
func (r *reference) value(v *ast.Value) (value any, ok bool) {
	switch v.Kind {
	case ast.Variable:
		if sent, ok := r.sent[v.Raw]; ok {
			return sent, true
		}
		if d := r.operation.VariableDefinitions.ForName(v.Raw).DefaultValue; d != nil {
			return r.value(d)
		}
		return nil, false
	case ast.NullValue:
		return nil, true
	case ast.ListValue:
		list := []any{}
		for _, child := range v.Children {
			inner, _ := r.value(child.Value)
			list = append(list, inner)
		}
		return list, true
	case ast.ObjectValue:
		object := map[string]any{}
		for _, child := range v.Children {
			if inner, ok := r.value(child.Value); ok {
				object[child.Name] = inner
			}
		}
		return object, true
	case ast.BooleanValue:
		return v.Raw == "true", true
	}
	return v.Raw, true
}

// included reads @skip and @include.
func (r *reference) included(list ast.DirectiveList) bool {
	for _, d := range list {
		if d.Name == "skip" || d.Name == "include" {
			if value, _ := r.value(d.Arguments.ForName("if").Value); value == (d.Name == "skip") {
				return false
			}
		}
	}
	return true
}

// denied asks about one field of one object type. It returns the coordinates for which it is denied: that of the field,
// or those of what is written for its arguments.
func (r *reference) denied(object *ast.Definition, node *ast.Field) (coordinates []string) {
	at := object.Name + "." + node.Name
	def := object.Fields.ForName(node.Name)
	var interfaces []*ast.Definition
	for _, name := range object.Interfaces {
		interfaces = append(interfaces, r.schema.Types[name])
	}

	written, args := map[string]any{}, map[string]any{}
	for _, arg := range def.Arguments {
		if arg.DefaultValue != nil {
			args[arg.Name], _ = r.value(arg.DefaultValue)
		}
		if node.Arguments.ForName(arg.Name) != nil {
			if value, ok := r.value(node.Arguments.ForName(arg.Name).Value); ok {
				written[arg.Name], args[arg.Name] = value, value
			}
		}
	}

	ok := r.allowed(def.Directives, args) && r.allowed(object.Directives, nil)
	spoken := len(def.Directives)+len(object.Directives) > 0 // all are rules of ours, or @public
	for _, outer := range interfaces {
		ok = ok && r.allowed(outer.Directives, nil)
		spoken = spoken || len(outer.Directives) > 0
		if same := outer.Fields.ForName(node.Name); same != nil {
			ok = ok && r.allowed(same.Directives, args)
			spoken = spoken || len(same.Directives) > 0
		}
	}
	out := r.schema.Types[def.Type.Name()]
	ok = ok && r.allowed(out.Directives, nil)
	for _, name := range out.Interfaces {
		ok = ok && r.allowed(r.schema.Types[name].Directives, nil)
	}
	if object == r.schema.Query || object == r.schema.Mutation || object == r.schema.Subscription {
		if strings.HasPrefix(node.Name, "__") || !spoken && !r.open {
			ok = ok && r.known
		}
	}
	if !ok {
		return []string{at}
	}

	for _, arg := range def.Arguments {
		value, ok := written[arg.Name]
		if !ok {
			continue
		}
		here := fmt.Sprintf("%s(%s:)", at, arg.Name)
		allowed := r.allowed(arg.Directives, args)
		for _, outer := range interfaces {
			if same := outer.Fields.ForName(node.Name); same != nil && same.Arguments.ForName(arg.Name) != nil {
				allowed = allowed && r.allowed(same.Arguments.ForName(arg.Name).Directives, args)
			}
		}
		if !allowed || !r.mayWrite(arg.Type) {
			coordinates = append(coordinates, here)
		}
		coordinates = append(coordinates, r.deniedInput(arg.Type, value)...)
	}
	return coordinates
}

// mayWrite asks the rules on the type of what is written.
func (r *reference) mayWrite(t *ast.Type) bool {
	return r.allowed(r.schema.Types[t.Name()].Directives, nil)
}

// deniedInput asks about each field of each input object in a value.
func (r *reference) deniedInput(t *ast.Type, value any) (coordinates []string) {
	if list, ok := value.([]any); ok {
		for _, inner := range list {
			coordinates = append(coordinates, r.deniedInput(t, inner)...)
		}
	}
	if object, ok := value.(map[string]any); ok && r.schema.Types[t.Name()].Kind == ast.InputObject {
		for _, f := range r.schema.Types[t.Name()].Fields {
			if inner, written := object[f.Name]; written {
				if !r.allowed(f.Directives, nil) || !r.mayWrite(f.Type) {
					coordinates = append(coordinates, t.Name()+"."+f.Name)
				}
				coordinates = append(coordinates, r.deniedInput(f.Type, inner)...)
			}
		}
	}
	return coordinates
}

// everything asks about each field on each object type that could be there. It returns what is denied, for each place
// the coordinates for which it is.
func (r *reference) everything(object *ast.Definition, sels ast.SelectionSet) (denials [][]string) {
	for _, node := range r.fields(object, sels) {
		if node.Name == "__typename" {
			continue
		}
		if coordinates := r.denied(object, node); coordinates != nil {
			denials = append(denials, coordinates)
			continue
		}
		out := r.schema.Types[object.Fields.ForName(node.Name).Type.Name()]
		if out.IsCompositeType() {
			for _, possible := range objectsOf(r.schema, out) {
				denials = append(denials, r.everything(possible, node.SelectionSet)...)
			}
		}
	}
	return denials
}

// fields are those of a selection that an object of this type has, one by one as they are written.
func (r *reference) fields(object *ast.Definition, sels ast.SelectionSet) (nodes []*ast.Field) {
	if r.budget > 0 {
		if r.budget--; r.budget == 0 {
			panic(tooMuch)
		}
	}
	within := func(condition string, inner ast.SelectionSet) {
		if condition == "" || slices.Contains(objectsOf(r.schema, r.schema.Types[condition]), object) {
			nodes = append(nodes, r.fields(object, inner)...)
		}
	}
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			if r.included(sel.Directives) {
				nodes = append(nodes, sel)
			}
		case *ast.InlineFragment:
			if r.included(sel.Directives) {
				within(sel.TypeCondition, sel.SelectionSet)
			}
		case *ast.FragmentSpread:
			if r.included(sel.Directives) {
				within(sel.Definition.TypeCondition, sel.Definition.SelectionSet)
			}
		}
	}
	return nodes
}

// objectsOf are the object types that can stand for a type.
func objectsOf(schema *ast.Schema, def *ast.Definition) (objects []*ast.Definition) {
	for _, possible := range schema.GetPossibleTypes(def) {
		if possible.Kind == ast.Object { // gqlparser counts interfaces that implement def, too
			objects = append(objects, possible)
		}
	}
	return objects
}
