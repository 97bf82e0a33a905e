package publicapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A pattern that denies is a grant of the report, and no permission of it.
func TestReportHasNoDenies(t *testing.T) {
	policy := roles.MustCompile(roles.Role{AppID: "r", Permissions: roles.Grants{"a/*": true, "a/b/*": false, "a/b/**": true}})
	report := publicapi.Exposure(policy, "r", nil, nil)
	var listed []string
	for _, p := range report.Permissions {
		listed = append(listed, p.Permission)
	}
	require.Equal(t, []string{"a/*", "a/b/**"}, listed)
	require.Len(t, report.Grants, 3)
}

// A permission without a {name} in the catalog has its label.
func TestReportHasTheLabelOfAPermission(t *testing.T) {
	c, err := roles.NewCatalog(roles.Group{Name: "Site", Permissions: []roles.Entry{
		{Permission: "site/map", Label: "Read the site map", Effect: roles.EffectRead},
	}})
	require.NoError(t, err)
	policy := roles.MustCompile(roles.Role{AppID: "r", Permissions: roles.Grants{"site/map": true}})
	report := publicapi.Exposure(policy, "r", c, nil)
	require.Len(t, report.Permissions, 1)
	require.Equal(t, "Read the site map", report.Permissions[0].Label)
}
