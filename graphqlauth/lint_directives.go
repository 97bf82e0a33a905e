package graphqlauth

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/latchkey-go/latchkey/roles"
)

// unknown finds permissions that the catalog does not list. Most are typing errors.
func (l *linter) unknown() {
	if l.catalog == nil {
		return
	}
	look := func(at string, rule Rule) {
		for _, groups := range rule.needs {
			for _, text := range slices.Concat(groups...) {
				p, err := parsePermission(text)
				if err != nil {
					continue // found by compile
				}
				one := roles.Role{Permissions: roles.Grants{p.pattern(): true}}
				if len(l.catalog.Unknown(one)) > 0 {
					l.find("unknown", at, "needs %s, which the catalog does not list", text)
				}
			}
		}
	}
	l.everywhere(func(at string, list ast.DirectiveList) {
		for _, d := range list {
			if read := l.config.directives[d.Name]; read != nil {
				if rule, err := read(d); err == nil {
					look(at, rule)
				}
			}
		}
	})
	if l.schema.Query != nil {
		look(l.schema.Query.Name+".__schema", l.config.introspection)
	}
}

// client finds directives that a client can write, or leave out, in a query.
func (l *linter) client() {
	for _, name := range slices.Sorted(maps.Keys(l.schema.Directives)) {
		if l.config.directives[name] == nil && !likeRules.MatchString(name) {
			continue
		}
		var executable []string
		for _, at := range l.schema.Directives[name].Locations {
			switch at {
			case ast.LocationQuery, ast.LocationMutation, ast.LocationSubscription, ast.LocationField, ast.LocationFragmentDefinition,
				ast.LocationFragmentSpread, ast.LocationInlineFragment, ast.LocationVariableDefinition:
				executable = append(executable, string(at))
			}
		}
		if executable != nil {
			l.find("client", "@"+name, "can stand on %s of a query, where callers write it or leave it out: it guards nothing there",
				strings.Join(executable, ", "))
		}
	}
}

// copied compares the schema's copy of SDL with the library's. A schema without any of our directives has its own
// rules.
func (l *linter) copied() {
	doc, err := parser.ParseSchema(&ast.Source{Input: SDL})
	if err != nil {
		panic(err) // our own text
	}
	ours := slices.DeleteFunc(doc.Directives, func(d *ast.DirectiveDefinition) bool {
		return slices.Contains(l.config.own, d.Name) || l.federated() && routers.MatchString(d.Name)
	})
	if !slices.ContainsFunc(ours, func(d *ast.DirectiveDefinition) bool { return l.schema.Directives[d.Name] != nil }) {
		return
	}
	for _, d := range ours {
		switch theirs := l.schema.Directives[d.Name]; {
		case theirs == nil:
			l.find("sdl", "@"+d.Name, "is not declared: the copy of the library's SDL is another version's, print it again")
		case signature(theirs) != signature(d):
			l.find("sdl", "@"+d.Name, "is declared as %s and not as %s: the copy of the library's SDL is another version's, print it again",
				signature(theirs), signature(d))
		}
	}
}

// signature returns a directive's declaration without descriptions and defaults.
func signature(d *ast.DirectiveDefinition) string {
	var args, at []string
	for _, arg := range d.Arguments {
		args = append(args, arg.Name+": "+arg.Type.String())
	}
	for _, location := range d.Locations {
		at = append(at, string(location))
	}
	slices.Sort(at)
	text := "@" + d.Name + "(" + strings.Join(args, ", ") + ")"
	if d.IsRepeatable {
		text += " repeatable"
	}
	return text + " on " + strings.Join(at, " | ")
}

// federated reports whether the schema is a subgraph's.
func (l *linter) federated() bool {
	return l.schema.Types["_Service"] != nil || l.schema.Directives["key"] != nil && l.schema.Directives["link"] != nil
}

// routers matches the directives that federation leaves to a router, with any prefix.
var routers = regexp.MustCompile(`^(\w+__)?(authenticated|requiresScopes|policy)$`)

// federation finds directives that gqlgen leaves to the router in front of a subgraph.
func (l *linter) federation() {
	if !l.federated() {
		return
	}
	enforced := map[string]bool{}
	l.everywhere(func(at string, list ast.DirectiveList) {
		for _, d := range list {
			switch {
			case !routers.MatchString(d.Name):
			case l.config.directives[d.Name] == nil:
				l.find("federation", at, "@%s is the router's, and nothing here reads it: say what it means with WithDirective", d.Name)
			default:
				enforced["@"+d.Name] = true
			}
		}
	})
	if len(enforced) > 0 {
		l.find("federation", "", "gqlgen leaves %s to the router: for a request to the subgraph itself only the extension enforces it",
			strings.Join(slices.Sorted(maps.Keys(enforced)), ", "))
	}
}
