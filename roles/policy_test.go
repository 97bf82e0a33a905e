package roles_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

type check struct {
	role, do string
	want     bool
}

func allow(role, do string) check { return check{role, do, true} }
func deny(role, do string) check  { return check{role, do, false} }

func TestAllows(t *testing.T) {
	p := roles.MustCompile(
		roles.Role{AppID: "public", Permissions: roles.Grants{"content/pages/read": true}},
		roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true, "content/*/manage": false, "content/secret/**": false}},
		roles.Role{AppID: "chief", Inherits: []string{"editor"}, Permissions: roles.Grants{"content/secret/read": true, "app/users/manage": true}},
		roles.Role{AppID: "owner", Inherits: []string{"chief", "public"}},
		roles.Role{AppID: "locked", Inherits: []string{"owner", "nothing-at-all"}},
		roles.Role{AppID: "nothing-at-all", Permissions: roles.Grants{"**": false}},
		roles.Role{AppID: "empty"},
		roles.Role{AppID: "Root", Permissions: roles.Grants{"**": true}},
		roles.Role{AppID: "literal-and-star", Permissions: roles.Grants{"a/b": true, "a/*": false, "c/d": false, "c/*": true}},
	)
	for _, c := range []check{
		allow("public", "content/pages/read"),
		deny("public", "content/pages/update"),
		deny("public", "content/pages"),
		deny("public", "content/pages/read/more"),
		deny("public", "content/posts/read"),
		allow("editor", "content/posts/update"),
		allow("editor", "content/posts"),
		allow("editor", "content/posts/a/b/c"),
		deny("editor", "content"),
		deny("editor", "content/posts/manage"),
		deny("editor", "content/secret/read"),
		allow("editor", "content/secret"),
		deny("editor", "app/users/manage"),
		// An inherited deny wins over a grant of one's own.
		deny("chief", "content/secret/read"),
		allow("chief", "app/users/manage"),
		allow("chief", "content/posts/update"),
		allow("owner", "content/pages/read"),
		allow("owner", "app/users/manage"),
		deny("owner", "content/pages/manage"),
		deny("locked", "content/pages/read"),
		deny("locked", "app/users/manage"),
		deny("nothing-at-all", "a"),
		deny("empty", "content/pages/read"),
		deny("literal-and-star", "a/b"),
		deny("literal-and-star", "c/d"),
		allow("literal-and-star", "c/e"),
		// Admin is a name, not a row; and it asks for well-formed permissions too.
		allow("admin", "anything/at/all"),
		deny("admin", "a//b"),
		deny("admin", "*"),
		deny("admin", "content/{model}/read"),
		deny("admin", ""),
		deny("ADMIN", "content/pages/read"),
		deny("Admin", "content/pages/read"),
		allow("Root", "anything/at/all"),
		deny("root", "anything/at/all"),
		deny("Root", "a//b"),
		// A request is never a pattern, and nothing is folded or trimmed.
		deny("editor", "content/*"),
		deny("editor", "content/**"),
		deny("editor", "Content/posts/update"),
		deny("editor", "content/posts/update "),
		deny("editor", "content/../content/posts/update"),
		deny("Editor", "content/posts/update"),
		deny(" editor", "content/posts/update"),
		deny("no-such-role", "content/posts/read"),
		deny("", "content/posts/read"),
		deny("", ""),
	} {
		require.Equal(t, c.want, p.Allows(c.role, c.do), "role %q, Allows(%q)", c.role, c.do)
		require.Equal(t, c.want, p.Explain(c.role, c.do).Allowed, "role %q, Explain(%q)", c.role, c.do)
	}
	var none *roles.Policy
	for _, role := range []string{"admin", "editor", ""} {
		require.False(t, none.Allows(role, "content/pages/read"))
		require.False(t, none.Has(role))
		_, ok := none.Role(role)
		require.False(t, ok)
	}
	require.Empty(t, none.Roles())
	require.Nil(t, none.Policy())
	require.False(t, new(roles.Policy).Allows("editor", "a"))
}

func TestExplain(t *testing.T) {
	p := roles.MustCompile(
		roles.Role{AppID: "base", Permissions: roles.Grants{"a/*": true, "a/b": true, "x/secret": false}},
		roles.Role{AppID: "top", Inherits: []string{"base"}, Permissions: roles.Grants{"x/**": true}},
	)
	var none *roles.Policy
	for _, c := range []struct {
		policy   *roles.Policy
		role, do string
		want     roles.Decision
		text     string
	}{
		{p, "top", "x/y", roles.Decision{Allowed: true, Reason: roles.ReasonGranted, Role: "top", Grant: "x/**"}, `allowed: role "top" grants "x/**"`},
		{p, "top", "a/b", roles.Decision{Allowed: true, Reason: roles.ReasonGranted, Role: "base", Grant: "a/b"}, `allowed: role "base" grants "a/b"`},
		{p, "top", "a/c", roles.Decision{Allowed: true, Reason: roles.ReasonGranted, Role: "base", Grant: "a/*"}, `allowed: role "base" grants "a/*"`},
		{p, "top", "x/secret", roles.Decision{Reason: roles.ReasonDenied, Role: "base", Grant: "x/secret"}, `denied: role "base" forbids "x/secret"`},
		{p, "top", "z", roles.Decision{Reason: roles.ReasonNotGranted, Role: "top"}, `denied: role "top" has no grant for this`},
		{p, "top", "a//b", roles.Decision{Reason: roles.ReasonMalformed, Role: "top"}, `denied: this is not a well-formed permission`},
		{p, "admin", "z", roles.Decision{Allowed: true, Reason: roles.ReasonAdmin, Role: "admin"}, `allowed: the role "admin" may do everything`},
		{p, "admin", "*", roles.Decision{Reason: roles.ReasonMalformed, Role: "admin"}, `denied: this is not a well-formed permission`},
		{p, "gh\nost", "z", roles.Decision{Reason: roles.ReasonNoRole, Role: "gh\nost"}, `denied: there is no role "gh\nost"`},
		{none, "admin", "z", roles.Decision{Reason: roles.ReasonNoPolicy, Role: "admin"}, `denied: there is no policy at the moment`},
	} {
		got := c.policy.Explain(c.role, c.do)
		require.Equal(t, c.want, got)
		require.Equal(t, c.text, got.String())
	}
	require.Equal(t, "denied: no decision was made", roles.Decision{}.String())
}

func TestRolesAreCopies(t *testing.T) {
	given := roles.Role{AppID: "b", Name: "B", Info: "two\nlines", Permissions: roles.Grants{"x": true}, Inherits: []string{"a"}}
	p := roles.MustCompile(given, roles.Role{AppID: "a", Permissions: roles.Grants{"y": true}})
	given.Permissions["z"], given.Inherits[0] = true, "admin"
	require.False(t, p.Allows("b", "z"))

	shown, ok := p.Role("b")
	require.True(t, ok)
	require.Equal(t, roles.Role{AppID: "b", Name: "B", Info: "two\nlines", Permissions: roles.Grants{"x": true}, Inherits: []string{"a"}}, shown)
	shown.Permissions["z"], shown.Inherits[0] = true, "admin"
	all := p.Roles()
	require.Equal(t, []string{"a", "b"}, []string{all[0].AppID, all[1].AppID})
	all[0].Permissions["z"] = true
	require.False(t, p.Allows("b", "z"))
	again, _ := p.Role("b")
	require.Equal(t, roles.Grants{"x": true}, again.Permissions)

	_, ok = p.Role(roles.Admin)
	require.False(t, ok, "admin is no row")
	require.True(t, p.Has(roles.Admin))
	require.True(t, p.Has("a"))
	require.False(t, p.Has("A"))
}

func TestWith(t *testing.T) {
	p := roles.MustCompile(
		roles.Role{AppID: "base", Permissions: roles.Grants{"a": true}},
		roles.Role{AppID: "top", Inherits: []string{"base"}},
		roles.Role{AppID: "other", Permissions: roles.Grants{"c": true}},
	)
	q, err := p.With(roles.Role{AppID: "base", Permissions: roles.Grants{"b": true}})
	require.NoError(t, err)
	require.True(t, p.Allows("top", "a"), "the policy asked stays as it is")
	require.False(t, q.Allows("top", "a"), "heirs follow")
	require.True(t, q.Allows("top", "b"))
	require.True(t, q.Allows("other", "c"))

	_, err = p.With(roles.Role{AppID: "base", Inherits: []string{"top"}})
	require.ErrorContains(t, err, `"base" from "top" from "base"`)
	_, err = p.With(roles.Role{AppID: "Top"})
	require.ErrorContains(t, err, "differs only in case")
	_, err = p.With(roles.Role{AppID: "Admin"})
	require.ErrorContains(t, err, "reserved")

	var none *roles.Policy
	q, err = none.With(roles.Role{AppID: "first", Permissions: roles.Grants{"a": true}})
	require.NoError(t, err)
	require.True(t, q.Allows("first", "a"))
}

// A policy made from another one by changes says the same as one made anew.
func TestWithAgreesWithCompile(t *testing.T) {
	w := newWorld(t)
	for range 200 {
		rs := w.roles(6, 4, 3, "*", "a", "b")
		p := roles.MustCompile(rs...)
		for range 5 {
			i := w.IntN(len(rs))
			rs[i].Permissions = w.grants(4, 3, "*", "a", "b")
			next, err := p.With(rs[i])
			require.NoError(t, err)
			p = next
		}
		fresh := roles.MustCompile(rs...)
		for range 100 {
			appid, permission := fmt.Sprintf("r%d", w.IntN(6)), w.permission(4)
			if p.Allows(appid, permission) != fresh.Allows(appid, permission) || p.Explain(appid, permission) != fresh.Explain(appid, permission) {
				t.Fatalf("%v: %s %s", rs, appid, permission)
			}
		}
		one, err := json.Marshal(p.Roles())
		require.NoError(t, err)
		two, err := json.Marshal(fresh.Roles())
		require.NoError(t, err)
		require.Equal(t, string(two), string(one))
	}
}

func TestAllowsDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p := roles.MustCompile(manyRoles(10, 100)...)
	for _, permission := range []string{"content/model10/read", "content/posts/verb17", "pages/model19/a/b", "content/posts/absent", "a//b",
		strings.Repeat("a/", 15) + "a", strings.Repeat("a", 1<<20)} {
		if n := testing.AllocsPerRun(100, func() { p.Allows("role-3", permission); p.Allows(roles.Admin, permission) }); n != 0 {
			t.Errorf("Allows(%.40q) allocates %v times", permission, n)
		}
		if n := testing.AllocsPerRun(100, func() { roles.Match("content/*/read", permission); roles.ValidSegment(permission) }); n != 0 {
			t.Errorf("Match(%.40q) allocates %v times", permission, n)
		}
	}
}

func TestLineageAndEffective(t *testing.T) {
	policy := roles.MustCompile(
		roles.Role{AppID: "base", Permissions: roles.Grants{"a/read": true, "a/write": true}},
		roles.Role{AppID: "left", Inherits: []string{"base"}, Permissions: roles.Grants{"b/read": true}},
		roles.Role{AppID: "right", Inherits: []string{"base"}, Permissions: roles.Grants{"a/write": false}},
		roles.Role{AppID: "top", Inherits: []string{"left", "right"}, Permissions: roles.Grants{"a/write": true}},
	)
	line := policy.Lineage("top")
	require.Equal(t, "top", line[0])
	require.Equal(t, "base", line[3], "the farthest")
	require.ElementsMatch(t, []string{"top", "left", "right", "base"}, line, "each once")
	require.Equal(t, roles.Grants{"a/read": true, "a/write": false, "b/read": true}, policy.Effective("top"), "deny wins")
	require.Equal(t, roles.Grants{"a/read": true, "a/write": true}, policy.Effective("base"))
	for _, none := range []string{"", "unknown", roles.Admin, "BASE"} {
		require.Empty(t, policy.Lineage(none))
		require.Empty(t, policy.Effective(none))
	}
	require.Empty(t, (*roles.Policy)(nil).Lineage("base"))
	require.Empty(t, (*roles.Policy)(nil).Effective("base"))
}
