package graphqlauth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    graphqlauth.Rule
		allowed string // of stranger, none, a, b, ab
	}{
		{"zero", graphqlauth.Rule{}, ""},
		{"anyone", graphqlauth.Anyone(), "stranger none a b ab"},
		{"key", graphqlauth.RequireKey(), "none a b ab"},
		{"require", graphqlauth.Require("a"), "a ab"},
		{"require both", graphqlauth.Require("a", "b"), "ab"},
		{"require nothing", graphqlauth.Require(), ""},
		{"any", graphqlauth.RequireScopes([][]string{{"a"}, {"b"}}), "a b ab"},
		{"any of nothing", graphqlauth.RequireScopes(nil), ""},
		{"scopes", graphqlauth.RequireScopes([][]string{{"a", "b"}, {"x"}}), "ab"},
		{"an empty scope", graphqlauth.RequireScopes([][]string{{"a"}, {}}), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			court := newCourt(t, `directive @rule on FIELD_DEFINITION type Query{f:String @rule}`,
				graphqlauth.WithDirective("rule", func(*ast.Directive) (graphqlauth.Rule, error) { return c.rule, nil }))
			for _, as := range []string{"stranger", "none", "a", "b", "ab"} {
				role := as
				if as == "stranger" {
					role = ""
				}
				allowed := court.denies(role, `{f}`) == ""
				require.Equal(t, strings.Contains(" "+c.allowed+" ", " "+as+" "), allowed, as)
			}
		})
	}
}

// A permission made from an argument is named as it was asked for, unless what was sent could be a key.
func TestAnErrorRepeatsNoKey(t *testing.T) {
	s := newSite(t, siteOptions{})
	require.Contains(t, s.ask("empty", `{content(model:"pages")}`).body, "content/pages/read")
	r := s.ask("empty", `{content(model:"`+s.keys["admin"]+`")}`)
	require.Equal(t, 403, r.status)
	require.NotContains(t, r.body, s.keys["admin"])
	require.Contains(t, r.body, "content/{model}/read")
}

// If no list of scopes is complete, the error names what the first one lacks.
func TestAnErrorNamesAMissingScope(t *testing.T) {
	s := newSite(t, siteOptions{})
	r := s.ask("reader", `{scoped}`)
	require.Equal(t, []string{"FORBIDDEN Query.scoped"}, r.codes())
	require.Equal(t, "content/drafts/read", r.Errors[0].Extensions["permission"])
}
