package graphqlauth

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/roles"
)

// Lint reports what a reviewer of a schema's rules would look at, sorted by coordinate. A test may compare the result
// with a file, so that new findings get read. opts are those of [New]. Permissions are looked up in catalog, unless it
// is nil. Besides the mistakes with which a server refuses to start, such as a directive that sounds like a rule and has
// no meaning, there are these codes:
//
//   - default: a root field has neither a rule nor @public, so the default decides.
//   - hidden: a type with a rule is a root type, or reached through a union or an interface; gqlgen calls no hook.
//   - interface: a rule on an interface or on its field; gqlgen calls no hook.
//   - null: a field that may be denied in [ModePartial] mode cannot be null, so more than the field is lost.
//   - unknown: the catalog does not list a permission.
//   - client: a directive that sounds like a rule can be written in a query, where the client decides about it.
//   - sdl: the schema's copy of [SDL] differs from the library's.
//   - public: @public beside a rule, which stays, or where there is no default to lift.
//   - map: a rule in an input object that @goModel binds to a Go map; gqlgen calls no hook.
//   - federation: a directive that federation 2 leaves to the router, enforced here or read by nothing.
//
// Findings with the codes hidden, interface and map are guarded by the [Extension] only. Lint does not see a map that
// gqlgen.yml binds without @goModel.
func Lint(schema *ast.Schema, catalog *roles.Catalog, opts ...Option) []Finding {
	l := linter{compile(schema, newConfig(opts)), catalog}
	for _, def := range l.defs {
		if !strings.HasPrefix(def.Name, "__") {
			l.defaults(def)
			l.hidden(def)
			l.onInterface(def)
			l.nulls(def)
			l.public(def)
			l.goMap(def)
		}
	}
	l.unknown()
	l.client()
	l.copied()
	l.federation()
	slices.SortFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Coordinate, b.Coordinate), strings.Compare(a.Code, b.Code), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(l.findings)
}

// A linter adds findings to those of a compiler.
type linter struct {
	*compiler
	catalog *roles.Catalog
}

func (l *linter) find(code, at, format string, args ...any) {
	l.findings = append(l.findings, Finding{Code: code, Coordinate: at, Text: fmt.Sprintf(format, args...)})
}

// ruled reports whether a directive in the list is a rule.
func (l *linter) ruled(list ast.DirectiveList) bool {
	return slices.ContainsFunc(list, func(d *ast.Directive) bool { return l.config.directives[d.Name] != nil })
}

// ruledType reports whether a type or one of its interfaces has a rule.
func (l *linter) ruledType(def *ast.Definition) bool {
	return l.ruled(def.Directives) || slices.ContainsFunc(l.interfaces(def), func(outer *ast.Definition) bool {
		return l.ruled(outer.Directives)
	})
}

// ruledField reports whether a field, or the same field of an interface, has a rule.
func (l *linter) ruledField(def *ast.Definition, f *ast.FieldDefinition) bool {
	return l.ruled(f.Directives) || slices.ContainsFunc(l.interfaces(def), func(outer *ast.Definition) bool {
		same := outer.Fields.ForName(f.Name)
		return same != nil && l.ruled(same.Directives)
	})
}

// defaults finds root fields without a rule and without @public. gqlgen makes _entities, which cannot have either.
func (l *linter) defaults(def *ast.Definition) {
	if !l.isRoot(def) {
		return
	}
	for _, f := range def.Fields {
		switch {
		case l.plan.types[def.Name].fields[f.Name].explicit || f.Name == "_entities" || introspective(f):
		case l.config.open:
			l.find("default", def.Name+"."+f.Name, "has neither a rule nor @public, so any caller may ask for it")
		default:
			l.find("default", def.Name+"."+f.Name, "has neither a rule nor @public, so it needs a valid key and no permission")
		}
	}
}

// hidden finds rules on types for which gqlgen calls no hook, or not on every path.
func (l *linter) hidden(def *ast.Definition) {
	if def.Kind != ast.Object || !l.ruled(def.Directives) {
		return
	}
	if l.isRoot(def) {
		l.find("hidden", def.Name, "is a root type, for whose rule gqlgen calls no hook: the extension alone guards it")
	}
	var through []string
	for _, outer := range l.defs {
		if outer.IsAbstractType() && l.isReturned(outer.Name) && slices.Contains(l.schema.GetPossibleTypes(outer), def) {
			through = append(through, outer.Name)
		}
	}
	if through != nil {
		l.find("hidden", def.Name, "is reached through %s, where gqlgen calls no hook: the extension alone guards it there",
			strings.Join(through, ", "))
	}
}

// isReturned reports whether a field returns this type.
func (l *linter) isReturned(name string) bool {
	returns := func(f *ast.FieldDefinition) bool { return f.Type.Name() == name }
	return slices.ContainsFunc(l.defs, func(def *ast.Definition) bool {
		return def.IsCompositeType() && slices.ContainsFunc(def.Fields, returns)
	})
}

// onInterface finds rules that apply to all implementing types.
func (l *linter) onInterface(def *ast.Definition) {
	if def.Kind != ast.Interface {
		return
	}
	const text = "has a rule for all types that implement it, for which gqlgen calls no hook: the extension alone guards them"
	eachList(def, func(at string, list ast.DirectiveList) {
		if l.ruled(list) {
			l.find("interface", at, text)
		}
	})
}

// nulls finds fields whose denial makes more than the field null.
func (l *linter) nulls(def *ast.Definition) {
	if def.Kind != ast.Object || !l.partial(def) {
		return
	}
	lost := "the object that it is on"
	if l.isRoot(def) {
		lost = "the whole answer"
	}
	for _, f := range def.Fields {
		if introspective(f) || f.Name == "_entities" {
			continue // made by gqlgen
		}
		at, own := def.Name+"."+f.Name, l.plan.types[def.Name].fields[f.Name]
		out := l.schema.Types[f.Type.Name()]
		denied := l.ruledField(def, f) || len(own.args) > 0 || out != nil && l.ruledType(out) || l.isRoot(def) && !own.need.free() ||
			l.ruledType(def) && slices.ContainsFunc(l.interfaces(def), func(outer *ast.Definition) bool { // which has no rule, so its field is denied
				return !l.ruledType(outer) && l.isReturned(outer.Name) && outer.Fields.ForName(f.Name) != nil
			})
		if f.Type.NonNull && denied {
			l.find("null", at, "cannot be null, so %s is lost where it is denied", lost)
			continue
		}
		if out == nil || !out.IsAbstractType() || !innermost(f.Type).NonNull {
			continue
		}
		for _, object := range l.objects(out) {
			required := slices.ContainsFunc(object.Fields, func(f *ast.FieldDefinition) bool { return f.Type.NonNull })
			if required && l.ruledType(object) {
				l.find("null", at, "cannot hold null in place of a denied %s, so more than that object is lost", object.Name)
			}
		}
	}
}

// partial reports whether a field of a type can be denied while the rest is answered.
func (l *linter) partial(def *ast.Definition) bool {
	for kind, root := range rootsOf(l.schema) {
		if (root == def || !l.isRoot(def)) && l.config.modes[kind] == ModePartial {
			return true
		}
	}
	return false
}

func innermost(t *ast.Type) *ast.Type {
	for t.Elem != nil {
		t = t.Elem
	}
	return t
}

// public finds @public where it has less effect than it seems to have.
func (l *linter) public(def *ast.Definition) {
	if l.config.directives[publicName] != nil {
		return
	}
	const beside, nothing = "is @public and has a rule, which stays", "is @public, which lifts nothing: only root fields have a default"
	if def.Directives.ForName(publicName) != nil {
		switch {
		case !l.isRoot(def):
			l.find("public", def.Name, nothing)
		case l.ruledType(def):
			l.find("public", def.Name, beside)
		}
	}
	for _, f := range def.Fields {
		if f.Directives.ForName(publicName) == nil {
			continue
		}
		switch at := def.Name + "." + f.Name; {
		case !l.isRoot(def):
			l.find("public", at, nothing)
		case l.ruledField(def, f):
			l.find("public", at, beside)
		case l.ruledType(def):
			l.find("public", at, "is @public, and the rule on %s stays", def.Name)
		}
	}
}

// goMap finds rules that gqlgen's generated code does not check.
func (l *linter) goMap(def *ast.Definition) {
	model := def.Directives.ForName("goModel")
	if def.Kind != ast.InputObject || model == nil {
		return
	}
	if v := argumentOf(model, "model"); v == nil || !strings.HasPrefix(v.Raw, "map[") {
		return
	}
	for _, f := range def.Fields {
		if l.ruled(f.Directives) {
			l.find("map", def.Name+"."+f.Name, "is in a Go map, where gqlgen calls no hook: the extension alone guards it")
		}
	}
}

// A Finding is something about a schema's rules that a reviewer should look at.
type Finding struct {
	Code       string // stable, such as "template"
	Coordinate string // Query.posts, Query.posts(first:), NewPost.draft, or a type; "" is the schema
	Text       string // a sentence
	Mistake    bool   // the extension refuses to start
}

// String returns the finding on one line.
func (f Finding) String() string {
	if f.Coordinate == "" {
		return fmt.Sprintf("%s [%s]", f.Text, f.Code)
	}
	return fmt.Sprintf("%s: %s [%s]", f.Coordinate, f.Text, f.Code)
}

// mistakes returns an error that lists all mistakes among findings, or nil.
func mistakes(findings []Finding) error {
	var lines []string
	for _, f := range findings {
		if f.Mistake {
			lines = append(lines, f.String())
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New("graphqlauth: the rules in the schema have mistakes:\n\t" + strings.Join(lines, "\n\t"))
}
