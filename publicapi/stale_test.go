package publicapi_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A slow store reads at once and answers later, when its answer is stale.
type slow struct {
	*publicapi.MemoryStore
	next atomic.Int64 // delay of the next Load; a poll has a second
}

func (s *slow) Load(ctx context.Context) (publicapi.Setting, error) {
	setting, err := s.MemoryStore.Load(ctx)
	time.Sleep(time.Duration(s.next.Swap(0)))
	return setting, err
}

// A poll that began before a change on this node returns the old setting. No caller gets it after the change, neither while
// the poll runs nor after it.
func TestAReadingFromBeforeAChangeIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{MemoryStore: publicapi.NewMemoryStore()}
		s, err := publicapi.New(publicapi.Config{Store: store, Roles: roles.MustCompile(visitor), Catalog: catalog(t), Staleness: staleness})
		require.NoError(t, err)
		defer s.Close(context.Background())
		require.NoError(t, open(t.Context(), s, "visitor"))
		require.Equal(t, "visitor", public(t, s))

		store.next.Store(int64(500 * time.Millisecond))
		time.Sleep(2100 * time.Millisecond)
		require.Zero(t, store.next.Load(), "the poll is reading")
		require.NoError(t, s.Disable(t.Context(), "ada"))
		began := time.Now()
		require.Empty(t, public(t, s), "it shares no reading from before")
		require.Equal(t, began, time.Now(), "and does not wait for one")
		time.Sleep(time.Second)
		require.Empty(t, public(t, s), "nor is its answer cached")
	})
}
