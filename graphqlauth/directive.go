package graphqlauth

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// publicName is the directive that lifts the default. It is not a rule.
const publicName = "public"

// builtin are the directives that are rules without [WithDirective]. Federation 2 declares requiresScopes,
// authenticated and policy, under these names or, in a subgraph that does not import them, with its prefix.
var builtin = map[string]directiveReader{
	"can":                        readCan,
	"authenticated":              readAuthenticated,
	"requiresScopes":             readScopes,
	"federation__authenticated":  readAuthenticated,
	"federation__requiresScopes": readScopes,
	"policy":                     readPolicy,
	"federation__policy":         readPolicy,
}

func readCan(d *ast.Directive) (Rule, error) {
	v := argumentOf(d, "permission")
	if v == nil || v.Kind != ast.StringValue && v.Kind != ast.BlockValue {
		return Rule{}, errors.New("needs a permission")
	}
	return Require(v.Raw), nil
}

func readAuthenticated(*ast.Directive) (Rule, error) { return RequireKey(), nil }

func readScopes(d *ast.Directive) (Rule, error) {
	var scopes [][]string
	for _, inner := range listed(argumentOf(d, "scopes")) {
		var all []string
		for _, v := range listed(inner) {
			if v.Kind != ast.StringValue && v.Kind != ast.BlockValue {
				return Rule{}, fmt.Errorf("%s is no scope", v)
			}
			all = append(all, v.Raw)
		}
		scopes = append(scopes, all)
	}
	rule := RequireScopes(scopes)
	if !rule.valid {
		return Rule{}, errors.New("needs scopes, and none of its lists may be empty")
	}
	return rule, nil
}

// readPolicy returns an error, so that the program does not start: gqlgen does not enforce Apollo's @policy, and this
// package does not know what its policies mean.
func readPolicy(*ast.Directive) (Rule, error) {
	return Rule{}, errors.New("nothing enforces it: say what it means with WithDirective")
}

// argumentOf returns the value of a directive's argument as written, else its default, else nil.
func argumentOf(d *ast.Directive, name string) *ast.Value {
	if arg := d.Arguments.ForName(name); arg != nil {
		return arg.Value
	}
	if d.Definition != nil {
		if def := d.Definition.Arguments.ForName(name); def != nil {
			return def.DefaultValue
		}
	}
	return nil
}

// listed returns the elements of a list. A single value stands for a list of one, as everywhere in GraphQL.
func listed(v *ast.Value) []*ast.Value {
	if v == nil || v.Kind == ast.NullValue {
		return nil
	}
	if v.Kind != ast.ListValue {
		return []*ast.Value{v}
	}
	var values []*ast.Value
	for _, child := range v.Children {
		values = append(values, child.Value)
	}
	return values
}

// SDL declares the directives @can, @authenticated, @requiresScopes and @public. A project keeps a copy next to its
// own schema; cmd/sdl prints it.
//
//go:embed auth.graphqls
var SDL string

// FederationSDL is SDL for a subgraph of federation 2, which declares @authenticated and @requiresScopes itself. The
// [Extension] enforces them there too.
//
//go:embed federation.graphqls
var FederationSDL string
