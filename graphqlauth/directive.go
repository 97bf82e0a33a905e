package graphqlauth

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// publicName is the directive that lifts the default. It is not a rule.
const publicName = "public"

// builtin are the directives that are rules without [WithDirective]. Federation 2 declares requiresScopes,
// authenticated and policy, under these names or, in a subgraph that does not import them, with its prefix.
var builtin = map[string]directiveReader{
	"can":                        readCan,
	"authenticated":              readAuthenticated,
	"requiresScopes":             readScopes,
	"federation__authenticated":  readAuthenticated,
	"federation__requiresScopes": readScopes,
	"policy":                     readPolicy,
	"federation__policy":         readPolicy,
}

func readCan(d *ast.Directive) (Rule, error) {
	v := argumentOf(d, "permission")
	if v == nil || v.Kind != ast.StringValue && v.Kind != ast.BlockValue {
		return Rule{}, errors.New("needs a permission")
	}
	return Require(v.Raw), nil
}

func readAuthenticated(*ast.Directive) (Rule, error) { return RequireKey(), nil }

func readScopes(d *ast.Directive) (Rule, error) {
	var scopes [][]string
	for _, inner := range listed(argumentOf(d, "scopes")) {
		var all []string
		for _, v := range listed(inner) {
			if v.Kind != ast.StringValue && v.Kind != ast.BlockValue {
				return Rule{}, fmt.Errorf("%s is no scope", v)
			}
			all = append(all, v.Raw)
		}
		scopes = append(scopes, all)
	}
	rule := RequireScopes(scopes)
	if !rule.valid {
		return Rule{}, errors.New("needs scopes, and none of its lists may be empty")
	}
	return rule, nil
}

// readPolicy returns an error, so that the program does not start: gqlgen does not enforce Apollo's @policy, and this
// package does not know what its policies mean.
func readPolicy(*ast.Directive) (Rule, error) {
	return Rule{}, errors.New("nothing enforces it: say what it means with WithDirective")
}

// argumentOf returns the value of a directive's argument as written, else its default, else nil.
func argumentOf(d *ast.Directive, name string) *ast.Value {
	if arg := d.Arguments.ForName(name); arg != nil {
		return arg.Value
	}
	if d.Definition != nil {
		if def := d.Definition.Arguments.ForName(name); def != nil {
			return def.DefaultValue
		}
	}
	return nil
}

// listed returns the elements of a list. A single value stands for a list of one, as everywhere in GraphQL.
func listed(v *ast.Value) []*ast.Value {
	if v == nil || v.Kind == ast.NullValue {
		return nil
	}
	if v.Kind != ast.ListValue {
		return []*ast.Value{v}
	}
	var values []*ast.Value
	for _, child := range v.Children {
		values = append(values, child.Value)
	}
	return values
}

// SDL declares the directives @can, @authenticated, @requiresScopes and @public. A project keeps a copy next to its
// own schema; cmd/sdl prints it.
//
//go:embed auth.graphqls
var SDL string

// readDirectives reads the rule of each directive at its place and reports mistakes.
func (k *compiler) readDirectives() {
	for _, name := range slices.Concat(k.config.own, k.config.foreign) {
		if k.schema.Directives[name] == nil {
			k.mistake("directive", "", "an option names @%s, which the schema does not declare", name)
		}
	}
	k.meanings()
	k.refuseRules(k.schema.SchemaDirectives, "")
	for _, def := range k.defs {
		k.typeRules[def.Name] = k.rules(def.Directives, def.Name, nil)
		for _, f := range def.Fields {
			at := def.Name + "." + f.Name
			k.fieldRules[f] = k.rules(f.Directives, at, f.Arguments)
		}
		for _, value := range def.EnumValues {
			k.refuseRules(value.Directives, def.Name+"."+value.Name)
		}
	}
}

// rules reads the rules in a list of directives. Templates take values from args.
func (k *compiler) rules(list ast.DirectiveList, at string, args ast.ArgumentDefinitionList) (rules []Rule) {
	for _, d := range list {
		read, ok := k.config.directives[d.Name]
		if !ok {
			continue
		}
		if read == nil {
			k.mistake("directive", at, "WithDirective gives @%s no meaning", d.Name)
			continue
		}
		rule, err := read(d)
		if err != nil {
			k.mistake("directive", at, "@%s: %v", d.Name, err)
			continue
		}
		k.check(rule, d.Name, at, args)
		rules = append(rules, rule)
	}
	return rules
}

// check reports permissions of a rule that no role can have.
func (k *compiler) check(rule Rule, name, at string, args ast.ArgumentDefinitionList) {
	for _, groups := range rule.needs {
		for _, text := range slices.Concat(groups...) {
			p, err := parsePermission(text)
			if err != nil {
				_, standard := builtin[name]
				k.find(Finding{
					Code: "permission", Coordinate: at, Text: "@" + name + ": " + err.Error() + ", so no role has it",
					Mistake: !standard || name == "can", // scopes are often those of another system, such as Apollo's
				})
			}
			for i, named := range p.named {
				if named {
					k.checkTemplate(p.text, p.segments[i], at, args)
				}
			}
		}
	}
}

func (k *compiler) checkTemplate(text, name, at string, args ast.ArgumentDefinitionList) {
	arg := args.ForName(name)
	if arg == nil {
		k.mistake("template", at, "%q takes {%s} from an argument that is not there", text, name)
		return
	}
	def := k.schema.Types[arg.Type.NamedType] // "" for a list
	if def == nil || def.Kind != ast.Enum && def.Name != "String" && def.Name != "ID" {
		k.mistake("template", at, "%q takes {%s} from an argument that is no String, ID or enum", text, name)
	}
}

// refuseRules reports rules at places where they have no effect.
func (k *compiler) refuseRules(list ast.DirectiveList, at string) {
	for _, d := range list {
		if _, ok := k.config.directives[d.Name]; ok {
			k.mistake("place", at, "@%s guards nothing here", d.Name)
		}
	}
}

// arguments compiles the arguments of a field that are guarded or can contain guarded input fields. The same argument
// appears once for each interface that has it, with the rules written there.
func (k *compiler) arguments(at string, args ast.ArgumentDefinitionList) []guarded {
	var all []guarded
	for i, arg := range args {
		if slices.ContainsFunc(args[:i], func(a *ast.ArgumentDefinition) bool { return a.Name == arg.Name }) {
			continue
		}
		var rules []Rule
		for _, same := range args[i:] {
			if same.Name == arg.Name {
				rules = append(rules, k.rules(same.Directives, at+"("+arg.Name+":)", args)...)
			}
		}
		g := guarded{
			name:       arg.Name,
			coordinate: at + "(" + arg.Name + ":)",
			need:       k.plan.requirement(append(rules, k.typeRules[arg.Type.Name()]...)),
			input:      k.inputs[arg.Type.Name()],
		}
		if !g.need.free() || g.input != nil {
			all = append(all, g)
		}
	}
	return all
}

// addInputs compiles the input objects with guarded fields, at any depth.
func (k *compiler) addInputs() {
	defs := slices.DeleteFunc(slices.Clone(k.defs), func(def *ast.Definition) bool { return def.Kind != ast.InputObject })
	guards := func(f *ast.FieldDefinition) bool {
		return len(k.fieldRules[f])+len(k.typeRules[f.Type.Name()]) > 0 || k.inputs[f.Type.Name()] != nil
	}
	for grown := true; grown; { // input types may refer to each other in cycles
		grown = false
		for _, def := range defs {
			if k.inputs[def.Name] == nil && slices.ContainsFunc(def.Fields, guards) {
				k.inputs[def.Name] = &input{}
				grown = true
			}
		}
	}
	for _, def := range defs {
		for _, f := range def.Fields {
			if guards(f) {
				in := k.inputs[def.Name]
				in.fields = append(in.fields, guarded{
					name:       f.Name,
					coordinate: def.Name + "." + f.Name,
					need:       k.plan.requirement(slices.Concat(k.fieldRules[f], k.typeRules[f.Type.Name()])),
					input:      k.inputs[f.Type.Name()],
				})
			}
		}
	}
}
