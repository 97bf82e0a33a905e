package auth_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A misspelt public role would refuse all callers without a key.
func TestAFixedPublicRoleExists(t *testing.T) {
	c := auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: roles.MustCompile(viewer), Anonymous: publicapi.Fixed("veiwer")}
	_, err := auth.New(c)
	require.ErrorContains(t, err, `the fixed role "veiwer"`)
	c.Anonymous = publicapi.Fixed("viewer")
	_, err = auth.New(c)
	require.NoError(t, err)
}

func TestNewNamesEveryMistakeAtOnce(t *testing.T) {
	_, err := auth.New(auth.Config{})
	require.ErrorContains(t, err, "Config.Keys is nil")
	require.ErrorContains(t, err, "Config.Roles is nil")

	// interfaces that hold a nil pointer are not nil, and must not wait for the first request to show it
	var directory *roles.Directory
	var service *publicapi.Service
	var users *table
	_, err = auth.New(auth.Config{
		Roles: directory, Anonymous: service, Users: users, Sources: 128, QueryNames: []string{""},
		CrossOrigin: http.NewCrossOriginProtection(), Changes: []func(func(auth.Change)) func(){nil},
		Timeout: -2,
	})
	for _, mistake := range []string{
		"Config.Keys is nil", "Config.Roles is nil", "Config.Anonymous holds a nil *publicapi.Service", "Config.Users holds a nil *auth_test.table",
		"unknown bit", "Config.Timeout is -2ns", "empty name", "Config.CrossOrigin does nothing", "Config.Changes holds a nil function",
	} {
		require.ErrorContains(t, err, mistake)
	}
	var policy *roles.Policy
	_, err = auth.New(auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: policy})
	require.ErrorContains(t, err, "Config.Roles is nil")
	_, err = auth.New(auth.Config{
		Keys: keys.NewRing(keys.NewMemoryStore()), Roles: roles.MustCompile(), SignedIn: func(*http.Request) (string, error) { return "", nil },
	})
	require.ErrorContains(t, err, "needs Config.Users")
	_, err = auth.New(auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: roles.MustCompile(), Timeout: auth.NeverBlocks})
	require.NoError(t, err)
}

func TestFixedRefusesBadRoles(t *testing.T) {
	for _, appid := range []string{"", "admin", "ADMIN", "a b", "../x"} {
		require.Panics(t, func() { publicapi.Fixed(appid) }, appid)
	}
}
