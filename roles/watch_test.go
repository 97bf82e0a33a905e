package roles_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func TestWatchHearsOfChangesHereAndElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := roles.NewMemoryStore(roles.Role{AppID: "a"})
		here, err := roles.Open(t.Context(), roles.Config{Store: store})
		require.NoError(t, err)
		defer here.Close(t.Context())
		elsewhere, err := roles.Open(t.Context(), roles.Config{Store: store})
		require.NoError(t, err)
		defer elsewhere.Close(t.Context())

		var mu sync.Mutex
		var lost []string
		gone := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return lost
		}
		stop := here.Watch(func(before, now *roles.Policy) {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range before.Roles() {
				if !now.Has(r.AppID) {
					lost = append(lost, r.AppID)
				}
			}
		})
		here.Watch(func(_, _ *roles.Policy) { panic("a watcher's own trouble") })

		require.NoError(t, here.Save(t.Context(), roles.Role{AppID: "b"}))
		require.NoError(t, here.Delete(t.Context(), "a"))
		require.Equal(t, []string{"a"}, gone(), "before Delete returned")

		require.NoError(t, elsewhere.Delete(t.Context(), "b"))
		require.Equal(t, []string{"a"}, gone(), "not yet")
		time.Sleep(staleness)
		require.Equal(t, []string{"a", "b"}, gone())

		stop()
		require.NoError(t, here.Save(t.Context(), roles.Role{AppID: "c"}))
		require.NoError(t, here.Delete(t.Context(), "c"))
		require.Len(t, gone(), 2)
	})
}
