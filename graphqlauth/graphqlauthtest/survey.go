package graphqlauthtest

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

// A survey knows the guarded coordinates of a schema and the best path to each type.
type survey struct {
	Config
	needs  map[string]string // by coordinate
	denied map[string]bool   // the coordinates that a caller without a key is refused
	ways   map[string]*way   // by object type
}

// A way leads to the objects of one type.
type way struct {
	to   *ast.Definition
	last *ast.FieldDefinition // nil for a root type
	from *way
	cost int
}

// The costs of a path. Rules on it cost most, then mutations and subscriptions, which have an effect if they are not
// refused, then length, because each object on it must exist, then arguments to make up.
const (
	costOfRule     = 100_000
	costOfKind     = 1_000
	costOfStep     = 10
	costOfArgument = 3
)

func newSurvey(c Config) *survey {
	s := &survey{Config: c, needs: graphqlauth.Coverage(c.Schema, c.Options...), denied: map[string]bool{}, ways: map[string]*way{}}
	exposed := map[string]bool{}
	for _, route := range graphqlauth.Exposure(c.Schema, c.Policy, c.Public, c.Options...) {
		exposed[route.Pattern] = true
	}
	for coordinate, need := range s.needs {
		if need != "anyone" && !exposed[coordinate] {
			s.denied[coordinate] = true
		}
	}
	s.findWays()
	return s
}

// findWays finds the cheapest path to each object type.
func (s *survey) findWays() {
	var open []*way
	for i, root := range []*ast.Definition{s.Schema.Query, s.Schema.Mutation, s.Schema.Subscription} {
		if root != nil {
			s.ways[root.Name] = &way{to: root, cost: i * costOfKind} // never through a field that returns it
			open = append(open, s.ways[root.Name])
		}
	}
	for len(open) > 0 {
		slices.SortStableFunc(open, func(a, b *way) int { return a.cost - b.cost })
		w := open[0]
		open = open[1:]
		if known := s.ways[w.to.Name]; known != nil && known != w {
			continue
		}
		s.ways[w.to.Name] = w
		for _, f := range w.to.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			out := s.Schema.Types[f.Type.Name()]
			if !out.IsCompositeType() {
				continue
			}
			for _, object := range s.Schema.GetPossibleTypes(out) {
				if object.Kind == ast.Object && s.ways[object.Name] == nil {
					open = append(open, &way{to: object, last: f, from: w, cost: w.cost + s.costOf(w.to, f)})
				}
			}
		}
	}
}

// costOf returns the cost that a field adds to a path.
func (s *survey) costOf(on *ast.Definition, f *ast.FieldDefinition) int {
	cost := costOfStep
	if s.denied[on.Name+"."+f.Name] {
		cost += costOfRule
	}
	for _, arg := range f.Arguments {
		if s.isWritten(on, f, arg) {
			cost += costOfArgument
			if s.denied[argumentAt(on, f, arg)] {
				cost += costOfRule
			}
		}
	}
	return cost
}

func argumentAt(on *ast.Definition, f *ast.FieldDefinition, arg *ast.ArgumentDefinition) string {
	return on.Name + "." + f.Name + "(" + arg.Name + ":)"
}

// isWritten reports whether an argument is always written: it is required, has a value, or is part of the permission
// that the field needs.
func (s *survey) isWritten(on *ast.Definition, f *ast.FieldDefinition, arg *ast.ArgumentDefinition) bool {
	return len(s.Values[argumentAt(on, f, arg)]) > 0 || arg.Type.NonNull && arg.DefaultValue == nil || strings.Contains(s.needs[on.Name+"."+f.Name], "{"+arg.Name+"}")
}

// A place is an argument in which an input field can be written, and the input fields that lead to it there.
type place struct {
	on    *way
	field *ast.FieldDefinition
	arg   *ast.ArgumentDefinition
	path  []*ast.FieldDefinition // the last is the input field itself
}

// placeOf finds the cheapest place for a field of an input object, or nil.
func (s *survey) placeOf(input, name string) *place {
	var best *place
	least := 0
	for _, typ := range slices.Sorted(maps.Keys(s.ways)) {
		w := s.ways[typ]
		for _, f := range w.to.Fields {
			for _, arg := range f.Arguments {
				path := s.within(arg.Type.Name(), input, name)
				if path == nil {
					continue
				}
				cost := w.cost + s.costOf(w.to, f) + len(path)
				if s.denied[argumentAt(w.to, f, arg)] {
					cost += costOfRule
				}
				if best == nil || cost < least {
					best, least = &place{w, f, arg, path}, cost
				}
			}
		}
	}
	return best
}

// within returns the shortest list of input fields from one input object to a field of another, or nil.
func (s *survey) within(from, input, name string) []*ast.FieldDefinition {
	type step struct {
		def  *ast.Definition
		path []*ast.FieldDefinition
	}
	start := s.Schema.Types[from]
	seen := map[string]bool{from: true}
	for steps := []step{{def: start}}; len(steps) > 0; steps = steps[1:] {
		at := steps[0]
		if at.def.Kind != ast.InputObject {
			continue
		}
		if f := at.def.Fields.ForName(name); f != nil && at.def.Name == input {
			return append(at.path, f)
		}
		for _, f := range at.def.Fields {
			if next := f.Type.Name(); !seen[next] {
				seen[next] = true
				steps = append(steps, step{s.Schema.Types[next], append(slices.Clone(at.path), f)})
			}
		}
	}
	return nil
}
