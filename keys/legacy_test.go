package keys_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// Junk costs no look-up: with and without imported keys, and whatever the store does.
func TestJunkIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{Store: keys.NewMemoryStore()}
		r := open(t, keys.Config{Store: c})
		junk := func(n int) {
			for i := range n {
				refused(t, r, fmt.Sprintf("API-%040x", i), keys.ErrMalformed)
				refused(t, r, strings.Repeat("x", i%300), keys.ErrMalformed)
			}
		}
		refused(t, r, "", keys.ErrMalformed)
		refused(t, r, strings.Repeat("x", 257), keys.ErrMalformed)
		require.Zero(t, c.lists.Load(), "empty and too long are never more than that")
		junk(1000)
		require.Zero(t, c.finds.Load())
		require.EqualValues(t, 1, c.lists.Load())

		elsewhere := open(t, keys.Config{Store: c})
		_, err := elsewhere.Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
		require.NoError(t, err)
		c.finds.Store(0) // Import's own
		good(t, elsewhere, legacyText)
		require.EqualValues(t, 1, c.finds.Load())
		refused(t, r, legacyText, keys.ErrMalformed) // five seconds are not over on this node
		time.Sleep(5 * time.Second)
		good(t, r, legacyText)
		require.EqualValues(t, 2, c.finds.Load())
		require.EqualValues(t, 2, c.lists.Load())
		junk(1000)
		require.EqualValues(t, 2, c.finds.Load())
		require.EqualValues(t, 2, c.lists.Load())

		// What is in the set needs no reading, however old the set is.
		time.Sleep(time.Hour)
		good(t, r, legacyText)
		require.EqualValues(t, 2, c.lists.Load())

		// The old value of an imported key lives on through an overlap, on every node and after each reading.
		list, err := r.List(ctx, keys.Filter{Legacy: true})
		require.NoError(t, err)
		renewed, err := elsewhere.Refresh(ctx, list[0].ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		junk(1)
		good(t, r, legacyText)
		good(t, elsewhere, legacyText)
		use(t, r, renewed.Key.Reveal())
		synctest.Wait()
		time.Sleep(time.Hour)
		refused(t, r, legacyText, keys.ErrUnknown)
		_, err = r.Update(ctx, list[0].ID, func(s *keys.Settings) error { s.Name = "settled"; return nil })
		require.NoError(t, err)
		refused(t, r, legacyText, keys.ErrMalformed)
		good(t, r, renewed.Key.Reveal())
	})
}

// As long as the list of imported keys cannot be read, junk is no verdict; and it does not beat the store.
func TestLegacyListFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		f := &faulty{Store: s}
		c := &counting{Store: f}
		r := open(t, keys.Config{Store: c})
		_, err := open(t, keys.Config{Store: s}).Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
		require.NoError(t, err)
		key, _ := issue(t, r, keys.Custom{})
		f.fail.Store(true)
		for range 100 {
			noVerdict(t, r, legacyText)
			noVerdict(t, r, "junk")
		}
		require.EqualValues(t, 1, c.lists.Load())
		f.fail.Store(false)
		good(t, r, key)
		time.Sleep(time.Second)
		good(t, r, legacyText)
		refused(t, r, "junk", keys.ErrMalformed)

		time.Sleep(time.Minute)
		f.fail.Store(true)
		noVerdict(t, r, "junk")
		f.fail.Store(false)
		good(t, r, legacyText) // known before: worth a look-up without the list
	})
}

// slowList lists slower than a request can wait, or not at all.
type slowList struct {
	keys.Store
	takes time.Duration
}

func (s slowList) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	time.Sleep(s.takes)
	return s.Store.List(ctx, space, f)
}

// A long list is read once, in the background, while requests are told to come again.
func TestLegacyListIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		_, err := open(t, keys.Config{Store: s}).Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
		require.NoError(t, err)
		c := &counting{Store: slowList{s, 10 * time.Second}}
		r := open(t, keys.Config{Store: c})
		key, _ := issue(t, r, keys.Custom{})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { noVerdict(t, r, "junk") })
		}
		wg.Wait()
		good(t, r, key)
		time.Sleep(9 * time.Second)
		good(t, r, legacyText)
		refused(t, r, "junk", keys.ErrMalformed)
		require.EqualValues(t, 1, c.lists.Load())
	})
}

// Beyond its bound the set says "perhaps" to everything, and nothing is refused wrongly.
func TestLegacyBound(t *testing.T) {
	defer keys.SetMaxLegacy(10)()
	onBoth(t, func(t *testing.T, inner keys.Store) {
		importer := open(t, keys.Config{Store: inner})
		for i := range 30 {
			_, err := importer.Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: fmt.Sprintf("%s%02d", legacyText, i)})
			require.NoError(t, err)
		}
		for _, r := range []*keys.Ring{importer, open(t, keys.Config{Store: inner})} {
			for i := range 30 {
				good(t, r, fmt.Sprintf("%s%02d", legacyText, i))
			}
			refused(t, r, legacyText, keys.ErrMalformed)
		}
	})
}
