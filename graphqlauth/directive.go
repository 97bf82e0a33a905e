package graphqlauth

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// publicName is the directive that lifts the default. It is no rule.
const publicName = "public"

// builtin are the directives that stand for rules by themselves. Federation 2 declares the last two, under these
// names or, where a subgraph does not import them, with its prefix.
var builtin = map[string]reading{
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
	if !rule.meant {
		return Rule{}, errors.New("needs scopes, and none of its lists may be empty")
	}
	return rule, nil
}

// readPolicy refuses to start: nothing here knows what a policy of Apollo's means, and gqlgen enforces none.
func readPolicy(*ast.Directive) (Rule, error) {
	return Rule{}, errors.New("nothing enforces it: say what it means with WithDirective")
}

// argumentOf returns the value of a directive's argument as it is written, else its default, else nil.
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

// SDL declares the directives: @can, @authenticated, @requiresScopes and @public. A project keeps a copy next to
// its own schema; cmd/sdl prints it.
//
//go:embed auth.graphqls
var SDL string

// FederationSDL is SDL for a subgraph of federation 2, which declares @authenticated and @requiresScopes by
// itself. They are enforced there all the same.
//
//go:embed federation.graphqls
var FederationSDL string
