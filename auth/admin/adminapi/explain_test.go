package adminapi_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// TestAPatternIsExplainedAsOne asks for patterns, of which a role allows all, a part or nothing.
func TestAPatternIsExplainedAsOne(t *testing.T) {
	w := newWorld(t, nil)
	for _, role := range []roles.Role{
		{AppID: "base", Permissions: roles.Grants{"content/*/read": true, "content/secret/read": false}},
		{AppID: "chief", Inherits: []string{"base"}, Permissions: roles.Grants{"content/**": true}},
		{AppID: "open", Permissions: roles.Grants{"content/**": true, "content/posts/read": true}},
		{AppID: "union", Permissions: roles.Grants{"a/*": true, "a/*/**": true}},
		{AppID: "taken", Permissions: roles.Grants{"b/x": true, "b/*": false, "c/y": false}},
	} {
		require.NoError(t, w.roles.Save(t.Context(), role))
	}
	for _, c := range []struct {
		role, asked, access, reason, by string
	}{
		{"open", "content/**", "all", "granted", `content/** of open`},
		{"open", "content/*/read", "all", "granted", `content/** of open`},
		{"open", "content/posts/read", "all", "granted", `content/posts/read of open`},
		{"open", "**", "some", "partly", `content/** of open, content/posts/read of open`},
		{"chief", "content/**", "some", "partly", `content/** of chief, content/*/read of base, not content/secret/read of base`},
		{"chief", "content/*/create", "all", "granted", `content/** of chief`},
		{"chief", "content/secret/*", "some", "partly", `content/** of chief, content/*/read of base, not content/secret/read of base`},
		{"chief", "content/secret/read", "none", "denied", `content/secret/read of base`},
		{"chief", "app/*", "none", "not_granted", ` of chief`},
		{"union", "a/**", "all", "granted", `a/* of union, a/*/** of union`},
		{"taken", "b/*", "none", "denied", `b/* of taken`},
		{"taken", "*/x", "none", "denied", `not b/* of taken, b/x of taken`},
		{"taken", "c/*", "none", "not_granted", ` of taken`},
		{"admin", "**", "all", "admin", ` of admin`},
		{"ghost", "**", "none", "no_role", ` of ghost`},
		{"open", "content/**/read", "none", "malformed_permission", ` of open`},
		{"open", "content/{model}/read", "none", "malformed_permission", ` of open`},
	} {
		what := fmt.Sprint(c.role, " ", c.asked)
		why := w.expect(200, w.call(root, "GET", "/explain?"+url.Values{"role": {c.role}, "permission": {c.asked}}.Encode(), nil)).body
		require.Equal(t, []any{c.access, c.access == "all", c.reason}, []any{why["access"], why["allowed"], why["reason"]}, what)
		by, _ := why["grant"].(string)
		by += " of " + why["role"].(string)
		if grants, ok := why["grants"].([]any); ok {
			require.Equal(t, c.role, why["role"], what)
			by = ""
			for _, g := range grants {
				grant := g.(map[string]any)
				if by != "" {
					by += ", "
				}
				if grant["allowed"] != true {
					by += "not "
				}
				by += fmt.Sprint(grant["grant"], " of ", grant["role"])
			}
		}
		require.Equal(t, c.by, by, what)
	}
	require.Equal(t, `a part of it is allowed: role "chief" grants "content/**"; role "base" grants "content/*/read"; role "base" forbids "content/secret/read"`,
		w.call(root, "GET", "/explain?role=chief&permission=content/**", nil).string("sentence"))
}
