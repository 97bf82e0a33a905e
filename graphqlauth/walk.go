package graphqlauth

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// A walk visits the selected operation of a validated document and checks everything that could run. Each fragment is
// entered once for each set of types that its fields may be on, so a walk is linear in the size of the document for
// any nesting of fragments.
type walk struct {
	caller
	doc     *ast.QueryDocument
	vars    map[string]any
	denials denials

	roots        int // root fields, __typename included
	maxRoots     int // zero or less is no limit
	checkedRoots int // root fields other than __typename
	deniedRoots  int
	nestedRoots  bool // a root type is reached again below a field
	entered      seen[entry]
	inputsSeen   seen[inputEntry]
	inputsBad    map[inputEntry]denial // the denied ones of inputsSeen

	badCondition bool // an @skip or @include has no boolean
}

// A scope says which object types a selection may be on: one, or those of an abstract type that are in the set.
type scope struct {
	typ    *typ
	set    set
	within *typ // the smallest abstract type around it in the document, or nil
}

func scopeOf(t *typ) scope { return scope{typ: t, set: t.members} }

// has reports whether the selection may be on an object of type o.
func (s scope) has(o *typ) bool {
	return o.member.overlaps(s.set) && (s.typ.objects == nil || s.typ.objects[o]) && (s.within == nil || s.within.objects == nil || s.within.objects[o])
}

// narrow returns the scope inside a fragment on t. It returns false if no object type is in both.
func (s scope) narrow(t *typ) (scope, bool) {
	switch {
	case t == s.typ:
		return s, true
	case t.abstract && s.typ.abstract:
		both, within := s.set.and(t.members), s.typ
		if s.within != nil && len(s.within.objects) < len(within.objects) {
			within = s.within
		}
		return scope{t, both, within}, both != set{}
	case t.abstract:
		return s, s.typ.member.overlaps(t.members)
	case s.typ.abstract:
		return scopeOf(t), s.has(t)
	}
	return s, false
}

// An entry is a fragment in the scope where it is spread.
type entry struct {
	fragment *ast.FragmentDefinition
	scope    scope
	top      bool // in the selection of the operation itself
}

// maxScopes is how many entries are kept apart. Beyond it, a fragment is checked for all types that it could be on.
const maxScopes = 1024

// selection walks a selection on objects within the scope. top is the selection of the operation itself, whose fields
// are counted.
func (w *walk) selection(s scope, sels ast.SelectionSet, top bool) {
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			if !w.included(sel.Directives) {
				continue
			}
			if top {
				w.roots++
			}
			if sel.Name == "__typename" || w.tooManyRoots() {
				continue
			}
			ok := w.field(s, sel)
			if top {
				w.checkedRoots++
				if !ok {
					w.deniedRoots++
				}
			}
		case *ast.InlineFragment:
			if w.included(sel.Directives) {
				if inner, ok := w.within(s, sel.TypeCondition); ok {
					w.selection(inner, sel.SelectionSet, top)
				}
			}
		case *ast.FragmentSpread:
			if fragment := w.fragment(sel); fragment != nil && w.included(sel.Directives) {
				w.spread(s, fragment, top)
			}
		}
	}
}

// tooManyRoots reports whether the operation has more root fields than it may.
func (w *walk) tooManyRoots() bool { return w.maxRoots > 0 && w.roots > w.maxRoots }

func (w *walk) spread(s scope, fragment *ast.FragmentDefinition, top bool) {
	inner, ok := w.within(s, fragment.TypeCondition)
	if !ok {
		return
	}
	if w.entered.n >= maxScopes && w.plan.types[fragment.TypeCondition] != nil {
		inner = scopeOf(w.plan.types[fragment.TypeCondition])
	}
	if w.entered.add(entry{fragment, inner, top}) {
		w.selection(inner, fragment.SelectionSet, top)
	}
}

// within returns the scope inside a fragment with this type condition.
func (w *walk) within(s scope, condition string) (scope, bool) {
	if condition == "" || condition == s.typ.name {
		return s, true
	}
	t := w.plan.types[condition]
	if t == nil { // not in this schema, so nothing of it can be reached
		return s, false
	}
	return s.narrow(t)
}

// field checks a field and then the selection of its result. It returns false if the field is denied for every object.
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
	if f.out != nil {
		out.set = f.out.members
	}
	switch {
	case f.impls == nil:
		if !f.free && !w.reached(f, node) {
			return false
		}
	case !f.free || !f.sameOut:
		any := false
		out.set = set{}
		for _, impl := range f.impls {
			if !s.has(impl.typ) || !impl.free && !w.reached(impl, node) {
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
		w.nestedRoots = w.nestedRoots || f.out.root
		w.selection(out, node.SelectionSet, false)
	}
	return true
}

// fragment returns the fragment that gqlgen runs for a spread: the one in the document, which an extension may have
// replaced.
func (w *walk) fragment(spread *ast.FragmentSpread) *ast.FragmentDefinition {
	if w.doc != nil {
		if fragment := w.doc.Fragments.ForName(spread.Name); fragment != nil {
			return fragment
		}
	}
	return spread.Definition
}

// reached reports whether the caller may reach a field of an object type with these arguments.
func (w *walk) reached(f *field, node *ast.Field) bool {
	if missing, ok := w.satisfies(&f.need, node, w.vars); !ok {
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

// included evaluates @skip and @include as gqlgen does. A directive over which gqlgen would panic counts as included,
// and is noted.
func (w *walk) included(directives ast.DirectiveList) bool {
	if len(directives) == 0 {
		return true
	}
	skip, include := directives.ForName("skip"), directives.ForName("include")
	return (skip == nil || !w.condition(skip, false)) && (include == nil || w.condition(include, true))
}

// condition returns the boolean of a directive, or otherwise if it has none: validation lets a variable with a default
// be null.
func (w *walk) condition(d *ast.Directive, otherwise bool) bool {
	if arg := d.Arguments.ForName("if"); arg != nil {
		if value, err := arg.Value.Value(w.vars); err == nil {
			if set, ok := value.(bool); ok {
				return set
			}
		}
	}
	w.badCondition = true
	return otherwise
}

// A seen is a set of values. The first few are stored without an allocation.
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

// A set is a set of object types that are members of interfaces and unions. In a schema with more than 256 of them
// some share a bit, and scope.has tells them apart. Inside three or more abstract types a set may appear larger than it is,
// so more is checked, never less.
type set [maxBits / 64]uint64

const maxBits = 256

func bit(i int) (s set) {
	i %= maxBits
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

func (s set) overlaps(t set) bool { return s.and(t) != set{} }
