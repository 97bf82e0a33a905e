package graphqlauth_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// An operationWriter writes random operations over a schema. Not all are valid.
type operationWriter struct {
	*rand.Rand
	schema    *ast.Schema
	budget    int // fields yet to be written
	aliases   int
	fragments []string // texts
	on        []string // their types
	variables []string // declarations
	types     []string // of the variables
	sent      map[string]any
	constant  bool // no variables
}

// randomOperation is a document and the variables that are sent with it, as gqlgen's transports decode them.
func randomOperation(r *rand.Rand, schema *ast.Schema) (document string, sent map[string]any) {
	w := &operationWriter{Rand: r, schema: schema, budget: 12, sent: map[string]any{}}
	kind, root := "query", schema.Query
	switch w.IntN(10) {
	case 0, 1:
		kind, root = "mutation", schema.Mutation
	case 2:
		kind, root = "subscription", schema.Subscription
	}
	selection := ""
	if kind == "subscription" {
		selection = "{ " + w.field(root, 4) + " }"
	} else {
		selection = w.selection(root, 4)
	}
	declared := ""
	if len(w.variables) > 0 {
		declared = "(" + strings.Join(w.variables, ", ") + ")"
	}
	return kind + declared + " " + selection + "\n" + strings.Join(w.fragments, "\n"), w.sent
}

func (w *operationWriter) chance(p float64) bool { return w.Float64() < p }

func (w *operationWriter) selection(on *ast.Definition, depth int) string {
	var parts []string
	for range 1 + w.IntN(3) {
		switch {
		case depth == 0 || w.budget <= 0:
			parts = append(parts, "__typename")
		case w.chance(0.2):
			to, condition := on, ""
			if w.chance(0.8) {
				to = w.overlapping(on)
				condition = " on " + to.Name
			}
			parts = append(parts, "..."+condition+w.conditions()+w.deferral()+" "+w.selection(to, depth-1))
		case w.chance(0.25):
			parts = append(parts, "...F"+fmt.Sprint(w.fragment(on, depth-1))+w.conditions()+w.deferral())
		default:
			parts = append(parts, w.field(on, depth))
		}
	}
	return "{ " + strings.Join(parts, " ") + " }"
}

// conditions are @skip and @include.
func (w *operationWriter) conditions() string {
	if !w.chance(0.2) {
		return ""
	}
	flag := pick(w.Rand, []string{"true", "false"})
	if w.chance(0.7) {
		flag = w.variable("Boolean!")
	}
	return " @" + pick(w.Rand, []string{"skip", "include"}) + "(if: " + flag + ")"
}

// deferral is @defer, which changes when a fragment is answered and not whether.
func (w *operationWriter) deferral() string {
	if !w.chance(0.2) {
		return ""
	}
	return pick(w.Rand, []string{" @defer", ` @defer(label: "late")`, " @defer(if: " + w.variable("Boolean!") + ")"})
}

// overlapping is a type that has objects in common with on.
func (w *operationWriter) overlapping(on *ast.Definition) *ast.Definition {
	var fits []*ast.Definition
	for _, name := range sortedNames(w.schema) {
		def := w.schema.Types[name]
		if def.IsCompositeType() && slices.ContainsFunc(objectsOf(w.schema, def), func(o *ast.Definition) bool {
			return slices.Contains(objectsOf(w.schema, on), o)
		}) {
			fits = append(fits, def)
		}
	}
	if len(fits) == 0 { // an interface that nothing implements
		return on
	}
	return pick(w.Rand, fits)
}

// fragment is the number of one that can be spread on a type: a known one, or a new one.
func (w *operationWriter) fragment(on *ast.Definition, depth int) int {
	to := w.overlapping(on)
	if i := slices.Index(w.on, to.Name); i >= 0 && w.fragments[i] != "" && w.chance(0.7) {
		return i
	}
	i := len(w.on)
	w.on, w.fragments = append(w.on, to.Name), append(w.fragments, "") // not to be spread within itself
	w.fragments[i] = fmt.Sprintf("fragment F%d on %s %s", i, to.Name, w.selection(to, depth))
	return i
}

func (w *operationWriter) field(on *ast.Definition, depth int) string {
	fields := on.Fields
	if on != w.schema.Query || !w.chance(0.05) {
		fields = nil
		for _, f := range on.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				fields = append(fields, f)
			}
		}
	}
	if len(fields) == 0 { // a union
		return "__typename"
	}
	w.budget--
	f := pick(w.Rand, fields)
	text := f.Name
	if w.chance(0.6) {
		w.aliases++
		text = fmt.Sprintf("k%d: %s", w.aliases, f.Name)
	}
	var args []string
	for _, arg := range f.Arguments {
		if arg.Type.NonNull && arg.DefaultValue == nil || w.chance(0.5) {
			args = append(args, arg.Name+": "+w.value(arg.Type, 3))
		}
	}
	if args != nil {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	text += w.conditions()
	if out := w.schema.Types[f.Type.Name()]; out.IsCompositeType() {
		text += " " + w.selection(out, depth-1)
	}
	return text
}

// value is written for an argument or an input field: a literal, or a variable.
func (w *operationWriter) value(t *ast.Type, depth int) string {
	if !w.constant && w.chance(0.3) {
		return w.variable(t.String())
	}
	return w.literal(t, depth)
}

var texts = []string{"x", "y", "z", "x/y", "..", ""}

func (w *operationWriter) literal(t *ast.Type, depth int) string {
	if !t.NonNull && w.chance(0.1) {
		return "null"
	}
	if t.Elem != nil {
		if w.chance(0.2) && depth > 0 {
			return w.literal(t.Elem, depth-1) // a single value for a list
		}
		var items []string
		for range w.IntN(3) {
			items = append(items, w.value(t.Elem, depth-1))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	switch def := w.schema.Types[t.NamedType]; {
	case def.Kind == ast.InputObject:
		var fields []string
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || depth > 0 && w.chance(0.5) {
				fields = append(fields, f.Name+": "+w.value(f.Type, depth-1))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case def.Kind == ast.Enum:
		return pick(w.Rand, []string{"x", "y"})
	case def.Name == "Boolean":
		return pick(w.Rand, []string{"true", "false"})
	case def.Name == "Int":
		return "7"
	case def.Name == "ID" && w.chance(0.3):
		return "7"
	}
	return fmt.Sprintf("%q", pick(w.Rand, texts))
}

// variable is one of this type, a known one or a new one.
func (w *operationWriter) variable(t string) string {
	if i := slices.Index(w.types, t); i >= 0 && w.chance(0.5) {
		return fmt.Sprint("$v", i)
	}
	i := len(w.types)
	name, declared := fmt.Sprint("v", i), fmt.Sprintf("$v%d: %s", i, t)
	typ := parseType(t)
	optional := !typ.NonNull
	if w.chance(0.3) {
		declared += " = " + constant(w, typ)
		optional = true
	}
	w.variables, w.types = append(w.variables, declared), append(w.types, t)
	if !optional || w.chance(0.7) {
		w.sent[name] = w.sentValue(typ, 3)
	}
	return "$" + name
}

// constant is a literal without variables.
func constant(w *operationWriter, t *ast.Type) string {
	inner := *w
	inner.constant = true
	return inner.literal(t, 2)
}

// sentValue is the value of a variable.
func (w *operationWriter) sentValue(t *ast.Type, depth int) any {
	if !t.NonNull && w.chance(0.1) {
		return nil
	}
	if t.Elem != nil {
		if w.chance(0.2) && depth > 0 {
			return w.sentValue(t.Elem, depth-1)
		}
		items := []any{}
		for range w.IntN(3) {
			items = append(items, w.sentValue(t.Elem, depth-1))
		}
		return items
	}
	switch def := w.schema.Types[t.NamedType]; {
	case def.Kind == ast.InputObject:
		fields := map[string]any{}
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || depth > 0 && w.chance(0.5) {
				fields[f.Name] = w.sentValue(f.Type, depth-1)
			}
		}
		return fields
	case def.Kind == ast.Enum:
		return pick(w.Rand, []string{"x", "y"})
	case def.Name == "Boolean":
		return w.chance(0.5)
	case def.Name == "Int", def.Name == "ID" && w.chance(0.3):
		return json.Number("7")
	}
	return pick(w.Rand, texts)
}

func parseType(t string) *ast.Type {
	nonNull := strings.HasSuffix(t, "!")
	t = strings.TrimSuffix(t, "!")
	if strings.HasPrefix(t, "[") {
		return &ast.Type{Elem: parseType(t[1 : len(t)-1]), NonNull: nonNull}
	}
	return &ast.Type{NamedType: t, NonNull: nonNull}
}

// sortedNames are a schema's types, without those that tell about the schema.
func sortedNames(schema *ast.Schema) []string {
	var names []string
	for name := range schema.Types {
		if !strings.HasPrefix(name, "__") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
