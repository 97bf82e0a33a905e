package crash

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// Callers refresh one key at the same time. Of those that read the same record only one can win; in the end exactly
// one value is good, that of the last winner.
func TestConcurrentRefreshesLeaveOneGoodValue(t *testing.T) {
	t.Parallel()
	for _, s := range stores {
		if s.cached {
			continue // a refresh bypasses the cache
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			raceRefreshes(t, s.open(t, asItIs))
		})
	}
}

const callers = 8

func raceRefreshes(t *testing.T, ring *keys.Ring) {
	rounds := times(500, 10_000)
	ctx := t.Context()
	var id, good string
	var generation uint64
	var conflicts int
	// On a busy machine the callers of a memory store may not overlap for a while: they get more rounds then.
	for round := 0; round < rounds || conflicts == 0 && round < 20*rounds; round++ {
		if round%100 == 0 {
			issued, err := ring.IssueCustom(ctx, keys.Custom{Name: "contested"})
			require.NoError(t, err)
			id, good, generation = issued.Record.ID, issued.Key.Reveal(), issued.Record.Generation
		}
		var won [callers]keys.Issued
		var errs [callers]error
		var ready, done sync.WaitGroup
		ready.Add(1)
		for i := range callers {
			done.Go(func() {
				ready.Wait()
				won[i], errs[i] = ring.Refresh(ctx, id, keys.Renewal{})
			})
		}
		ready.Done()
		done.Wait()

		values := []string{good}
		before := generation
		for i, err := range errs {
			if errors.Is(err, keys.ErrConflict) {
				conflicts++
				continue
			}
			require.NoError(t, err, "round %d", round)
			value := won[i].Key.Reveal()
			values = append(values, value)
			if g := won[i].Record.Generation; g > generation {
				generation, good = g, value
			}
		}
		winners := len(values) - 1
		require.NotZero(t, winners, "round %d: no caller won", round)
		require.Equal(t, before+uint64(winners), generation, "round %d: two winners of one generation", round)
		for _, value := range values {
			v, err := ring.Verify(ctx, value)
			if value != good {
				require.ErrorIs(t, err, keys.ErrUnknown, "round %d: a second value is good", round)
				continue
			}
			require.NoError(t, err, "round %d: no value is good", round)
			require.Equal(t, id, v.ID())
		}
	}
	require.NotZero(t, conflicts, "the callers never met")
	t.Logf("SUMMARY %s: %d rounds of %d callers, one good value each time; %d of %d calls met a conflict",
		t.Name(), rounds, callers, conflicts, rounds*callers)
}
