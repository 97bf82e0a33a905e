package fresh

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/ask"
)

var errStore = errors.New("store")

func always(Call) bool { return true }
func never(Call) bool  { return false }

// do is Group.Do without a cache.
func do[K comparable](g *Group[K, int], ctx context.Context, k K, join func(Call) bool, f func(context.Context) (int, error)) (int, error) {
	return g.Do(ctx, k, Call{}, join, f, func(Call, int, bool) {})
}

func TestCallersShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []*ask.Limit{ask.New(errStore, time.Second, 1), ask.Inline(errStore)} {
			g := NewGroup[string, int](t.Context(), limit)
			var calls atomic.Int64
			f := func(ctx context.Context) (int, error) {
				require.Nil(t, ctx.Value(t))
				time.Sleep(100 * time.Millisecond)
				return int(calls.Add(1)), nil
			}
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					n, err := do(g, t.Context(), "a", always, f)
					require.NoError(t, err)
					require.Equal(t, 1, n)
				})
			}
			all.Wait()
			n, err := do(g, t.Context(), "a", always, f)
			require.NoError(t, err)
			require.Equal(t, 2, n, "a call that has ended is not joined")
		}
	})
}

func TestACallThatWillNotDoIsNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup[string, int](t.Context(), ask.New(errStore, time.Minute, 2))
		var calls atomic.Int64
		f := func(context.Context) (int, error) {
			n := calls.Add(1)
			time.Sleep(time.Duration(n) * time.Second)
			return int(n), nil
		}
		go do(g, t.Context(), "a", always, f)
		synctest.Wait()
		n, err := do(g, t.Context(), "a", never, f)
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

// Of two calls for one key, the one that is answered last may have read the store first.
func TestAnAnswerThatMayBeOlderIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup[string, int](t.Context(), ask.New(errStore, time.Minute, 3))
		var kept []int
		call := func(n int, takes time.Duration, join func(Call) bool) int {
			got, err := g.Do(t.Context(), "a", Call{}, join, func(context.Context) (int, error) { time.Sleep(takes); return n, nil },
				func(_ Call, n int, keep bool) {
					if keep {
						kept = append(kept, n)
					}
				})
			require.NoError(t, err)
			return got
		}
		go call(1, time.Second, always)
		synctest.Wait()
		go func() { require.Equal(t, 2, call(2, 3*time.Second, never)) }()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []int{1}, kept)
		require.Equal(t, 3, call(3, time.Second/2, always), "the second call is not joined after the first was answered")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []int{1, 3}, kept)
	})
}

func TestACallerWaitsNoLongerThanItsContextOrTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup[string, int](t.Context(), ask.New(errStore, time.Second, 1))
		hang := func(context.Context) (int, error) { time.Sleep(time.Hour); return 0, nil }
		done, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := do(g, done, "a", always, hang)
		require.ErrorIs(t, err, errStore)
		require.ErrorContains(t, err, "not asked")

		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = do(g, short, "a", always, hang)
		require.ErrorIs(t, err, errStore)
		require.ErrorContains(t, err, "no answer in time")

		began := time.Now()
		_, err = do(g, t.Context(), "b", always, func(context.Context) (int, error) {
			t.Error("there was no place")
			return 0, nil
		})
		require.ErrorContains(t, err, "too many wait for it")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		time.Sleep(time.Hour)
		require.Zero(t, underWay(g))
	})
}

// The last caller to leave ends a call for which the store was not asked, so that a flood of cancelled requests leaves none.
func TestACallWithoutCallersIsNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup[int, int](t.Context(), ask.New(errStore, time.Minute, 1))
		go do(g, t.Context(), -1, always, func(context.Context) (int, error) { time.Sleep(10 * time.Second); return 0, nil })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		for n := range 100 {
			go do(g, ctx, n, always, func(context.Context) (int, error) { t.Error("asked"); return 0, nil })
		}
		synctest.Wait()
		cancel()
		time.Sleep(20 * time.Second)
		require.Zero(t, underWay(g))
	})
}

func TestAPanicInACallIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []*ask.Limit{ask.New(errStore, time.Second, 1), ask.Inline(errStore)} {
			g := NewGroup[string, int](t.Context(), limit)
			_, err := do(g, t.Context(), "a", always, func(context.Context) (int, error) { panic("a secret") })
			require.ErrorIs(t, err, errStore)
			require.NotContains(t, err.Error(), "secret")
		}
		g := NewGroup[string, int](t.Context(), ask.New(errStore, time.Second, 1))
		_, err := do(g, t.Context(), "a", always, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil })
		require.ErrorIs(t, err, errStore)
	})
}

func underWay[K comparable, V any](g *Group[K, V]) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}
