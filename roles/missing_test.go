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
	bounded := p.Within(context.Background(), &roles.Budget{Steps: 30_000})
	missing, err := bounded.Missing(rights("held"), p, rights("wanted"))
	require.NoError(t, err)
	require.Equal(t, []string{"z/one/*", "z/two/*"}, missing)
}
