package graphqlauthtest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// An attempt is an operation that asks for one guarded coordinate.
type attempt struct {
	*survey
	round   int // which of the given values it uses
	query   string
	keys    []string        // of the field, from the root
	guarded map[string]bool // the coordinates that may refuse it: its own and those on the path
	rounds  int             // how many values there are to try
}

// attempt writes an operation for a coordinate: Type.field, Type.field(argument:) or Input.field. It returns nil if no
// path leads there. Each round uses the next of the given values.
func (s *survey) attempt(coordinate string, round int) *attempt {
	typ, rest, _ := strings.Cut(coordinate, ".")
	name, argument, _ := strings.Cut(strings.TrimSuffix(rest, ":)"), "(")
	def := s.Schema.Types[typ]
	a := &attempt{survey: s, round: round, guarded: map[string]bool{}}
	if def.Kind == ast.InputObject {
		p := s.placeOf(typ, name)
		if p == nil {
			return nil
		}
		return a.operation(p.on, p.field, p.arg, p.path)
	}
	on := s.ways[typ]
	if on == nil {
		return nil
	}
	f := def.Fields.ForName(name)
	if argument == "" {
		return a.operation(on, f, nil, nil)
	}
	return a.operation(on, f, f.Arguments.ForName(argument), nil)
}

// operation asks for f at the end of a path. If arg is not nil, it is written, with the input fields of path in it.
func (a *attempt) operation(on *way, f *ast.FieldDefinition, arg *ast.ArgumentDefinition, path []*ast.FieldDefinition) *attempt {
	text := a.field(on.to, f, arg, path)
	if a.Schema.Types[f.Type.Name()].IsCompositeType() {
		text += " { __typename }"
	}
	a.keys = []string{f.Name}
	for ; on.from != nil; on = on.from {
		if a.Schema.Types[on.last.Type.Name()].IsAbstractType() {
			text = "... on " + on.to.Name + " { " + text + " }"
		}
		text = a.field(on.from.to, on.last, nil, nil) + " { " + text + " }"
		a.keys = append(a.keys, on.last.Name)
	}
	slices.Reverse(a.keys)
	kind := map[*ast.Definition]string{a.Schema.Mutation: "mutation", a.Schema.Subscription: "subscription"}[on.to]
	a.query = cmp.Or(kind, "query") + " { " + text + " }"
	return a
}

func (a *attempt) note(coordinate string) {
	if n := a.needs[coordinate]; n != "" && n != "anyone" {
		a.guarded[coordinate] = true
	}
}

// field returns a field with its needed arguments and with arg.
func (a *attempt) field(on *ast.Definition, f *ast.FieldDefinition, asked *ast.ArgumentDefinition, path []*ast.FieldDefinition) string {
	a.note(on.Name + "." + f.Name)
	var args []string
	for _, arg := range f.Arguments {
		at := argumentAt(on, f, arg)
		switch {
		case arg == asked:
			a.note(at)
			args = append(args, arg.Name+": "+a.value(at, arg.Type, path))
		case a.isWritten(on, f, arg):
			a.note(at)
			args = append(args, arg.Name+": "+a.value(at, arg.Type, nil))
		}
	}
	if args == nil {
		return f.Name
	}
	return f.Name + "(" + strings.Join(args, ", ") + ")"
}

// value returns the value for a coordinate: the host's value, else one of its type. If path is not empty, the value
// contains these input fields.
func (a *attempt) value(at string, t *ast.Type, path []*ast.FieldDefinition) string {
	if given := a.Values[at]; len(given) > 0 && len(path) == 0 {
		a.rounds = max(a.rounds, len(given))
		return given[a.round%len(given)]
	}
	def := a.Schema.Types[t.Name()]
	text := ""
	if def.Kind == ast.InputObject {
		text = a.input(def, path)
	} else {
		text = literal(def)
	}
	for ; t.Elem != nil; t = t.Elem {
		text = "[" + text + "]"
	}
	return text
}

// input returns an input object with its needed fields. A @oneOf object has a single field: of a plain type, if path
// does not choose one.
func (a *attempt) input(def *ast.Definition, path []*ast.FieldDefinition) string {
	var only *ast.FieldDefinition
	if def.Directives.ForName("oneOf") != nil {
		plain := func(f *ast.FieldDefinition) bool { return a.Schema.Types[f.Type.Name()].Kind != ast.InputObject }
		only = def.Fields[max(slices.IndexFunc(def.Fields, plain), 0)]
		if len(path) > 0 {
			only = path[0]
		}
	}
	var fields []string
	for _, f := range def.Fields {
		at := def.Name + "." + f.Name
		given := len(a.Values[at]) > 0
		var inner []*ast.FieldDefinition
		switch {
		case len(path) > 0 && f == path[0]:
			inner = path[1:]
		case only != nil && f != only:
			continue
		case f != only && !given && (!f.Type.NonNull || f.DefaultValue != nil):
			continue
		}
		a.note(at)
		fields = append(fields, f.Name+": "+a.value(at, f.Type, inner))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// literal returns a value of a scalar or an enum. For a scalar of the host it is a guess.
func literal(def *ast.Definition) string {
	if def.Kind == ast.Enum {
		return def.EnumValues[0].Name
	}
	return cmp.Or(literals[def.Name], `"x"`)
}

// literals are values of scalars that do not take any text.
var literals = map[string]string{
	"Int": "1", "Int64": "1", "Uint": "1", "Uint64": "1", "Float": "1.5", "Boolean": "true", "ID": `"1"`,
	"Time": `"2001-02-03T04:05:06Z"`, "DateTime": `"2001-02-03T04:05:06Z"`, "Timestamp": `"2001-02-03T04:05:06Z"`,
	"Date": `"2001-02-03"`, "UUID": `"00000000-0000-4000-8000-000000000000"`,
	"Map": "{}", "JSON": "{}", "JSONObject": "{}", "_Any": "{}",
}
