package graphqlauth

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// A plan is the compiled rules of a schema. It never changes.
type plan struct {
	fields      map[*ast.FieldDefinition]*field
	types       map[string]*typ
	permissions []permission
}

// A typ is a type that has fields, or a union.
type typ struct {
	name       string
	interfaces []string
	abstract   bool
	root       bool              // is a root type, or can be one
	member     set               // of an object: its bit among the members of abstract types
	members    set               // of an abstract type
	objects    map[*typ]bool     // the same, exactly; nil if no two types share a bit
	fields     map[string]*field // without __typename
}

// A field is one coordinate, such as Post.title, with all rules that apply to it.
type field struct {
	typ        *typ
	coordinate string
	need       requirement
	args       []guarded
	free       bool // needs nothing, with any arguments and, for an interface's field, on any object
	out        *typ // nil if the returned type has no fields
	nonNull    bool
	explicit   bool // has a rule or @public, so the default does not apply
	hooked     bool // see compiler.hooked

	// For an interface's field: the same field of each possible object type. It has no requirement of its own.
	impls   []*field
	sameOut bool // they all return out
}

// A guarded is an argument or input field with a requirement, or whose value can contain an input field with one.
type guarded struct {
	name       string
	coordinate string
	need       requirement
	input      *input
}

// An input is an input object with guarded fields, at any depth.
type input struct {
	fields []guarded
}

// field returns the guarded field with this name, or nil.
func (in *input) field(name string) *guarded {
	for i := range in.fields {
		if in.fields[i].name == name {
			return &in.fields[i]
		}
	}
	return nil
}

// A requirement is several rules compiled into one. The zero requirement needs nothing.
type requirement struct {
	never bool      // no caller passes
	key   bool      // the caller must be authenticated
	needs [][][]int // of each element, all permissions of at least one of its lists
	all   []int     // the single permissions, which are the first of needs
}

func (r *requirement) free() bool { return !r.never && !r.key && len(r.needs) == 0 }

// requirement compiles rules that must all hold.
func (p *plan) requirement(rules []Rule) requirement {
	var need requirement
	var lists [][][]int
	for _, rule := range rules {
		need.never = need.never || !rule.valid
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
				lists = append(lists, compiled)
				continue
			}
			for _, i := range compiled[0] {
				if !slices.Contains(need.all, i) {
					need.all, need.needs = append(need.all, i), append(need.needs, [][]int{{i}})
				}
			}
		}
	}
	need.needs = append(need.needs, lists...)
	return need
}

// permission returns the index of a permission, and adds it if it is new.
func (p *plan) permission(text string) int {
	i := slices.IndexFunc(p.permissions, func(known permission) bool { return known.text == text })
	if i < 0 {
		i = len(p.permissions)
		own, _ := parsePermission(text) // no role has a malformed one; compile has reported it
		p.permissions = append(p.permissions, own)
	}
	return i
}

// text describes a requirement for people and golden files.
func (p *plan) text(need *requirement) string {
	var parts []string
	switch {
	case need.never:
		return "no one"
	case need.free():
		return "anyone"
	case need.key:
		parts = append(parts, "key")
	}
	for _, groups := range need.needs {
		var lists []string
		for _, group := range groups {
			var names []string
			for _, i := range group {
				names = append(names, p.permissions[i].text)
			}
			lists = append(lists, strings.Join(names, " and "))
		}
		text := strings.Join(lists, " or ")
		if len(groups) > 1 {
			text = "(" + text + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " and ")
}
