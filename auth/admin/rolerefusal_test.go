package admin_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/roles"
)

// A refusal names the field and is one sentence.
func TestWhatIsWrongWithARole(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: "temp"}))
	require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: "Upper"}))
	for _, c := range []struct {
		role        roles.Role
		field, text string
	}{
		{roles.Role{AppID: "Temp"}, "appid", `is not possible: the role "Temp" differs only in case from the role "temp"`},
		{roles.Role{AppID: "upper"}, "appid", `is not possible: the role "upper" differs only in case from the role "Upper"`},
		{roles.Role{AppID: "r", Permissions: roles.Grants{"a//b": true}}, "permissions", `has the grant "a//b", which is not a permission or a pattern of permissions`},
		{roles.Role{AppID: "r", Permissions: roles.Grants{"": true}}, "permissions", `is not possible: the role "r" has a grant without text`},
		{roles.Role{AppID: "r", Name: "a\nb"}, "name", `is not possible: the role "r" has a name that is not one line of at most 256 bytes of UTF-8`},
		{roles.Role{AppID: "r", Info: "a\x00"}, "info", `is not possible: the role "r" has info that is not a text of at most 4096 bytes of UTF-8`},
		{roles.Role{AppID: "r", Inherits: []string{"ghost"}}, "inherits", `is not possible: the role "r" inherits from "ghost", which is no role`},
	} {
		err := w.service.CreateRole(t.Context(), w.root(), c.role)
		require.Equal(t, &admin.Error{Err: admin.ErrInput, Field: c.field, Text: c.text}, err)
	}

	entangled := roles.Role{AppID: "r", Permissions: roles.Grants{}}
	for random := rand.New(rand.NewPCG(1, 1)); len(entangled.Permissions) < 300; {
		segments := slices.Repeat([]string{"*"}, 16)
		for range 5 {
			segments[random.IntN(16)] = string(rune('a' + random.IntN(3)))
		}
		entangled.Permissions[strings.Join(segments, "/")] = random.IntN(2) == 0
	}
	var input *admin.Error
	require.ErrorAs(t, w.service.CreateRole(t.Context(), w.root(), entangled), &input)
	require.Equal(t, admin.ErrInput, input.Err)
	require.Equal(t, "permissions", input.Field)
	require.Contains(t, input.Text, `the role "r" has patterns that overlap in more than 32768 ways: "`)
}

// A refusal names at most 20 permissions.
func TestRefusalsAreShort(t *testing.T) {
	w := newWorld(t, nil)
	grants := roles.Grants{}
	for i := range 300 {
		grants[fmt.Sprintf("secret/%03d", i)] = true
	}
	var refused *admin.Error
	require.ErrorAs(t, w.service.CreateRole(t.Context(), w.as("rolemaker"), roles.Role{AppID: "r", Permissions: grants}), &refused)
	require.Equal(t, admin.ErrForbidden, refused.Err)
	require.Len(t, refused.Missing, 20)
	require.Equal(t, "secret/000", refused.Missing[0])
}
