package graphqlauth

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// A Covered is one coordinate of a schema and its requirement.
type Covered struct {
	Coordinate string // Query.posts, Query.posts(first:), NewPost.draft
	Needs      string // "anyone", "no one", or such as "key and content/posts/read and (a or b and c)"
}

// String returns the coordinate and its requirement on one line.
func (c Covered) String() string { return c.Coordinate + ": " + c.Needs }

// Coverage lists the requirement of each coordinate of a schema, sorted by coordinate, for a file that a test compares
// and people review. opts are those of [New]. The requirement of an object's field includes the rules on its type, on
// its interfaces and on the type that it returns, and the default. Fields of interfaces are not listed: they need the
// same as the object's field. Arguments and fields of input objects are listed if writing them needs more than their
// field does, or if their value can contain such a field. Types that begin with "__" are left out.
//
// It panics if the rules have mistakes, as the server's Use does.
func Coverage(schema *ast.Schema, opts ...Option) []Covered {
	p := compiled(schema, opts)
	var all []Covered
	add := func(coordinate string, need *requirement) {
		all = append(all, Covered{Coordinate: coordinate, Needs: p.text(need)})
	}
	listed := map[*input]bool{}
	var addInput func(*input)
	addInput = func(in *input) {
		if in == nil || listed[in] {
			return
		}
		listed[in] = true
		for i := range in.fields {
			add(in.fields[i].coordinate, &in.fields[i].need)
			addInput(in.fields[i].input)
		}
	}
	for _, f := range p.objectFields() {
		add(f.coordinate, &f.need)
		for i := range f.args {
			add(f.args[i].coordinate, &f.args[i].need)
			addInput(f.args[i].input)
		}
	}
	slices.SortFunc(all, func(a, b Covered) int { return strings.Compare(a.Coordinate, b.Coordinate) })
	return all
}

// compiled returns the plan of a schema whose rules have no mistakes.
func compiled(schema *ast.Schema, opts []Option) *plan {
	p, findings := compile(schema, newConfig(opts))
	if err := mistakes(findings); err != nil {
		panic(err)
	}
	return p
}

// objectFields returns the fields of object types, sorted by coordinate, without introspection types.
func (p *plan) objectFields() []*field {
	var all []*field
	for _, name := range slices.Sorted(maps.Keys(p.types)) {
		t := p.types[name]
		if t.abstract || strings.HasPrefix(name, "__") {
			continue
		}
		for _, f := range slices.Sorted(maps.Keys(t.fields)) {
			all = append(all, t.fields[f])
		}
	}
	return all
}
