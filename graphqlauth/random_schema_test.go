package graphqlauth_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A schemaWriter writes random schemas: interfaces that implement each other, unions, lists, input objects that hold
// each other, defaults, results that are narrower than the interface says, and rules wherever they can stand.
type schemaWriter struct {
	*rand.Rand
	density float64 // how many places have a rule

	interfaces, objects, unions, inputs []string
	implements                          map[string][]string // by object or interface
	members                             map[string][]string // by union
	fields                              map[string][]wroteField
	required                            map[string]bool // input objects that need a field
}

type wroteField struct {
	name, typ string
	args      []string // p: String = "x", without directives
}

// randomDirectives are what randomSchema uses besides our own.
const randomDirectives = `directive @needs(p: String!) repeatable on INTERFACE|UNION|SCALAR|ENUM|INPUT_OBJECT`

func randomSchema(r *rand.Rand) string {
	w := &schemaWriter{
		Rand: r, density: []float64{0.03, 0.1, 0.2, 0.4}[r.IntN(4)],
		implements: map[string][]string{}, members: map[string][]string{}, fields: map[string][]wroteField{}, required: map[string]bool{},
	}
	for i := range 1 + w.IntN(3) {
		w.interfaces = append(w.interfaces, fmt.Sprint("I", i))
	}
	for i := range 2 + w.IntN(4) {
		w.objects = append(w.objects, fmt.Sprint("O", i))
	}
	for i := range w.IntN(3) {
		w.unions = append(w.unions, fmt.Sprint("U", i))
	}
	for i := range 1 + w.IntN(3) {
		w.inputs = append(w.inputs, fmt.Sprint("In", i))
	}
	for i, name := range w.interfaces { // I1 may implement I0, and then has what I0 implements
		w.implements[name] = w.someInterfaces(i)
	}
	for _, name := range w.objects {
		w.implements[name] = w.someInterfaces(len(w.interfaces))
	}
	for _, name := range w.interfaces { // each stands for something
		object := pick(r, w.objects)
		w.implements[object] = slices.Compact(slices.Sorted(slices.Values(slices.Concat(w.implements[object], []string{name}, w.implements[name]))))
	}
	if w.chance(0.15) {
		w.implements["Query"] = w.someInterfaces(len(w.interfaces))
	}
	for _, name := range w.unions {
		w.members[name] = slices.Compact(slices.Sorted(slices.Values([]string{pick(r, w.objects), pick(r, w.objects), pick(r, w.objects)})))
	}

	var b strings.Builder
	fmt.Fprintf(&b, "scalar Money%s\nenum Grade%s {x y}\n", w.needs(), w.needs())
	for i, name := range w.inputs {
		b.WriteString(w.input(name, i))
	}
	for _, name := range w.interfaces {
		fmt.Fprintf(&b, "interface %s%s%s {\n%s}\n", name, w.clause(name), w.needs(), w.body(name, false))
	}
	for _, name := range w.objects {
		fmt.Fprintf(&b, "type %s%s%s {\n%s}\n", name, w.clause(name), w.rule(true, nil), w.body(name, false))
	}
	for _, name := range w.unions {
		fmt.Fprintf(&b, "union %s%s = %s\n", name, w.needs(), strings.Join(w.members[name], " | "))
	}
	for _, name := range []string{"Query", "Mutation", "Subscription"} {
		public := ""
		if w.chance(0.3) {
			public = " @public"
		}
		fmt.Fprintf(&b, "type %s%s%s%s {\n%s}\n", name, w.clause(name), w.rule(true, nil), public, w.body(name, true))
	}
	return b.String()
}

func (w *schemaWriter) chance(p float64) bool { return w.Float64() < p }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// someInterfaces are some of the first n, with all that these implement.
func (w *schemaWriter) someInterfaces(n int) (some []string) {
	for _, name := range w.interfaces[:n] {
		if w.chance(0.4) {
			some = append(append(some, name), w.implements[name]...)
		}
	}
	slices.Sort(some)
	return slices.Compact(some)
}

func (w *schemaWriter) clause(name string) string {
	if len(w.implements[name]) == 0 {
		return ""
	}
	return " implements " + strings.Join(w.implements[name], " & ")
}

// body are the fields of a type: those of its interfaces, maybe narrower, and its own.
func (w *schemaWriter) body(name string, root bool) string {
	var b strings.Builder
	for _, outer := range w.implements[name] {
		for _, f := range w.fields[outer] {
			if !slices.ContainsFunc(w.fields[name], func(own wroteField) bool { return own.name == f.name }) {
				if !strings.HasPrefix(name, "I") { // two interfaces might narrow it differently
					f.typ = w.narrower(f.typ)
					if w.chance(0.2) {
						f.args = append(slices.Clone(f.args), "extra: String")
					}
				}
				w.fields[name] = append(w.fields[name], f)
			}
		}
	}
	for i := range 1 + w.IntN(3) {
		f := wroteField{name: fmt.Sprintf("%s_%d", strings.ToLower(name), i), typ: w.output()}
		for _, arg := range []string{"p", "q"} {
			if w.chance(0.35) {
				f.args = append(f.args, arg+": "+w.argument())
			}
		}
		w.fields[name] = append(w.fields[name], f)
	}
	for _, f := range w.fields[name] {
		args := ""
		var named []string
		for _, arg := range f.args {
			name, typ, _ := strings.Cut(arg, ": ")
			if base := strings.TrimSuffix(strings.Fields(typ)[0], "!"); base == "String" || base == "ID" || base == "Grade" {
				named = append(named, name)
			}
		}
		for _, arg := range f.args {
			args += arg + w.rule(false, named) + " "
		}
		if args != "" {
			args = "(" + args + ")"
		}
		public := ""
		if root && w.chance(0.5) {
			public = " @public"
		}
		fmt.Fprintf(&b, "  %s%s: %s%s%s\n", f.name, args, f.typ, public, w.rule(true, named))
	}
	return b.String()
}

// output is the type of a field.
func (w *schemaWriter) output() string {
	from := slices.Concat(w.objects, w.interfaces, w.interfaces, w.unions, w.unions, []string{"String", "Money", "Grade", "Int"})
	if w.chance(0.08) { // a root type again, such as viewer: Query
		return pick(w.Rand, []string{"Query", "Query", "[Query!]", "Mutation"})
	}
	t := pick(w.Rand, from)
	for w.chance(0.3) {
		if w.chance(0.3) {
			t += "!"
		}
		t = "[" + t + "]"
	}
	if w.chance(0.2) {
		t += "!"
	}
	return t
}

// narrower is a type that may stand where an interface's field has t.
func (w *schemaWriter) narrower(t string) string {
	name := strings.Trim(t, "[]!")
	var fits []string
	for _, object := range w.objects {
		if slices.Contains(w.implements[object], name) || slices.Contains(w.members[name], object) {
			fits = append(fits, object)
		}
	}
	if len(fits) > 0 && w.chance(0.4) {
		t = strings.Replace(t, name, pick(w.Rand, fits), 1)
	}
	if !strings.HasSuffix(t, "!") && w.chance(0.2) {
		t += "!"
	}
	return t
}

// argument is the type of an argument with its default.
func (w *schemaWriter) argument() string {
	switch w.IntN(9) {
	case 0:
		return `String = "x"`
	case 1:
		return "String"
	case 2:
		return "ID!"
	case 3:
		return "Grade = y"
	case 4:
		return "Boolean!"
	}
	in := pick(w.Rand, w.inputs)
	switch t := pick(w.Rand, []string{"%s", "%s", "%s!", "[%s]", "[%s!]!", "[[%s]]"}); {
	case t == "%s" && !w.required[in] && w.chance(0.5):
		return in + " = {flag: true}"
	default:
		return fmt.Sprintf(t, in)
	}
}

func (w *schemaWriter) input(name string, i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "input %s%s {\n  flag: Boolean%s\n", name, w.needs(), w.rule(false, nil))
	if w.chance(0.3) {
		w.required[name] = true
		fmt.Fprintf(&b, "  must: String!%s\n", w.rule(false, nil))
	}
	if w.chance(0.3) {
		fmt.Fprintf(&b, "  filled: Int! = 3%s\n", w.rule(false, nil))
	}
	for j := range w.IntN(3) {
		t := pick(w.Rand, []string{"String", "Grade", "ID", "Money", "[String!]"})
		if w.chance(0.6) { // a required input object would have no end
			t = fmt.Sprintf(pick(w.Rand, []string{"%s", "[%s]", "[[%s!]]"}), pick(w.Rand, w.inputs))
		}
		fmt.Fprintf(&b, "  in%d_%d: %s%s\n", i, j, t, w.rule(false, nil))
	}
	return b.String() + "}\n"
}

var atoms = []string{"a", "b", "c", "d/e"}

// rule is a directive of ours, or none. Templates take from the named arguments. What is no output has no scopes.
func (w *schemaWriter) rule(output bool, named []string) string {
	if !w.chance(w.density) {
		return ""
	}
	rule := fmt.Sprintf(` @can(permission: %q)`, pick(w.Rand, atoms))
	switch w.IntN(7) {
	case 0:
		rule = ` @authenticated`
	case 1:
		if named != nil {
			rule = fmt.Sprintf(` @can(permission: "t/{%s}")`, pick(w.Rand, named))
		}
	case 2:
		rule += fmt.Sprintf(` @can(permission: %q)`, pick(w.Rand, atoms))
	case 3:
		if output {
			rule = fmt.Sprintf(` @requiresScopes(scopes: [[%q, %q], [%q]])`, pick(w.Rand, atoms), pick(w.Rand, atoms), pick(w.Rand, atoms))
		}
	}
	return rule
}

func (w *schemaWriter) needs() string {
	if !w.chance(w.density / 2) {
		return ""
	}
	return fmt.Sprintf(" @needs(p: %q)", pick(w.Rand, atoms))
}
