package roles_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// A grant that both roles have costs one step, so that a small budget is enough for the whole list.
func TestMissingSparesTheSharedGrants(t *testing.T) {
	held, wanted := roles.Grants{}, roles.Grants{"z/one/*": true, "z/two/*": true}
	for i := range 1000 {
		held[fmt.Sprintf("content/m%d/*", i)] = true
		wanted[fmt.Sprintf("content/m%d/*", i)] = true
	}
	p := roles.MustCompile(
		roles.Role{AppID: "held", Permissions: held},
		roles.Role{AppID: "wanted", Permissions: wanted},
	)
	budget := &roles.Budget{Steps: 30_000}
	bounded := p.Within(context.Background(), budget)
	missing, err := bounded.Missing(rights("held"), p, rights("wanted"))
	require.NoError(t, err)
	require.Equal(t, []string{"z/one/*", "z/two/*"}, missing)
	require.Less(t, roles.Used(budget), 11_500)
}

// A cheap comparison also ends when the context is done, though it takes too few steps to look at it on the way.
func TestMissingAfterTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := roles.MustCompile(
		roles.Role{AppID: "wide", Permissions: roles.Grants{"x/*": true, "y": true}},
		roles.Role{AppID: "narrow", Permissions: roles.Grants{"y": true}},
	).Within(ctx, &roles.Budget{Steps: 1000})
	_, err := p.Missing(rights("wide"), p, rights("narrow", "y"))
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, p.Covers(rights("wide"), rights("narrow")))
}

// The first comparison of a role pays for reading its grants, by their segments. Later ones do not.
func TestComparisonsPayForTheGrants(t *testing.T) {
	large := roles.Grants{}
	for i := range 1000 {
		large[fmt.Sprintf("content/m%d/read", i)] = true
	}
	p := roles.MustCompile(roles.Role{AppID: "large", Permissions: large})
	for _, least := range []int{3000, 0} {
		b := &roles.Budget{Steps: 10_000}
		require.False(t, p.Within(t.Context(), b).Reaches(rights("large"), "z/*"))
		require.GreaterOrEqual(t, roles.Used(b), least)
		require.Less(t, roles.Used(b), least+100)
	}
}
