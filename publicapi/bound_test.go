package publicapi_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A report of many grants makes a bounded number of comparisons with the catalog. Further grants are still listed, and count
// as writes, which must be acknowledged.
func TestAReportIsBounded(t *testing.T) {
	var entries []roles.Entry
	for i := range 20 {
		entries = append(entries, roles.Entry{Permission: fmt.Sprintf("{model}/read%d", i), Label: "Read {model}", Effect: roles.EffectRead})
	}
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: entries})
	require.NoError(t, err)
	const many = 12_000
	grants := roles.Grants{}
	for i := range many {
		grants[fmt.Sprintf("m%05d/read19", i)] = true
	}
	policy := roles.MustCompile(roles.Role{AppID: "web", Permissions: grants})

	report := publicapi.Exposure(policy, "web", catalog, nil)
	require.Len(t, report.Permissions, many)
	first, last := report.Permissions[0], report.Permissions[many-1]
	require.Equal(t, roles.Entry{Permission: "m00000/read19", Label: "Read m00000", Effect: roles.EffectRead}, first.Entry)
	require.Equal(t, roles.Entry{Permission: "m11999/read19", Effect: roles.EffectWrite}, last.Entry)
	require.Contains(t, report.Writes, last.Permission)
	require.NotContains(t, report.Writes, first.Permission)
}
