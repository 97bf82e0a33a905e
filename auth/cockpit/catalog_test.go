package cockpit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// screen is Cockpit's role screen for three models, one of each type.
const screen = `
Api & Security | app/api/manage | Manage Api access | write
Assets | assets/upload | Upload assets | write
Assets | assets/edit | Edit assets | write
Assets | assets/delete | Delete assets | write
Assets | assets/folders/create | Create folders | write
Assets | assets/folders/edit | Edit folders | write
Assets | assets/folders/delete | Delete folders | write
Content | content/:models/manage | Manage models | write
Content: Posts | content/posts/manage | Edit model | write
Content: Posts | content/posts/read | Read | read
Content: Posts | content/posts/create | Create | write
Content: Posts | content/posts/update | Update | write
Content: Posts | content/posts/delete | Delete | write
Content: Posts | content/posts/publish | Publish | write
Content: settings | content/settings/manage | Edit model | write
Content: settings | content/settings/read | Read | read
Content: settings | content/settings/update | Update | write
Content: settings | content/settings/publish | Publish | write
Content: Main menu | content/menu/manage | Edit model | write
Content: Main menu | content/menu/read | Read | read
Content: Main menu | content/menu/create | Create | write
Content: Main menu | content/menu/update | Update | write
Content: Main menu | content/menu/delete | Delete | write
Content: Main menu | content/menu/publish | Publish | write
Content: Main menu | content/menu/updateorder | Reorder tree | write
Locales | app/locales/manage | Manage locales | write
Logs | app/logs | View app logs | read
Spaces | app/spaces | Manage spaces | write
System | app/system/info | View system information | read
System | app/resources/unlock | Unlock resources | write
Users | app/users/manage | Manage users | write
Users | app/roles/manage | Manage roles | write
`

func TestTheCatalogIsCockpitsRoleScreen(t *testing.T) {
	catalog, err := cockpit.Catalog(
		cockpit.Model{Name: "posts", Label: "Posts", Type: "collection"},
		cockpit.Model{Name: "settings", Type: "singleton"},
		cockpit.Model{Name: "menu", Label: "Main menu", Type: "tree"},
	)
	require.NoError(t, err)
	lines := []string{}
	for _, g := range catalog.Groups(nil) {
		for _, e := range g.Permissions {
			lines = append(lines, strings.Join([]string{g.Name, e.Permission, e.Label, e.Effect.String()}, " | "))
		}
	}
	require.Equal(t, strings.Split(strings.TrimSpace(screen), "\n"), lines)

	policy := roles.MustCompile(
		roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true, "content/settings/read": true, "app/logs": true}},
		roles.Role{AppID: "writer", Permissions: roles.Grants{"content/settings/create": true, "content/menu/updateorder": true}},
	)
	require.Empty(t, publicapi.Exposure(policy, "web", catalog, nil).Writes)
	require.Equal(t, []string{"content/menu/updateorder", "content/settings/create"}, publicapi.Exposure(policy, "writer", catalog, nil).Writes,
		"a singleton's create is on no screen, and counts anyway")
	require.Equal(t, []string{"content/settings/delete"}, catalog.Unknown(roles.Role{Permissions: roles.Grants{
		"content/settings/delete": true, "content/menu/delete": true, "content/*/read": true,
	}}))
}

func TestModelsThatAreNone(t *testing.T) {
	long := strings.Repeat("m", 65)
	_, err := cockpit.Catalog(
		cockpit.Model{Name: "posts", Type: "collection"}, cockpit.Model{Name: "posts", Type: "tree"}, cockpit.Model{Name: "pages", Type: "collections"},
		cockpit.Model{Name: "pages"}, cockpit.Model{Name: "", Type: "tree"}, cockpit.Model{Name: ":models", Type: "tree"}, cockpit.Model{Name: "*", Type: "tree"},
		cockpit.Model{Name: "{model}", Type: "tree"}, cockpit.Model{Name: "a/b", Type: "tree"}, cockpit.Model{Name: long, Type: "tree"}, cockpit.Model{Name: "a\n", Type: "tree"},
	)
	for _, want := range []string{
		`"posts" is there twice`, `"pages" is of the unknown type "collections"`, `"pages" is of the unknown type ""`, `"" cannot be`, `":models" cannot be`, `"*" cannot be`,
		`"{model}" cannot be`, `"a/b" cannot be`, `"` + long + `" cannot be`, `"a\n" cannot be`,
	} {
		require.ErrorContains(t, err, want)
	}
	empty, err := cockpit.Catalog()
	require.NoError(t, err)
	require.Len(t, empty.Groups(nil), 8)
}
