package keys_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func pepper(id string) keys.Pepper {
	return keys.NewPepper(id, pepperSecret(id))
}

func pepperSecret(id string) []byte { return []byte("sixteen bytes or more: " + id) }

func TestDigests(t *testing.T) {
	s := keys.NewMemoryStore()
	bare := open(t, keys.Config{Store: s})
	key, rec := issue(t, bare, keys.Custom{})
	algorithm, sum := stored(t, s, rec).Digest.Reveal()
	require.Equal(t, keys.SHA256, algorithm)
	require.Equal(t, sha256.Sum256([]byte(key)), sum)

	hot := open(t, keys.Config{Store: s, Peppers: []keys.Pepper{pepper("2026.a")}})
	key, rec = issue(t, hot, keys.Custom{})
	h := hmac.New(sha256.New, pepperSecret("2026.a"))
	h.Write([]byte(key))
	algorithm, sum = stored(t, s, rec).Digest.Reveal()
	require.Equal(t, "hmac-sha256:2026.a", algorithm)
	require.Equal(t, h.Sum(nil), sum[:])
}

// Which ring accepts a key that was issued under which pepper.
func TestPepperRotation(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		ring := func(ids ...string) *keys.Ring {
			c := keys.Config{Store: s}
			for _, id := range ids {
				c.Peppers = append(c.Peppers, pepper(id))
			}
			return open(t, c)
		}
		bare, _ := issue(t, ring(), keys.Custom{})
		one, rec := issue(t, ring("1"), keys.Custom{})
		two, _ := issue(t, ring("2", "1"), keys.Custom{})
		for _, c := range []struct {
			ring *keys.Ring
			want [3]bool // bare, one, two
		}{
			{ring(), [3]bool{true, false, false}},
			{ring("1"), [3]bool{true, true, false}},
			{ring("2", "1"), [3]bool{true, true, true}},
			{ring("1", "2"), [3]bool{true, true, true}},
			{ring("2"), [3]bool{true, false, true}},
			{ring("3"), [3]bool{true, false, false}},
		} {
			for i, key := range []string{bare, one, two} {
				if c.want[i] {
					v := good(t, c.ring, key)
					_, err := c.ring.Recheck(ctx, v)
					require.NoError(t, err)
				} else {
					refused(t, c.ring, key, keys.ErrUnknown)
				}
			}
		}
		// The same ID with another secret is another pepper, and its digests differ.
		other := open(t, keys.Config{Store: s, Peppers: []keys.Pepper{keys.NewPepper("1", []byte("quite another secret"))}})
		refused(t, other, one, keys.ErrUnknown)

		// A refresh moves a key to the current pepper; the old value is valid until its end.
		renewed, err := ring("2", "1").Refresh(ctx, rec.ID, keys.Renewal{Overlap: 1e12})
		require.NoError(t, err)
		algorithm, _ := stored(t, s, renewed.Record).Digest.Reveal()
		require.Equal(t, "hmac-sha256:2", algorithm)
		good(t, ring("2", "1"), one)
		good(t, ring("2"), renewed.Key.Reveal())
		good(t, ring("1"), one) // a node that does not know the new pepper yet
	})
}

// Concurrent requests do not mix up pooled hashes.
func TestPepperConcurrently(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), Peppers: []keys.Pepper{pepper("1"), pepper("2")}})
	var wg sync.WaitGroup
	for i := range 8 {
		key, _ := issue(t, r, keys.Custom{Name: fmt.Sprint(i)})
		wg.Go(func() {
			for range 500 {
				v, err := r.Verify(ctx, key)
				if err != nil || v.Name() != fmt.Sprint(i) {
					t.Errorf("%d: %v, %v", i, v.Name(), err)
				}
			}
		})
	}
	wg.Wait()
}
