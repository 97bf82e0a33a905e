package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// Every byte is tried, as the first of an appid and as a later one.
func TestValidAppIDForEveryByte(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for c := range 256 {
		s := string([]byte{byte(c)})
		require.Equal(t, strings.Contains(letters, s), roles.ValidAppID(s), "%q", s)
		require.Equal(t, strings.Contains(letters+"_-", s), roles.ValidAppID("a"+s), "%q", "a"+s)
	}
}
