package roles_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// costly is a policy whose roles a and c take more than a million steps to compare.
func costly() *roles.Policy {
	return roles.MustCompile(
		roles.Role{AppID: "a", Permissions: entangledGrants(5, 60)},
		roles.Role{AppID: "c", Permissions: allowAll(entangledGrants(6, 60))},
		roles.Role{AppID: "narrow", Permissions: roles.Grants{"x/*": true}},
		roles.Role{AppID: "wide", Permissions: roles.Grants{"x/**": true}},
	)
}

func allowAll(g roles.Grants) roles.Grants {
	for text := range g {
		g[text] = true
	}
	return g
}

func TestBudgetBoundsAllQuestionsTogether(t *testing.T) {
	b := &roles.Budget{Steps: 10_000}
	p := costly().Within(t.Context(), b)
	for range 5 {
		require.True(t, p.Covers(rights("wide"), rights("narrow")))
		missing, err := p.Missing(rights("narrow"), p, rights("wide"))
		require.NoError(t, err)
		require.Equal(t, []string{"x/**"}, missing)
	}
	require.NoError(t, b.Err())
	require.Less(t, roles.Used(b), 1000)

	_, err := p.Missing(rights("a"), p, rights("c"))
	require.ErrorIs(t, err, roles.ErrBudget)
	require.ErrorIs(t, b.Err(), roles.ErrBudget)
	used := roles.Used(b)
	require.Less(t, used, 20_000)

	// From here on nothing is known, and every answer is the cautious one.
	require.False(t, p.Covers(rights("wide"), rights("narrow")))
	require.True(t, p.Reaches(rights("narrow"), "y/**"))
	_, err = p.Missing(rights("wide"), p, rights("narrow"))
	require.ErrorIs(t, err, roles.ErrBudget)
	_, err = p.With(roles.Role{AppID: "new", Permissions: roles.Grants{"x/*": true}})
	require.ErrorIs(t, err, roles.ErrBudget)
	require.Equal(t, used, roles.Used(b), "nothing more is done")
	require.True(t, p.Allows("narrow", "x/y"), "decisions need no budget")
	require.True(t, costly().Covers(rights("wide"), rights("narrow")), "nor does the policy without it")
}

func TestBudgetObservesItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &roles.Budget{Steps: math.MaxInt, Free: 5000, Wait: func(context.Context) error { cancel(); return nil }}
	p := costly().Within(ctx, b)
	_, err := p.Missing(rights("a"), p, rights("c"))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, b.Err(), context.Canceled)
	require.Less(t, roles.Used(b), 6000, "it ends soon")
	_, err = p.Missing(rights("wide"), p, rights("narrow"))
	require.ErrorIs(t, err, context.Canceled)

	_, err = costly().Within(ctx, &roles.Budget{Steps: math.MaxInt}).With(roles.Role{AppID: "new"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestBudgetWaitsForItsTurnOnce(t *testing.T) {
	waits := 0
	b := &roles.Budget{Steps: 50_000, Free: 10_000, Wait: func(context.Context) error { waits++; return nil }}
	p := costly().Within(t.Context(), b)
	for roles.Used(b) < 9000 {
		require.True(t, p.Covers(rights("wide"), rights("narrow")))
	}
	require.Zero(t, waits, "cheap questions never wait")
	_, err := p.Missing(rights("a"), p, rights("c"))
	require.ErrorIs(t, err, roles.ErrBudget)
	require.Equal(t, 1, waits)

	errBusy := errors.New("busy")
	b = &roles.Budget{Steps: 50_000, Free: 10_000, Wait: func(context.Context) error { return errBusy }}
	p = costly().Within(t.Context(), b)
	require.False(t, p.Covers(rights("a"), rights("c")))
	require.ErrorIs(t, b.Err(), errBusy)
}

// A caller with the role admin, and no scopes, is never over budget.
func TestAdminNeedsNoSteps(t *testing.T) {
	b := &roles.Budget{}
	p := costly().Within(t.Context(), b)
	for _, wanted := range []roles.Rights{rights("a"), rights("c"), rights("admin"), rights("ghost"), rights("c", "*/**")} {
		missing, err := p.Missing(rights("admin"), p, wanted)
		require.NoError(t, err)
		require.Empty(t, missing)
		require.True(t, p.Covers(rights("admin"), wanted))
		require.True(t, p.Reaches(rights("admin"), "*/a/**"))
	}
	require.NoError(t, b.Err())
	_, err := p.Missing(rights("admin", "**"), p, rights("a"))
	require.ErrorIs(t, err, roles.ErrBudget)
}

func TestMissing(t *testing.T) {
	many := roles.Grants{}
	for i := range 50 {
		many[fmt.Sprintf("many/%02d/*", i)] = true
	}
	p := roles.MustCompile(
		roles.Role{AppID: "reader", Permissions: roles.Grants{"content/*/read": true, "app/logs": true}},
		roles.Role{AppID: "writer", Permissions: roles.Grants{"content/*/read": true, "content/posts/*": true, "app/users": true, "app/*": false}},
		roles.Role{AppID: "but-posts", Permissions: roles.Grants{"content/*/read": true, "content/posts/read": false}},
		roles.Role{AppID: "many", Permissions: many},
	)
	for _, c := range []struct {
		held, wanted roles.Rights
		want         []string
	}{
		{rights("reader"), rights("reader"), nil},
		{rights("reader"), rights("writer"), []string{"content/posts/*"}}, // what the role denies itself is not missing
		{rights("but-posts"), rights("reader"), []string{"app/logs", "content/*/read"}},
		{rights("reader"), rights("admin"), []string{"**"}},
		{rights("reader"), rights("admin", "content/a/read", "app/logs", "app/users", "x/*", "bad//scope"), []string{"app/users", "x/*"}},
		{rights("reader"), rights("writer", "app/users"), nil},
		{rights("reader", "app/**"), rights("reader"), []string{"content/*/read"}},
		{rights("ghost"), rights("reader"), []string{"app/logs", "content/*/read"}},
		{rights("reader"), rights("ghost"), nil},
		{rights("reader"), rights("many"), sortedTexts(many)[:20]},
	} {
		missing, err := p.Missing(c.held, p, c.wanted)
		require.NoError(t, err)
		require.Equal(t, c.want, missing, "Missing(%v, %v)", c.held, c.wanted)
		require.Equal(t, c.want == nil, p.Covers(c.held, c.wanted))
	}

	next, err := p.With(roles.Role{AppID: "reader", Permissions: roles.Grants{"content/**": true}})
	require.NoError(t, err)
	missing, err := p.Missing(rights("reader"), next, rights("reader"))
	require.NoError(t, err)
	require.Equal(t, []string{"content/**"}, missing, "the change gives the role more")
	missing, err = next.Missing(rights("reader"), p, rights("reader"))
	require.NoError(t, err)
	require.Equal(t, []string{"app/logs"}, missing, "and takes this")

	var none *roles.Policy
	_, err = none.Missing(rights("admin"), p, rights("reader"))
	require.Error(t, err)
	_, err = p.Missing(rights("admin"), none, rights("reader"))
	require.Error(t, err)
}

// If the budget ends while the list is made, what is known to be missing is missing.
func TestMissingIsCutShort(t *testing.T) {
	p := costly()
	full := 0
	for _, steps := range []int{500, 2000, 10_000, 100_000} {
		wanted := roles.Role{AppID: "wanted", Permissions: allowAll(entangledGrants(6, 60))}
		wanted.Permissions["zz"] = true
		next := roles.MustCompile(wanted)
		b := &roles.Budget{Steps: steps}
		missing, err := p.Within(t.Context(), b).Missing(rights("narrow"), next, rights("wanted"))
		if err != nil {
			require.ErrorIs(t, err, roles.ErrBudget)
			continue
		}
		require.NoError(t, b.Err())
		require.NotEmpty(t, missing)
		full = len(missing)
	}
	require.NotZero(t, full)
}

// Missing names exactly the grants and scopes of which something is not held, by enumeration.
func TestMissingAgreesWithEnumeration(t *testing.T) {
	w := newWorld(t)
	permissions := universe(4, "a", "b")
	for range 400 {
		before, after := roles.MustCompile(w.roles(3, 5, 3, "*", "a", "b")...), roles.MustCompile(w.roles(3, 5, 3, "*", "a", "b")...)
		some := func() roles.Rights {
			r := rights(fmt.Sprintf("r%d", w.IntN(3)))
			for range w.IntN(3) * w.IntN(2) {
				r.Scopes = append(r.Scopes, w.pattern(3, "*", "a", "b"))
			}
			return r
		}
		allows := func(p *roles.Policy, r roles.Rights, permission string) bool {
			inScope := len(r.Scopes) == 0 || slices.ContainsFunc(r.Scopes, func(s string) bool { return roles.Match(s, permission) })
			return inScope && p.Allows(r.Role, permission)
		}
		held, wanted := some(), some()
		parts := wanted.Scopes
		if len(parts) == 0 {
			for text := range after.Effective(wanted.Role) {
				parts = append(parts, text)
			}
			slices.Sort(parts)
		}
		var want []string
		for _, part := range parts {
			lacking := slices.ContainsFunc(permissions, func(permission string) bool {
				return roles.Match(part, permission) && allows(after, wanted, permission) && !allows(before, held, permission)
			})
			granted := len(wanted.Scopes) > 0
			for _, from := range after.Lineage(wanted.Role) {
				role, _ := after.Role(from)
				granted = granted || role.Permissions[part]
			}
			if lacking && granted {
				want = append(want, part)
			}
		}
		missing, err := before.Missing(held, after, wanted)
		require.NoError(t, err)
		require.Equal(t, want, missing, "%v\n%v\nheld %v, wanted %v", before.Roles(), after.Roles(), held, wanted)
	}
}

// The largest bodies that management takes (64 KiB) are judged within a bounded number of steps, whatever they hold.
func TestHostileRolesAreCheap(t *testing.T) {
	for _, g := range []roles.Grants{entangledGrants(7, 300), entangledGrants(8, 1600), manyRoles(1, 2500)[0].Permissions} {
		b := &roles.Budget{Steps: math.MaxInt}
		_, err := roles.MustCompile(roles.Role{AppID: "plain"}).Within(t.Context(), b).With(roles.Role{AppID: "r", Permissions: g})
		t.Logf("%d grants: %d steps, refused: %v", len(g), roles.Used(b), err != nil)
		require.Less(t, roles.Used(b), 100_000)
	}
}

// One save compiles the saved role and its heirs, not what others have.
func TestSaveCompilesOnlyWhatChanges(t *testing.T) {
	rs := append(manyRoles(200, 100), roles.Role{AppID: "base"}, roles.Role{AppID: "heir", Inherits: []string{"base"}})
	loaded := roles.MustCompile(rs...)
	p, err := loaded.Recompile(rs...)
	require.NoError(t, err)
	b := &roles.Budget{Steps: 20}
	p, err = p.Within(t.Context(), b).With(roles.Role{AppID: "base", Permissions: roles.Grants{"x/*": true}})
	require.NoError(t, err)
	require.True(t, p.Allows("heir", "x/y"))
	require.LessOrEqual(t, roles.Used(b), 20)
	require.False(t, loaded.Allows("heir", "x/y"))
	for _, role := range p.Roles() {
		if strings.HasPrefix(role.AppID, "role-") {
			require.True(t, p.Allows(role.AppID, "content/model1/read"))
		}
	}
}
