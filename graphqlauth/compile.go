package graphqlauth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// compile reads the rules in a schema. The plan may be used only if no finding is a mistake.
func compile(schema *ast.Schema, c *config) *compiler {
	k := &compiler{
		schema:     schema,
		config:     c,
		plan:       &plan{fields: map[*ast.FieldDefinition]*field{}, types: map[string]*typ{}},
		typeRules:  map[string][]Rule{},
		fieldRules: map[*ast.FieldDefinition][]Rule{},
		inputs:     map[string]*input{},
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		k.defs = append(k.defs, schema.Types[name])
	}
	k.readDirectives()
	k.addTypes()
	k.addInputs()
	k.addObjects()
	k.addInterfaces()
	return k
}

type compiler struct {
	schema   *ast.Schema
	config   *config
	plan     *plan
	defs     []*ast.Definition // by name
	findings []Finding

	typeRules  map[string][]Rule // written on the type itself
	fieldRules map[*ast.FieldDefinition][]Rule
	inputs     map[string]*input
}

func (k *compiler) mistake(code, at, format string, args ...any) {
	k.find(Finding{Code: code, Coordinate: at, Text: fmt.Sprintf(format, args...), Mistake: true})
}

// find adds a finding once: a directive on an interface is read again for each type that implements it.
func (k *compiler) find(f Finding) {
	if !slices.Contains(k.findings, f) {
		k.findings = append(k.findings, f)
	}
}

// addTypes makes a typ of each type that has fields, and lists the members of abstract types.
func (k *compiler) addTypes() {
	for _, def := range k.defs {
		if def.IsCompositeType() {
			k.plan.types[def.Name] = &typ{
				name: def.Name, interfaces: def.Interfaces, abstract: def.IsAbstractType(), root: k.isRoot(def), fields: map[string]*field{}, objects: map[*typ]bool{},
			}
		}
	}
	known := 0
	for _, def := range k.defs {
		if !def.IsAbstractType() {
			continue
		}
		t := k.plan.types[def.Name]
		for _, object := range k.objects(def) {
			o := k.plan.types[object.Name]
			if o.member == (set{}) {
				o.member = bit(known)
				known++
			}
			t.members, t.objects[o] = t.members.or(o.member), true
			t.root = t.root || o.root
		}
	}
	for _, t := range k.plan.types {
		if known <= maxBits {
			t.objects = nil
		}
	}
}

// addObjects compiles the fields of object types, each with all rules that apply to it.
func (k *compiler) addObjects() {
	for _, def := range k.defs {
		if def.Kind != ast.Object {
			continue
		}
		t := k.plan.types[def.Name]
		onType := k.ofType(def.Name)
		for _, f := range def.Fields {
			own := slices.Clone(k.fieldRules[f])
			args := f.Arguments
			for _, outer := range k.interfaces(def) {
				if same := outer.Fields.ForName(f.Name); same != nil {
					own = append(own, k.fieldRules[same]...)
					args = slices.Concat(args, same.Arguments)
				}
			}
			explicit := len(own)+len(onType) > 0
			rules := slices.Concat(own, onType, k.ofType(f.Type.Name()))
			switch {
			case !k.isRoot(def):
			case introspective(f):
				rules = append(rules, k.config.introspection)
				explicit = true
			case !explicit && !k.config.open && !k.public(f.Directives) && !k.public(def.Directives):
				rules = append(rules, RequireKey())
			default:
				explicit = explicit || k.public(f.Directives) || k.public(def.Directives)
			}
			compiled := &field{
				typ:        t,
				coordinate: def.Name + "." + f.Name,
				need:       k.plan.requirement(rules),
				args:       k.arguments(def.Name+"."+f.Name, args),
				out:        k.plan.types[f.Type.Name()],
				nonNull:    f.Type.NonNull,
				explicit:   explicit,
				hooked:     k.hooked(f),
			}
			compiled.free = compiled.need.free() && len(compiled.args) == 0
			k.add(t, f, compiled)
		}
	}
}

// addInterfaces compiles the fields of interfaces. Their requirements are those of the same field of the object.
func (k *compiler) addInterfaces() {
	for _, def := range k.defs {
		if def.Kind != ast.Interface {
			continue
		}
		t := k.plan.types[def.Name]
		for _, f := range def.Fields {
			compiled := &field{
				typ: t, coordinate: def.Name + "." + f.Name, out: k.plan.types[f.Type.Name()], free: true, sameOut: true,
			}
			for _, object := range k.objects(def) {
				impl := k.plan.types[object.Name].fields[f.Name]
				if impl == nil {
					k.mistake("interface", object.Name, "implements %s without its field %s", def.Name, f.Name)
					continue
				}
				compiled.impls = append(compiled.impls, impl)
				compiled.free = compiled.free && impl.free
				compiled.sameOut = compiled.sameOut && impl.out == compiled.out
			}
			k.add(t, f, compiled)
		}
	}
}

func (k *compiler) add(t *typ, def *ast.FieldDefinition, f *field) {
	if k.plan.fields[def] != nil {
		k.mistake("shared", f.coordinate, "shares its definition with %s, so they cannot be told apart", k.plan.fields[def].coordinate)
	}
	k.plan.fields[def] = f
	t.fields[def.Name] = f
}

// objects returns the object types that an abstract type stands for. For gqlparser, an interface that implements another
// one is among its possible types.
func (k *compiler) objects(def *ast.Definition) []*ast.Definition {
	possible := slices.Clone(k.schema.GetPossibleTypes(def))
	return slices.DeleteFunc(possible, func(t *ast.Definition) bool { return t.Kind != ast.Object })
}

func (k *compiler) isRoot(def *ast.Definition) bool {
	return def == k.schema.Query || def == k.schema.Mutation || def == k.schema.Subscription
}

// interfaces returns the interfaces that a type implements.
func (k *compiler) interfaces(def *ast.Definition) []*ast.Definition {
	var all []*ast.Definition
	for _, name := range def.Interfaces {
		if outer := k.schema.Types[name]; outer != nil {
			all = append(all, outer)
		}
	}
	return all
}

// ofType returns the rules of the type with this name and of its interfaces. They apply to its fields, and to each field
// that returns it.
func (k *compiler) ofType(name string) []Rule {
	def := k.schema.Types[name]
	if def == nil {
		return nil
	}
	rules := slices.Clone(k.typeRules[name])
	for _, outer := range k.interfaces(def) {
		rules = append(rules, k.typeRules[outer.Name]...)
	}
	return rules
}

// introspective reports whether a root field describes the schema.
func introspective(f *ast.FieldDefinition) bool {
	return strings.HasPrefix(f.Name, "__") || f.Name == "_service" && f.Type.Name() == "_Service"
}

func (k *compiler) public(list ast.DirectiveList) bool {
	return k.config.directives[publicName] == nil && list.ForName(publicName) != nil
}
