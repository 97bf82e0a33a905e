package graphqlauth

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// Coverage returns the requirement of each coordinate of a schema (Query.posts, Query.posts(first:), NewPost.draft):
// "anyone", "no one", or such as "key and content/posts/read and (a or b and c)". Encoded as JSON, which sorts it, it is a
// file that a test compares and people review. opts are those of [New]. The requirement of an object's field includes the
// rules on its type, on its interfaces and on the type that it returns, and the default. Fields of interfaces are not
// listed: they need the same as the object's field. Arguments and fields of input objects are listed if writing them needs
// more than their field does, or if their value can contain such a field. Types that begin with "__" are left out.
//
// It panics if the rules have mistakes, as the server's Use does.
func Coverage(schema *ast.Schema, opts ...Option) map[string]string {
	p := compiled(schema, opts)
	needs := map[string]string{}
	var add func(*guarded)
	add = func(g *guarded) {
		if _, listed := needs[g.coordinate]; listed {
			return
		}
		needs[g.coordinate] = p.text(&g.need)
		if g.input != nil {
			for i := range g.input.fields {
				add(&g.input.fields[i])
			}
		}
	}
	for name, t := range p.types {
		if t.abstract || strings.HasPrefix(name, "__") {
			continue
		}
		for _, f := range t.fields {
			needs[f.coordinate] = p.text(&f.need)
			for i := range f.args {
				add(&f.args[i])
			}
		}
	}
	return needs
}

// compiled returns the plan of a schema whose rules have no mistakes.
func compiled(schema *ast.Schema, opts []Option) *plan {
	k := compile(schema, newConfig(opts))
	if err := mistakes(k.findings); err != nil {
		panic(err)
	}
	return k.plan
}

// Exposure lists the coordinates that callers without a key reach while role is the public role: fields on a path
// whose fields all let them pass, and the arguments and input fields with rules that they may write.
//
// A coordinate is open if some path to it needs no permission. Any other has the permission of its own rule or,
// without one, the permission of the shortest path to it; where that is several permissions, there is one route for
// each. A permission with an {argument} counts if the role has it for one value of the argument. Decisions of resolvers
// and of the host's own hooks are not included.
//
// Give the routes, together with [auth.Guard.Routes], to publicapi.Exposure, with the same policy and role: routes of
// another role are not among them. A role that cannot be public, and "", mean the closed public API. opts are those of
// [New]. Exposure panics if the rules have mistakes, as the server's Use does.
func Exposure(schema *ast.Schema, policy *roles.Policy, role string, opts ...Option) []auth.Route {
	if policy == nil || !policy.Has(role) || strings.EqualFold(role, roles.Admin) {
		role = ""
	}
	x := exposure{schema: schema, plan: compiled(schema, opts), policy: policy, role: role, found: map[string][]string{}}
	x.follow(true) // first, so that an open coordinate is listed as open, even if other paths need a permission
	x.follow(false)

	var routes []auth.Route
	for _, coordinate := range slices.Sorted(maps.Keys(x.found)) {
		for _, permission := range x.found[coordinate] {
			routes = append(routes, auth.Route{Pattern: coordinate, Permission: permission, Open: permission == ""})
		}
	}
	return routes
}

// An exposure finds the coordinates that a role reaches without a key.
type exposure struct {
	schema *ast.Schema
	plan   *plan
	policy *roles.Policy
	role   string
	found  map[string][]string // permissions by coordinate; {""} for an open one

	entered map[string]bool // arguments and input fields seen by this call of follow
}

// open is the permission list of an open coordinate.
var open = []string{""}

// follow goes from the root types through all fields that let the role pass, breadth first.
func (x *exposure) follow(openOnly bool) {
	type step struct {
		to  *typ
		way []string // permissions needed on the path
	}
	var steps []step
	seen := map[string]bool{}
	x.entered = map[string]bool{}
	take := func(def *ast.Definition, way []string) {
		if def == nil {
			return
		}
		for _, object := range x.schema.GetPossibleTypes(def) {
			// For gqlparser, an interface that implements another one is among its possible types.
			if object.Kind == ast.Object && !seen[object.Name] && !strings.HasPrefix(object.Name, "__") {
				seen[object.Name] = true
				steps = append(steps, step{x.plan.types[object.Name], way})
			}
		}
	}
	for _, root := range []*ast.Definition{x.schema.Query, x.schema.Mutation, x.schema.Subscription} {
		take(root, open)
	}
	for ; len(steps) > 0; steps = steps[1:] {
		from := steps[0]
		for _, name := range slices.Sorted(maps.Keys(from.to.fields)) {
			f := from.to.fields[name]
			way, ok := x.passes(&f.need, from.way)
			if !ok || openOnly && way[0] != "" {
				continue
			}
			x.add(f.coordinate, way)
			for i := range f.args {
				x.write(&f.args[i], way, openOnly)
			}
			if f.out != nil {
				take(x.schema.Types[f.out.name], way)
			}
		}
	}
}

// write adds an argument or input field that the role may write, and the input fields inside it.
func (x *exposure) write(g *guarded, way []string, openOnly bool) {
	inner, ok := x.passes(&g.need, way)
	if !ok || openOnly && inner[0] != "" {
		return
	}
	x.add(g.coordinate, inner)
	if g.input == nil || x.entered[g.coordinate] { // input types may refer to each other in cycles
		return
	}
	x.entered[g.coordinate] = true
	for i := range g.input.fields {
		x.write(&g.input.fields[i], inner, openOnly)
	}
}

// add adds a coordinate, unless a shorter path has added it.
func (x *exposure) add(coordinate string, permissions []string) {
	if x.found[coordinate] == nil {
		x.found[coordinate] = permissions
	}
}

// passes reports whether the role satisfies a requirement without a key. It returns the permissions of the
// requirement, or those of the path if the requirement has none.
func (x *exposure) passes(need *requirement, way []string) (permissions []string, ok bool) {
	if need.never || need.key {
		return nil, false
	}
	for _, groups := range need.needs {
		any := false
		for _, group := range groups {
			if slices.ContainsFunc(group, func(i int) bool { return !x.reaches(i) }) {
				continue
			}
			any = true
			for _, i := range group {
				permissions = append(permissions, x.plan.permissions[i].text)
			}
		}
		if !any {
			return nil, false
		}
	}
	if permissions == nil {
		return way, true
	}
	slices.Sort(permissions)
	return slices.Compact(permissions), true
}

// reaches reports whether the role has the permission or, for a template, one of its values.
func (x *exposure) reaches(i int) bool {
	return x.policy.Reaches(roles.Rights{Role: x.role}, x.plan.permissions[i].pattern())
}

// pattern returns the permission, or for a template the pattern of all its values.
func (p *permission) pattern() string {
	if p.named == nil {
		return p.text
	}
	segments := slices.Clone(p.segments)
	for i, named := range p.named {
		if named {
			segments[i] = "*"
		}
	}
	return strings.Join(segments, "/")
}
