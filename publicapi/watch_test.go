package publicapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/publicapi"
)

func TestWatchersReceiveEachChange(t *testing.T) {
	s := newService(t, publicapi.NewMemoryStore())
	var roles []string // at the time of the call
	stop := s.Watch(func(c auth.Change) {
		require.Zero(t, c, "it may affect any caller")
		role, err := s.PublicRole(t.Context())
		require.NoError(t, err)
		roles = append(roles, role)
	})
	defer s.Watch(func(auth.Change) { panic("a watcher's") })()
	require.NoError(t, open(t.Context(), s, "visitor"))
	require.NoError(t, s.Disable(t.Context(), "ada"))
	require.NoError(t, s.Reload(t.Context()))
	require.Equal(t, []string{"visitor", "", ""}, roles)
	stop()
	require.NoError(t, open(t.Context(), s, "visitor"))
	require.Len(t, roles, 3)
}
