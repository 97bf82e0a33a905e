package graphqlauth

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// A plan is a schema's rules, compiled. It never changes.
type plan struct {
	fields      map[*ast.FieldDefinition]*field
	types       map[string]*typ
	permissions []permission
}

// A typ is a type that has fields, or a union.
type typ struct {
	name     string
	abstract bool
	member   set               // of an object: itself, among the members of abstract types
	members  set               // of an abstract type
	fields   map[string]*field // with __typename's exception
}

// A field is one coordinate, such as Post.title, and all that holds on it.
type field struct {
	typ        *typ
	coordinate string
	need       requirement
	args       []guardedArgument
	free       bool // nothing is needed, whatever the arguments and, of an interface's field, the object
	out        *typ // nil if what it returns has no fields
	nonNull    bool
	said       bool // somebody said who may ask for it: the default is not in need

	// Of an interface's field: the same field of each type that can stand there. It needs nothing by itself.
	impls   []*field
	sameOut bool // they all return out
}

// A guardedArgument is an argument that needs something if it is written, or whose value can hold such things.
type guardedArgument struct {
	name       string
	coordinate string
	need       requirement
	input      *input
}

// An input is an input object in which something can be guarded.
type input struct {
	fields []inputField // without those where nothing is
}

type inputField struct {
	name       string
	coordinate string
	need       requirement
	input      *input
}

// field returns the field with this name, or nil if nothing is guarded there.
func (in *input) field(name string) *inputField {
	for i := range in.fields {
		if in.fields[i].name == name {
			return &in.fields[i]
		}
	}
	return nil
}

// A requirement is what a number of rules come to together. The zero requirement needs nothing.
type requirement struct {
	never bool      // nobody passes
	key   bool      // the caller must be known
	all   []int     // indexes of permissions
	any   [][][]int // of each, all permissions of at least one list
}

func (r *requirement) free() bool {
	return !r.never && !r.key && len(r.all) == 0 && len(r.any) == 0
}

// requirement compiles rules that must all hold.
func (p *plan) requirement(rules []Rule) requirement {
	var need requirement
	for _, rule := range rules {
		need.never = need.never || !rule.meant
		need.key = need.key || rule.key
		for _, groups := range rule.needs {
			var compiled [][]int
			for _, group := range groups {
				var all []int
				for _, text := range group {
					all = append(all, p.permission(text))
				}
				compiled = append(compiled, all)
			}
			if len(compiled) > 1 {
				need.any = append(need.any, compiled)
				continue
			}
			for _, i := range compiled[0] {
				if !slices.Contains(need.all, i) {
					need.all = append(need.all, i)
				}
			}
		}
	}
	return need
}

// permission returns the index of a permission, which it adds if it is new.
func (p *plan) permission(text string) int {
	i := slices.IndexFunc(p.permissions, func(known permission) bool { return known.text == text })
	if i < 0 {
		i = len(p.permissions)
		own, _ := parsePermission(text) // one that is malformed is nobody's, and was found before
		p.permissions = append(p.permissions, own)
	}
	return i
}

// text describes a requirement for people and golden files.
func (p *plan) text(need *requirement) string {
	var parts []string
	switch {
	case need.never:
		return "nobody"
	case need.free():
		return "anyone"
	case need.key:
		parts = append(parts, "key")
	}
	join := func(all []int) string {
		var names []string
		for _, i := range all {
			names = append(names, p.permissions[i].text)
		}
		return strings.Join(names, " and ")
	}
	if len(need.all) > 0 {
		parts = append(parts, join(need.all))
	}
	for _, groups := range need.any {
		var lists []string
		for _, group := range groups {
			lists = append(lists, join(group))
		}
		parts = append(parts, "("+strings.Join(lists, " or ")+")")
	}
	return strings.Join(parts, " and ")
}
