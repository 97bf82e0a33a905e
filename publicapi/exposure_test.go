package publicapi_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Writes names each grant that allows something that the catalog does not list as read.
func TestExposureWrites(t *testing.T) {
	listed, err := roles.NewCatalog(
		roles.Group{Name: "Content", Permissions: []roles.Entry{
			{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
			{Permission: "content/{model}/create", Label: "Create {model}"},
			{Permission: "content/{model}/{locale}/publish", Label: "Publish {model} in {locale}", Effect: roles.EffectWrite},
		}},
		roles.Group{Name: "Logs", Permissions: []roles.Entry{{Permission: "app/logs", Label: "View logs", Effect: roles.EffectRead}}},
		// Listed as write although a template for reading matches it too.
		roles.Group{Name: "Odd", Permissions: []roles.Entry{{Permission: "content/counter/read", Label: "Read and count"}}},
	)
	require.NoError(t, err)
	policy := roles.MustCompile(
		roles.Role{AppID: "pages", Permissions: roles.Grants{"content/pages/read": true, "app/logs": true}},
		roles.Role{AppID: "reader", Permissions: roles.Grants{"content/*/read": true, "content/counter/read": false}},
		roles.Role{AppID: "counter", Permissions: roles.Grants{"content/*/read": true}},
		roles.Role{AppID: "creator", Permissions: roles.Grants{"content/posts/create": true}},
		roles.Role{AppID: "unlisted", Permissions: roles.Grants{"export/all": true, "content/posts/read": true}},
		roles.Role{AppID: "broad", Permissions: roles.Grants{"content/**": true}},
		roles.Role{AppID: "taken-back", Permissions: roles.Grants{"content/posts/*": true, "content/*/create": false, "content/posts/read": true, "content/*/*": false}},
		roles.Role{AppID: "heir", Inherits: []string{"creator", "pages"}},
		roles.Role{AppID: "empty"},
	)
	for appid, want := range map[string][]string{
		"pages":      nil,
		"reader":     nil,
		"counter":    {"content/*/read"},
		"creator":    {"content/posts/create"},
		"unlisted":   {"export/all"},
		"broad":      {"content/**"},
		"taken-back": nil,
		"heir":       {"content/posts/create"},
		"empty":      nil,
		"ghost":      nil,
	} {
		require.Equal(t, want, publicapi.Exposure(policy, appid, listed, nil).Writes, appid)
	}
	require.Equal(t, []string{"app/logs", "content/pages/read"}, publicapi.Exposure(policy, "pages", nil, nil).Writes)
	require.Nil(t, publicapi.Exposure(policy, "taken-back", nil, nil).Writes, "a permission that is denied does not count")
	require.Nil(t, publicapi.Exposure(nil, "broad", listed, nil).Writes)
}

// For random roles, Writes is empty if and only if the role allows only permissions that the catalog lists as read. Grants have
// up to three segments, so permissions of up to four segments decide it.
func TestExposureWritesAgreesWithEnumeration(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	pattern := func() string {
		segments := make([]string, 1+random.IntN(3))
		for i := range segments {
			segments[i] = []string{"*", "a", "b"}[random.IntN(3)]
		}
		if random.IntN(4) == 0 {
			segments[len(segments)-1] = "**"
		}
		return strings.Join(segments, "/")
	}
	var permissions []string
	level := []string{""}
	for range 4 {
		var next []string
		for _, prefix := range level {
			for _, segment := range []string{"a", "b", "other"} {
				permissions = append(permissions, prefix+segment)
				next = append(next, prefix+segment+"/")
			}
		}
		level = next
	}
	listed, err := roles.NewCatalog(roles.Group{Name: "g", Permissions: []roles.Entry{
		{Permission: "a/{x}", Effect: roles.EffectRead}, {Permission: "b", Effect: roles.EffectRead},
		{Permission: "{x}/{y}/a", Effect: roles.EffectRead}, {Permission: "a/b", Effect: roles.EffectWrite},
		{Permission: "b/{x}", Effect: roles.EffectWrite}}})
	require.NoError(t, err)
	reads := func(p string) bool {
		return (roles.Match("a/*", p) || p == "b" || roles.Match("*/*/a", p)) && p != "a/b" && !roles.Match("b/*", p)
	}
	for range 1500 {
		parent := roles.Role{AppID: "parent", Permissions: roles.Grants{}}
		role := roles.Role{AppID: "role", Permissions: roles.Grants{}, Inherits: []string{"parent"}}
		for _, r := range []roles.Role{parent, role} {
			for range random.IntN(5) {
				r.Permissions[pattern()] = random.IntN(4) > 0
			}
		}
		policy := roles.MustCompile(parent, role)
		allowed := slices.DeleteFunc(slices.Clone(permissions), func(p string) bool { return !policy.Allows("role", p) })
		text := fmt.Sprint(parent.Permissions, role.Permissions)

		report := publicapi.Exposure(policy, "role", listed, nil)
		require.Equal(t, slices.ContainsFunc(allowed, func(p string) bool { return !reads(p) }), len(report.Writes) > 0, text)
		require.True(t, slices.IsSorted(report.Writes), text)
		require.Equal(t, len(allowed) > 0, len(publicapi.Exposure(policy, "role", nil, nil).Writes) > 0, text)
	}
}

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
