package graphqlauth

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// likeRules matches names of directives that sound like rules. Federation's @inaccessible does, and is none.
var likeRules = regexp.MustCompile(`(?i)auth|role|perm|scope|grant|guard|secur|admin|owner|allow|deny|login|logged|signed|access|policy|protect|private|^can|^is[A-Z]`)

// WithForeignDirective says that a directive is not a rule although its name sounds like one, because a hook of the
// host's own decides. Without it, such a directive without a meaning stops the program. See [WithDirective].
func WithForeignDirective(name string) Option {
	return func(c *config) { c.foreign = append(c.foreign, name) }
}

// meant reports whether a directive has a meaning here.
func (k *compiler) meant(name string) bool {
	_, ok := k.config.directives[name]
	return ok || name == publicName
}

// meanings reports directives that stand in the schema, sound like a rule and have no meaning.
func (k *compiler) meanings() {
	look := func(_ string, list ast.DirectiveList) {
		for _, d := range list {
			if likeRules.MatchString(d.Name) && !strings.HasSuffix(d.Name, "inaccessible") && !k.meant(d.Name) && !slices.Contains(k.config.foreign, d.Name) {
				k.mistake("meaning", "@"+d.Name, "sounds like a rule and guards nothing: give it a meaning with WithDirective, or say with WithForeignDirective that it is no rule")
			}
		}
	}
	look("", k.schema.SchemaDirectives)
	k.everywhere(look)
}

// hooks reports directives that have a hook of this package and no meaning, so that nothing would decide about them.
// gqlgen's generated schema is a struct with the hooks in Directives.
func (k *compiler) hooks(es graphql.ExecutableSchema) {
	v := reflect.Indirect(reflect.ValueOf(es))
	if v.Kind() != reflect.Struct {
		return
	}
	root := v.FieldByName("Directives")
	if root.Kind() != reflect.Struct {
		return
	}
	ours := []uintptr{reflect.ValueOf(Cleared).Pointer(), reflect.ValueOf(Can).Pointer(), reflect.ValueOf(RequiresScopes).Pointer()}
	for _, name := range slices.Sorted(maps.Keys(k.schema.Directives)) {
		hook := root.FieldByName(strings.ToUpper(name[:1]) + name[1:])
		if hook.Kind() == reflect.Func && slices.Contains(ours, hook.Pointer()) && !k.meant(name) {
			k.mistake("meaning", "@"+name, "has a hook of graphqlauth, which decides nothing by itself: give it a meaning with WithDirective, or another hook")
		}
	}
}

// hooked reports whether gqlgen may call a hook with a meaning for a field: one on the field, on what it returns, or on
// what can be written for its arguments.
func (k *compiler) hooked(f *ast.FieldDefinition) bool {
	ruled := func(d *ast.Directive) bool { return k.meant(d.Name) }
	returned := func(def *ast.Definition) bool { return slices.ContainsFunc(def.Directives, ruled) }
	out := k.schema.Types[f.Type.Name()]
	return slices.ContainsFunc(f.Directives, ruled) || returned(out) || slices.ContainsFunc(k.schema.GetPossibleTypes(out), returned) ||
		slices.ContainsFunc(f.Arguments, func(arg *ast.ArgumentDefinition) bool {
			in := arg.Type.Name()
			return slices.ContainsFunc(arg.Directives, ruled) || len(k.typeRules[in]) > 0 || k.inputs[in] != nil
		})
}

// everywhere calls f with each list of directives of a type.
func (k *compiler) everywhere(f func(at string, list ast.DirectiveList)) {
	for _, def := range k.defs {
		eachList(def, f)
	}
}

// eachList calls f with each list of directives of a type.
func eachList(def *ast.Definition, f func(at string, list ast.DirectiveList)) {
	f(def.Name, def.Directives)
	for _, field := range def.Fields {
		f(def.Name+"."+field.Name, field.Directives)
		for _, arg := range field.Arguments {
			f(def.Name+"."+field.Name+"("+arg.Name+":)", arg.Directives)
		}
	}
	for _, value := range def.EnumValues {
		f(def.Name+"."+value.Name, value.Directives)
	}
}
