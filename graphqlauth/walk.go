package graphqlauth

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// A walk goes through the selected operation of a validated document, and asks for everything that could be
// executed. Each fragment is entered once for each set of types that its fields may be on, so a walk is linear in
// the size of the document however its fragments refer to each other.
type walk struct {
	asker
	vars    map[string]any
	denials denials

	roots       int // root fields, __typename included
	maxRoots    int // zero or less is no limit
	judgedRoots int // those of them that are no __typename
	deniedRoots int
	rootsSeen   seen[*ast.FragmentDefinition]
	entered     seen[entry]
	inputsSeen  seen[inputEntry]
	inputsBad   map[inputEntry]denial // those of inputsSeen that are denied

	unconditional bool // there is an @skip or @include without a boolean
}

// A scope says which object types a selection may be on: one, or those of an abstract type that are in the set.
type scope struct {
	typ *typ
	set set
}

func scopeOf(t *typ) scope { return scope{t, t.members} }

// narrow is the scope within a fragment on t. It is false if no object is both.
func (s scope) narrow(t *typ) (scope, bool) {
	switch {
	case t == s.typ:
		return s, true
	case t.abstract && s.typ.abstract:
		both := s.set.and(t.members)
		return scope{t, both}, both != set{}
	case t.abstract:
		return s, s.typ.member.meets(t.members)
	case s.typ.abstract:
		return scopeOf(t), t.member.meets(s.set)
	}
	return s, false
}

// An entry is a fragment, and where it is spread.
type entry struct {
	fragment *ast.FragmentDefinition
	scope    scope
}

// maxScopes is how many entries are kept apart. Beyond, a fragment is judged for all types that it could be on.
const maxScopes = 1024

// root walks the selection of the operation itself. It is false if there are too many root fields.
func (w *walk) root(t *typ, sels ast.SelectionSet) bool {
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			if !w.included(sel.Directives) {
				continue
			}
			if w.roots++; w.maxRoots > 0 && w.roots > w.maxRoots {
				return false
			}
			if sel.Name == "__typename" {
				continue
			}
			w.judgedRoots++
			if !w.field(scopeOf(t), sel) {
				w.deniedRoots++
			}
		case *ast.InlineFragment:
			if !w.included(sel.Directives) {
				continue
			}
			if _, ok := w.within(scopeOf(t), sel.TypeCondition); ok && !w.root(t, sel.SelectionSet) {
				return false
			}
		case *ast.FragmentSpread:
			if w.included(sel.Directives) && sel.Definition != nil && w.rootsSeen.add(sel.Definition) {
				if _, ok := w.within(scopeOf(t), sel.Definition.TypeCondition); ok && !w.root(t, sel.Definition.SelectionSet) {
					return false
				}
			}
		}
	}
	return true
}

// nested walks a selection that is on objects within the scope.
func (w *walk) nested(s scope, sels ast.SelectionSet) {
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			if sel.Name != "__typename" && w.included(sel.Directives) {
				w.field(s, sel)
			}
		case *ast.InlineFragment:
			if w.included(sel.Directives) {
				if inner, ok := w.within(s, sel.TypeCondition); ok {
					w.nested(inner, sel.SelectionSet)
				}
			}
		case *ast.FragmentSpread:
			if w.included(sel.Directives) && sel.Definition != nil {
				w.spread(s, sel.Definition)
			}
		}
	}
}

func (w *walk) spread(s scope, fragment *ast.FragmentDefinition) {
	inner, ok := w.within(s, fragment.TypeCondition)
	if !ok {
		return
	}
	if w.entered.len() >= maxScopes && w.plan.types[fragment.TypeCondition] != nil {
		inner = scopeOf(w.plan.types[fragment.TypeCondition])
	}
	if w.entered.add(entry{fragment, inner}) {
		w.nested(inner, fragment.SelectionSet)
	}
}

// within is the scope within a fragment with this type condition.
func (w *walk) within(s scope, condition string) (scope, bool) {
	if condition == "" || condition == s.typ.name {
		return s, true
	}
	t := w.plan.types[condition]
	if t == nil { // not of this schema: nothing of it can be reached
		return s, false
	}
	return s.narrow(t)
}

// field judges a field and, unless it is denied whatever the object, what is selected of its result. It is false if
// nothing of the field is reached.
func (w *walk) field(s scope, node *ast.Field) bool {
	f := w.plan.fields[node.Definition]
	if f != nil && f.typ != s.typ && !s.typ.abstract { // selected on an interface, but known to be this object
		f = s.typ.fields[node.Name]
	}
	if f == nil {
		w.denials.add(denial{coordinate: node.Name}, node)
		return false
	}
	out := scope{typ: f.out}
	if f.impls == nil {
		if !f.free && !w.reached(f, node) {
			return false
		}
		if f.out != nil {
			out.set = f.out.members
		}
	} else if f.free && f.sameOut {
		if f.out != nil {
			out.set = f.out.members
		}
	} else {
		any := false
		for _, impl := range f.impls {
			if !impl.typ.member.meets(s.set) || !impl.free && !w.reached(impl, node) {
				continue
			}
			any = true
			switch {
			case impl.out == nil:
			case impl.out.abstract:
				out.set = out.set.or(impl.out.members)
			default:
				out.set = out.set.or(impl.out.member)
			}
		}
		if !any {
			return false
		}
	}
	if f.out != nil {
		w.nested(out, node.SelectionSet)
	}
	return true
}

// reached reports whether the caller may have a field of an object type with these arguments.
func (w *walk) reached(f *field, node *ast.Field) bool {
	if missing, ok := w.meets(&f.need, node, w.vars); !ok {
		w.denials.add(denial{f.coordinate, missing}, node)
		return false
	}
	for i := range f.args {
		if d, ok := w.argument(&f.args[i], node); !ok {
			w.denials.add(d, node)
			return false
		}
	}
	return true
}

// included decides on @skip and @include as gqlgen does. What it would panic over counts as included, and is noted.
func (w *walk) included(directives ast.DirectiveList) bool {
	return len(directives) == 0 || w.conditions(directives)
}

func (w *walk) conditions(directives ast.DirectiveList) bool {
	skip, include := directives.ForName("skip"), directives.ForName("include")
	return (skip == nil || !w.condition(skip, false)) && (include == nil || w.condition(include, true))
}

// condition is what a directive says, or otherwise if that is no boolean: validation lets a variable with a default be
// null.
func (w *walk) condition(d *ast.Directive, otherwise bool) bool {
	if arg := d.Arguments.ForName("if"); arg != nil {
		if value, err := arg.Value.Value(w.vars); err == nil {
			if set, ok := value.(bool); ok {
				return set
			}
		}
	}
	w.unconditional = true
	return otherwise
}

// A seen remembers values. The first few cost no allocation.
type seen[T comparable] struct {
	few  [6]T
	n    int
	more map[T]struct{}
}

// add reports whether the value is new.
func (s *seen[T]) add(value T) bool {
	if slices.Contains(s.few[:min(s.n, len(s.few))], value) {
		return false
	}
	if s.n < len(s.few) {
		s.few[s.n] = value
		s.n++
		return true
	}
	if _, ok := s.more[value]; ok {
		return false
	}
	if s.more == nil {
		s.more = map[T]struct{}{}
	}
	s.more[value] = struct{}{}
	s.n++
	return true
}

func (s *seen[T]) len() int { return s.n }

// A set holds object types that are members of interfaces and unions. In a schema with more than 256 of them some
// share a bit, so a set may seem to hold more than it does: then more is asked for, never less.
type set [4]uint64

func single(i int) (s set) {
	i %= 256
	s[i/64] = 1 << (i % 64)
	return s
}

func (s set) and(t set) set {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s set) or(t set) set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s set) meets(t set) bool { return s.and(t) != set{} }
