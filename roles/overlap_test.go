package roles_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// entangledGrants makes random patterns of 16 segments: two thirds "*", the rest a, b or c. Half of them deny.
func entangledGrants(seed uint64, n int) roles.Grants {
	w := rand.New(rand.NewPCG(seed, 0))
	g := roles.Grants{}
	for len(g) < n {
		segments := slices.Repeat([]string{"*"}, 16)
		for i := range segments {
			if w.IntN(3) == 0 {
				segments[i] = string(rune('a' + w.IntN(3)))
			}
		}
		g[strings.Join(segments, "/")] = w.IntN(2) == 0
	}
	return g
}

func TestEntangledRolesAreNotSaved(t *testing.T) {
	p := roles.MustCompile(roles.Role{AppID: "plain", Permissions: roles.Grants{"a/**": true}})
	bad := roles.Role{AppID: "bad", Permissions: entangledGrants(1, 300)}
	_, err := p.With(bad)
	require.Len(t, roles.Problems(err), 1)
	problem := roles.Problems(err)[0]
	require.Equal(t, "bad", problem.Role)
	require.Equal(t, "permissions", problem.Field)
	require.Regexp(t, `^has patterns that overlap in more than 32768 ways: "[abc*/]+", "[abc*/]+", "[abc*/]+", "[abc*/]+", "[abc*/]+" and \d+ more$`, problem.Text)
	named := 0
	for pattern := range bad.Permissions {
		if strings.Contains(problem.Text, `"`+pattern+`"`) {
			named++
		}
	}
	require.Equal(t, 5, named, "the text names patterns of the role")

	d := openWith(t)
	require.Len(t, roles.Problems(d.Save(t.Context(), bad)), 1)
	require.False(t, d.Policy().Has("bad"))
}

// What a role inherits counts, and so do the heirs of a role that is saved.
func TestEntangledWithInheritance(t *testing.T) {
	halves := []roles.Grants{{}, {}}
	g := entangledGrants(3, 40)
	for i, text := range sortedTexts(g) {
		halves[i%2][text] = g[text]
	}
	p := roles.MustCompile()
	for i, half := range halves {
		var err error
		p, err = p.With(roles.Role{AppID: fmt.Sprintf("half%d", i), Permissions: half})
		require.NoError(t, err, "each half can be saved")
	}
	_, err := p.With(roles.Role{AppID: "both", Inherits: []string{"half0", "half1"}})
	require.ErrorContains(t, err, `role "both": has patterns that overlap`)
	require.ErrorContains(t, err, "inherited ones count too")

	p, err = p.With(roles.Role{AppID: "heir", Inherits: []string{"half0"}})
	require.NoError(t, err)
	_, err = p.With(roles.Role{AppID: "half0", Inherits: []string{"half1"}, Permissions: halves[0]})
	require.ErrorContains(t, err, `role "half0"`, "the saved role is named first")
	p, err = p.With(roles.Role{AppID: "heir", Permissions: halves[1]})
	require.NoError(t, err)
	p, err = p.With(roles.Role{AppID: "base"})
	require.NoError(t, err)
	p, err = p.With(roles.Role{AppID: "heir", Permissions: halves[1], Inherits: []string{"base"}})
	require.NoError(t, err)
	_, err = p.With(roles.Role{AppID: "base", Permissions: halves[0]})
	require.ErrorContains(t, err, `role "heir": has patterns that overlap`)
}

func sortedTexts(g roles.Grants) []string {
	var texts []string
	for text := range g {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

func openWith(t *testing.T, rs ...roles.Role) *roles.Directory {
	t.Helper()
	d, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(rs...)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close(t.Context()) })
	return d
}

// A role that was stored before there was the bound works, is reported once, and may only lose rights.
func TestStoredEntangledRole(t *testing.T) {
	grants := entangledGrants(2, 60)
	texts := sortedTexts(grants)
	allowed := texts[slices.IndexFunc(texts, func(text string) bool { return grants[text] })]
	denied := texts[slices.IndexFunc(texts, func(text string) bool { return !grants[text] })]
	stored := roles.Role{AppID: "old", Permissions: grants}
	edit := func(change func(r *roles.Role)) roles.Role {
		r := roles.Role{AppID: "old", Permissions: roles.Grants{}}
		for text, value := range grants {
			r.Permissions[text] = value
		}
		change(&r)
		return r
	}
	synctest.Test(t, func(t *testing.T) {
		var told []error
		store := roles.NewMemoryStore(stored, roles.Role{AppID: "heir", Inherits: []string{"old"}}, mayRead("editor"))
		d, err := roles.Open(t.Context(), roles.Config{Store: store, OnError: func(err error) { told = append(told, err) }})
		require.NoError(t, err)
		defer d.Close(t.Context())
		require.NoError(t, d.Err(), "it is no failure")
		require.Len(t, told, 1)
		require.Len(t, roles.Problems(told[0]), 2)
		require.ErrorContains(t, told[0], `role "heir": has patterns that overlap`)
		require.ErrorContains(t, told[0], `role "old": has patterns that overlap`)

		table := byAppID(d.Policy().Roles())
		for _, permission := range entangledPermissions(4, 300) {
			require.Equal(t, reference(table, "old", permission), d.Policy().Allows("old", permission))
			require.Equal(t, reference(table, "heir", permission), d.Policy().Allows("heir", permission))
		}

		outside(t, store, mayRead("another"))
		time.Sleep(time.Minute)
		require.True(t, d.Policy().Allows("another", "read"))
		require.NoError(t, d.Save(t.Context(), mayWrite("editor")), "other roles can be saved")
		require.Len(t, told, 1, "told once")

		for name, wider := range map[string]roles.Role{
			"a new grant":         edit(func(r *roles.Role) { r.Permissions["x"] = true }),
			"a new pattern":       edit(func(r *roles.Role) { r.Permissions["x/*"] = false }),
			"a deny that goes":    edit(func(r *roles.Role) { delete(r.Permissions, denied) }),
			"a deny that allows":  edit(func(r *roles.Role) { r.Permissions[denied] = true }),
			"an inherited grant":  edit(func(r *roles.Role) { r.Inherits = []string{"another"} }),
			"another new pattern": edit(func(r *roles.Role) { delete(r.Permissions, allowed); r.Permissions["x/*"] = true }),
		} {
			require.ErrorContains(t, d.Save(t.Context(), wider), "can only be deleted or saved with fewer rights", name)
		}
		for _, narrower := range []roles.Role{
			edit(func(r *roles.Role) { r.Name = "Old" }),
			edit(func(r *roles.Role) { r.Permissions["x/y"] = false }),
			edit(func(r *roles.Role) { delete(r.Permissions, allowed); r.Permissions["x/y"] = false }),
		} {
			require.NoError(t, d.Save(t.Context(), narrower))
		}
		few := roles.Role{AppID: "old", Permissions: roles.Grants{"x/*": true}}
		require.NoError(t, d.Save(t.Context(), few), "a role within the bound is like any other")
		require.Error(t, d.Save(t.Context(), stored), "and cannot go back")
		require.NoError(t, d.Delete(t.Context(), "heir"))
		require.NoError(t, d.Delete(t.Context(), "old"))
	})

	d := openWith(t, stored)
	require.NoError(t, d.Delete(t.Context(), "old"))
}

func entangledPermissions(seed uint64, n int) (all []string) {
	w := rand.New(rand.NewPCG(seed, 0))
	for range n {
		segments := make([]string, 16)
		for i := range segments {
			segments[i] = string(rune('a' + w.IntN(4)))
		}
		all = append(all, strings.Join(segments, "/"))
	}
	return all
}

// Roles as large as a request can make them, with patterns as people write them, can be saved.
func TestOrdinaryRolesCanBeSaved(t *testing.T) {
	for name, g := range map[string]roles.Grants{
		"a star for each model and each verb": func() roles.Grants {
			g := roles.Grants{}
			for i := range 800 {
				g[fmt.Sprintf("content/*/verb%d", i)] = true
				g[fmt.Sprintf("content/model%d/*", i)] = i%3 > 0
				g[fmt.Sprintf("assets/folder%d/**", i)] = true
			}
			return g
		}(),
		"verbs of models beside verbs of all": func() roles.Grants {
			g := roles.Grants{}
			for i := range 300 {
				for j := range 5 {
					g[fmt.Sprintf("content/model%d/verb%d/**", i, j)] = true
				}
			}
			for j := range 20 {
				g[fmt.Sprintf("content/*/common%d/**", j)] = j%2 == 0
			}
			return g
		}(),
		"tenants": func() roles.Grants {
			g := roles.Grants{}
			for i := range 20_000 {
				g[fmt.Sprintf("tenants/%d/**", i)] = true
			}
			return g
		}(),
		"the benchmark": manyRoles(1, 3000)[0].Permissions,
	} {
		_, err := roles.MustCompile().With(roles.Role{AppID: "r", Permissions: g})
		require.NoError(t, err, name)
	}
}

// A name in another case is told with the name that is there, whichever comes first.
func TestSavedNameDiffersInCase(t *testing.T) {
	for _, c := range [][2]string{{"temp", "Temp"}, {"Temp", "temp"}} {
		stored, saved := c[0], c[1]
		want := fmt.Sprintf("roles: role %q: differs only in case from the role %q", saved, stored)
		_, err := roles.MustCompile(roles.Role{AppID: stored}).With(roles.Role{AppID: saved})
		require.EqualError(t, err, want)
		require.Equal(t, "appid", roles.Problems(err)[0].Field)
		require.EqualError(t, openWith(t, roles.Role{AppID: stored}).Save(t.Context(), roles.Role{AppID: saved}), want)
	}
}

func TestProblemsNameTheirField(t *testing.T) {
	for document, field := range map[string]string{
		`{"appid":"Admin"}`:                            "appid",
		`{"appid":"a b"}`:                              "appid",
		`{"appid":"Base"}`:                             "appid",
		`{"appid":"r","name":"a\nb"}`:                  "name",
		`{"appid":"r","info":"\u0000"}`:                "info",
		`{"appid":"r","permissions":{"":true}}`:        "permissions",
		`{"appid":"r","permissions":{"a//b":true}}`:    "permissions",
		`{"appid":"r","inherits":["admin"]}`:           "inherits",
		`{"appid":"r","inherits":["ghost"]}`:           "inherits",
		`{"appid":"r","inherits":["r"]}`:               "inherits",
		`{"appid":"base","inherits":["heir"]}`:         "inherits",
		`{"appid":"base","inherits":["heir","ghost"]}`: "inherits",
	} {
		var role roles.Role
		require.NoError(t, json.Unmarshal([]byte(document), &role))
		p := roles.MustCompile(roles.Role{AppID: "base"}, roles.Role{AppID: "heir", Inherits: []string{"base"}})
		_, err := p.With(role)
		require.NotEmpty(t, roles.Problems(err), document)
		for _, problem := range roles.Problems(err) {
			require.Equal(t, field, problem.Field, document)
		}
	}
}
