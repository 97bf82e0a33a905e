package graphqlauth

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// Exposure lists what callers without a key can reach in a schema while role is the public role: the fields to which
// a way of fields leads that all let them pass, and the arguments and input fields with rules that they may write.
//
// A coordinate to which a way leads that needs nothing is open. The permission of any other is what it needs, or, if
// it needs nothing itself, what the shortest way to it needs; where that is several permissions, there is a route for
// each. A permission with {argument}s counts if it is allowed for one value of them. What hooks such as [Owner] and
// resolvers decide is not known here.
//
// The routes go together with [auth.Guard.Routes] to publicapi.Exposure, for the same policy and role: what more
// another role would reach is not among them. A role that can never be public is the closed public API, and so is "".
// opts are those of [New]. Exposure panics if the rules have mistakes, as the server's Use does.
func Exposure(schema *ast.Schema, policy *roles.Policy, role string, opts ...Option) []auth.Route {
	if policy == nil || !policy.Has(role) || strings.EqualFold(role, roles.Admin) {
		role = ""
	}
	x := exposure{schema: schema, plan: compiled(schema, opts), policy: policy, role: role, found: map[string][]string{}}
	x.follow(true) // first, so that what is open is told as open, however else it is reached
	x.follow(false)

	var routes []auth.Route
	for _, coordinate := range slices.Sorted(maps.Keys(x.found)) {
		for _, permission := range x.found[coordinate] {
			routes = append(routes, auth.Route{Pattern: coordinate, Permission: permission, Open: permission == ""})
		}
	}
	return routes
}

// An exposure finds out what a role reaches without a key.
type exposure struct {
	schema *ast.Schema
	plan   *plan
	policy *roles.Policy
	role   string
	found  map[string][]string // the permissions by coordinate; one that is open has ""

	entered map[string]bool // arguments and input fields, of this follow
}

// open are the permissions of what needs none.
var open = []string{""}

// follow goes from the root types over all fields that let the role pass, the shortest ways first.
func (x *exposure) follow(openOnly bool) {
	type step struct {
		to  *typ
		way []string // what was needed on the way
	}
	var steps []step
	seen := map[string]bool{}
	x.entered = map[string]bool{}
	take := func(def *ast.Definition, way []string) {
		if def == nil {
			return
		}
		for _, object := range x.schema.GetPossibleTypes(def) {
			// An interface that implements another one is among its possible types, for gqlparser.
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
				x.write(f.args[i].coordinate, &f.args[i].need, f.args[i].input, way, openOnly)
			}
			if f.out != nil {
				take(x.schema.Types[f.out.name], way)
			}
		}
	}
}

// write notes an argument or input field that the role may write, and what can be written in it.
func (x *exposure) write(coordinate string, need *requirement, in *input, way []string, openOnly bool) {
	inner, ok := x.passes(need, way)
	if !ok || openOnly && inner[0] != "" {
		return
	}
	x.add(coordinate, inner)
	if in == nil || x.entered[coordinate] { // input objects hold each other, in circles too
		return
	}
	x.entered[coordinate] = true
	for i := range in.fields {
		x.write(in.fields[i].coordinate, &in.fields[i].need, in.fields[i].input, inner, openOnly)
	}
}

// add notes a coordinate unless it is known: the first way to it is the one that is told.
func (x *exposure) add(coordinate string, permissions []string) {
	if x.found[coordinate] == nil {
		x.found[coordinate] = permissions
	}
}

// passes reports whether the role meets a requirement without a key, and by which permissions; by those of the way
// if it needs none.
func (x *exposure) passes(need *requirement, way []string) (permissions []string, ok bool) {
	if need.never || need.key {
		return nil, false
	}
	for _, i := range need.all {
		if !x.reaches(i) {
			return nil, false
		}
		permissions = append(permissions, x.plan.permissions[i].text)
	}
	for _, groups := range need.any {
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

// reaches reports whether the role has a permission, or one that its template can become.
func (x *exposure) reaches(i int) bool {
	return x.policy.Reaches(roles.Rights{Role: x.role}, x.plan.permissions[i].pattern())
}

// pattern is what the permissions have in common that a template can become.
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
