package keys_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// A record that is larger than the cache is not cached, and evicts no other.
func TestARecordTooLargeToCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{CacheBytes: 4096})
		key, _ := issue(t, r, keys.Custom{})
		large, _ := issue(t, r, keys.Custom{Scopes: slices.Repeat([]string{strings.Repeat("a/", 50) + "read"}, 40)})
		n.warm(t, r, key)
		good(t, r, large)
		require.True(t, keys.IsCached(r, key))
		require.False(t, keys.IsCached(r, large))
	})
}

// The name of a space may be part of a request: its cached entries must not keep the whole request in memory.
func TestNamesOfSpacesHoldNothingElse(t *testing.T) {
	const many, large = 200, 64 << 10
	for what, text := range map[string]func(i int) string{
		"unknown": func(i int) string { return sealed(fmt.Sprintf("API-%032x", i)) },
		"junk":    func(int) string { return "junk" },
	} {
		for name, length := range map[string]int{"short": 5, "long": large} {
			t.Run(what+" in a "+name+" space", func(t *testing.T) {
				r, n := newShared().ring(t, keys.Config{Staleness: time.Hour, ImportedKeys: true})
				key, _ := issue(t, r, keys.Custom{})
				n.warm(t, r, key)
				before := heap()
				for i := range many {
					request := fmt.Sprintf("%05d%s", i, strings.Repeat("x", large))
					_, err := r.In(request[:length]).Verify(ctx, text(i))
					require.ErrorIs(t, err, keys.ErrInvalid)
				}
				require.Less(t, heap()-before, int64(2<<20), "of %d MiB", many*large>>20)
			})
		}
	}
}

// A look-up does not depend on a request, so it ends when the ring is closed.
func TestCloseEndsLookUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{})
		key, _ := issue(t, r, keys.Custom{})
		hanging := 0
		n.before.set(func(ctx context.Context, method string) error {
			if method != "Find" {
				return nil
			}
			hanging++
			<-ctx.Done()
			hanging--
			return ctx.Err()
		})
		request, cancel := context.WithCancel(ctx)
		go r.Verify(request, key)
		synctest.Wait()
		require.Equal(t, 1, hanging)
		cancel()
		require.NoError(t, r.Close(ctx))
		synctest.Wait()
		require.Zero(t, hanging)
	})
}
