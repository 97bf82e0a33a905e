package graphqlauth

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// A convention is how schemas name filters: the input type of an object type, and the input field, argument or enum value
// that filters or orders by a field. Case and underscores do not matter. Any other input object, such as AND or some, is
// looked through.
type convention struct {
	types  string // after the name of the object type
	before string // before the name of the field
	after  string // after it
}

var conventions = []convention{
	{ // ent
		types: "WhereInput Order OrderInput", before: "has",
		after: "NEQ In NotIn GT GTE LT LTE Contains HasPrefix HasSuffix IsNil NotNil EqualFold ContainsFold With Count",
	},
	{ // Hasura
		types: "bool_exp order_by aggregate_bool_exp aggregate_order_by max_order_by min_order_by stream_cursor_input select_column",
		after: "aggregate",
	},
	{ // PostGraphile, with the plugin for filters
		types: "Condition Filter OrderBy sOrderBy", before: "by", after: "ASC DESC Exists",
	},
	{ // Prisma, and what went before it
		types: "WhereUniqueInput ScalarWhereInput ListRelationFilter RelationFilter OrderByInput OrderByWithRelationInput ScalarFieldEnum",
		after: "not not_in starts_with ends_with not_starts_with not_ends_with not_contains every some none",
	},
	{ // Relay servers, such as GitHub's
		types: "FilterInput Filters FilterBy Sort SortInput", before: "min max is with",
		after: "eq ne like ilike regex between from to before after since until is_null min max",
	},
}

// affixes returns one column of the table.
func affixes(of func(convention) string) (all []string) {
	for _, c := range conventions {
		for _, affix := range strings.Fields(of(c)) {
			all = append(all, plain(affix))
		}
	}
	return all
}

var (
	typeSuffixes  = affixes(func(c convention) string { return c.types })
	fieldPrefixes = append(affixes(func(c convention) string { return c.before }), "")
	fieldSuffixes = append(affixes(func(c convention) string { return c.after }), "")
)

// plain returns a name without case and underscores.
func plain(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }

// maxVisits is how many ways to an input type are kept apart.
const maxVisits = 8

// filters finds the arguments and input fields that filter or order by a field of an object. found gets the coordinate,
// the field, and the requirements for writing there.
type filters struct {
	*compiler
	found func(at string, reads *field, have []*requirement)

	byName  map[string]*ast.Definition     // types by plain name
	columns map[string]map[string][]*field // fields by type and plain name
	seen    map[string][][]*requirement    // by input type and object type: with what the former was looked through
}

func (k *compiler) filters(found func(at string, reads *field, have []*requirement)) *filters {
	f := &filters{compiler: k, found: found, byName: map[string]*ast.Definition{}, columns: map[string]map[string][]*field{}, seen: map[string][][]*requirement{}}
	for _, def := range k.defs {
		if def.IsCompositeType() {
			f.byName[plain(def.Name)] = def
		}
	}
	return f
}

// of looks through the arguments of a field. Those of a mutation are values to store, unless their type is a filter's.
func (f *filters) of(on *ast.Definition, node *ast.FieldDefinition) {
	own := f.plan.types[on.Name].fields[node.Name]
	for _, arg := range node.Arguments {
		if on == f.schema.Mutation && f.filtered(arg.Type.Name()) == nil {
			continue
		}
		have := []*requirement{&own.need}
		if i := slices.IndexFunc(own.args, func(g guarded) bool { return g.name == arg.Name }); i >= 0 {
			have = append(have, &own.args[i].need)
		}
		f.value(own.coordinate+"("+arg.Name+":)", arg.Name, arg.Type.Name(), f.listed(node.Type.Name()), have)
	}
}

// value looks at an argument or input field that may filter objects of the type on, which may be nil.
func (f *filters) value(at, name, typ string, on *ast.Definition, have []*requirement) {
	if by := f.filtered(typ); by != nil && len(f.like(on, name)) == 0 {
		on = by
	}
	inner := on
	for _, reads := range f.like(on, name) {
		f.found(at, reads, have)
		if inner = nil; reads.out != nil {
			inner = f.listed(reads.out.name)
		}
	}
	def := f.schema.Types[typ]
	for _, value := range def.EnumValues {
		for _, reads := range f.like(on, value.Name) {
			f.found(at, reads, have)
		}
	}
	if inner == nil {
		inner = f.filtered(typ)
	}
	if inner == nil || def.Kind != ast.InputObject {
		return
	}
	key := typ + " " + inner.Name
	weaker := func(before []*requirement) bool {
		return !slices.ContainsFunc(before, func(need *requirement) bool { return !covers(have, need) })
	}
	switch visits := f.seen[key]; {
	case slices.ContainsFunc(visits, weaker):
		return
	case len(visits) == maxVisits:
		have = nil // too many ways to get here: what is written there counts as unguarded, so more is found
	}
	f.seen[key] = append(f.seen[key], have)
	for _, field := range def.Fields {
		need := have
		if in := f.inputs[typ]; in != nil && in.field(field.Name) != nil {
			need = append(slices.Clone(have), &in.field(field.Name).need)
		}
		f.value(typ+"."+field.Name, field.Name, field.Type.Name(), inner, need)
	}
}

// filtered returns the type that an input type or an enum filters by its name, or nil.
func (f *filters) filtered(typ string) *ast.Definition {
	for _, suffix := range typeSuffixes {
		if name, ok := strings.CutSuffix(plain(typ), suffix); ok && f.byName[name] != nil {
			return f.byName[name]
		}
	}
	return nil
}

// listed returns the type of the objects that a field of this type lists, through a connection. It is nil for a scalar.
func (f *filters) listed(typ string) *ast.Definition {
	def := f.schema.Types[typ]
	if !def.IsCompositeType() {
		return nil
	}
	if edges := def.Fields.ForName("edges"); edges != nil {
		if node := f.schema.Types[edges.Type.Name()].Fields.ForName("node"); node != nil {
			return f.schema.Types[node.Type.Name()]
		}
	}
	if nodes := def.Fields.ForName("nodes"); nodes != nil && !f.isRoot(def) {
		return f.schema.Types[nodes.Type.Name()]
	}
	return def
}

// like returns the fields that a name filters by, on any object that on stands for.
func (f *filters) like(on *ast.Definition, name string) (all []*field) {
	if on == nil {
		return nil
	}
	columns := f.columns[on.Name]
	if columns == nil {
		columns = map[string][]*field{}
		for _, object := range f.objects(on) {
			for _, column := range f.plan.types[object.Name].fields {
				columns[plain(column.coordinate[len(object.Name)+1:])] = append(columns[plain(column.coordinate[len(object.Name)+1:])], column)
			}
		}
		f.columns[on.Name] = columns
	}
	for _, prefix := range fieldPrefixes {
		if rest, ok := strings.CutPrefix(plain(name), prefix); ok {
			for _, suffix := range fieldSuffixes {
				if base, ok := strings.CutSuffix(rest, suffix); ok {
					all = append(all, columns[base]...)
				}
			}
		}
	}
	return all
}

// covers reports whether a caller who meets the first requirements meets the last one.
func covers(have []*requirement, want *requirement) bool {
	key, never := false, false
	var needs [][][]int
	for _, need := range have {
		key, never, needs = key || need.key, never || need.never, append(needs, need.needs...)
	}
	implied := func(groups [][]int) bool {
		return slices.ContainsFunc(needs, func(met [][]int) bool {
			return !slices.ContainsFunc(met, func(group []int) bool { // a way to meet it that does not help
				return !slices.ContainsFunc(groups, func(all []int) bool {
					return !slices.ContainsFunc(all, func(i int) bool { return !slices.Contains(group, i) })
				})
			})
		})
	}
	return never || !want.never && (key || !want.key) && !slices.ContainsFunc(want.needs, func(groups [][]int) bool { return !implied(groups) })
}
