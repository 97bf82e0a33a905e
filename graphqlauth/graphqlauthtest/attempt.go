package graphqlauthtest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// An attempt is an operation that asks for one guarded coordinate.
type attempt struct {
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
	w := &writer{survey: s, attempt: &attempt{guarded: map[string]bool{}}, round: round}
	if def.Kind == ast.InputObject {
		p := s.placeOf(typ, name)
		if p == nil {
			return nil
		}
		return w.operation(p.on, p.field, p.arg, p.path)
	}
	on := s.ways[typ]
	if on == nil {
		return nil
	}
	f := def.Fields.ForName(name)
	if argument == "" {
		return w.operation(on, f, nil, nil)
	}
	return w.operation(on, f, f.Arguments.ForName(argument), nil)
}

// A writer writes one attempt and collects the guarded coordinates in it.
type writer struct {
	*survey
	*attempt
	round int
}

// operation asks for f at the end of a path. If arg is not nil, it is written, with the input fields of path in it.
func (w *writer) operation(on *way, f *ast.FieldDefinition, arg *ast.ArgumentDefinition, path []*ast.FieldDefinition) *attempt {
	text := w.field(on.to, f, arg, path)
	if w.Schema.Types[f.Type.Name()].IsCompositeType() {
		text += " { __typename }"
	}
	w.keys = []string{f.Name}
	for ; on.from != nil; on = on.from {
		if w.Schema.Types[on.last.Type.Name()].IsAbstractType() {
			text = "... on " + on.to.Name + " { " + text + " }"
		}
		text = w.field(on.from.to, on.last, nil, nil) + " { " + text + " }"
		w.keys = append(w.keys, on.last.Name)
	}
	slices.Reverse(w.keys)
	kind := "query"
	switch on.to {
	case w.Schema.Mutation:
		kind = "mutation"
	case w.Schema.Subscription:
		kind = "subscription"
	}
	w.query = kind + " { " + text + " }"
	return w.attempt
}

func (w *writer) note(coordinate string) {
	if n := w.needs[coordinate]; n != "" && n != "anyone" {
		w.guarded[coordinate] = true
	}
}

// field returns a field with its needed arguments and with arg.
func (w *writer) field(on *ast.Definition, f *ast.FieldDefinition, asked *ast.ArgumentDefinition, path []*ast.FieldDefinition) string {
	w.note(on.Name + "." + f.Name)
	var args []string
	for _, arg := range f.Arguments {
		at := argumentAt(on, f, arg)
		switch {
		case arg == asked:
			w.note(at)
			args = append(args, arg.Name+": "+w.value(at, arg.Type, path))
		case w.isWritten(on, f, arg):
			w.note(at)
			args = append(args, arg.Name+": "+w.value(at, arg.Type, nil))
		}
	}
	if args == nil {
		return f.Name
	}
	return f.Name + "(" + strings.Join(args, ", ") + ")"
}

// value returns the value for a coordinate: the host's value, else one of its type. If path is not empty, the value
// contains these input fields.
func (w *writer) value(at string, t *ast.Type, path []*ast.FieldDefinition) string {
	if given := w.Values[at]; len(given) > 0 && len(path) == 0 {
		w.rounds = max(w.rounds, len(given))
		return given[w.round%len(given)]
	}
	def := w.Schema.Types[t.Name()]
	text := ""
	if def.Kind == ast.InputObject {
		text = w.input(def, path)
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
func (w *writer) input(def *ast.Definition, path []*ast.FieldDefinition) string {
	var only *ast.FieldDefinition
	if def.Directives.ForName("oneOf") != nil {
		plain := func(f *ast.FieldDefinition) bool { return w.Schema.Types[f.Type.Name()].Kind != ast.InputObject }
		switch i := slices.IndexFunc(def.Fields, plain); {
		case len(path) > 0:
			only = path[0]
		default:
			only = def.Fields[max(i, 0)]
		}
	}
	var fields []string
	for _, f := range def.Fields {
		at := def.Name + "." + f.Name
		given := len(w.Values[at]) > 0
		var inner []*ast.FieldDefinition
		switch {
		case len(path) > 0 && f == path[0]:
			inner = path[1:]
		case only != nil && f != only:
			continue
		case f != only && !given && (!f.Type.NonNull || f.DefaultValue != nil):
			continue
		}
		w.note(at)
		fields = append(fields, f.Name+": "+w.value(at, f.Type, inner))
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
