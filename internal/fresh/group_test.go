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

func TestCallersShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []*ask.Limit{ask.New(errStore, time.Second, 1), ask.Inline(errStore)} {
			g := NewGroup[string, int](t.Context(), limit)
			var calls atomic.Int64
			f := func(ctx context.Context, _ Call) (int, error) {
				require.Nil(t, ctx.Value(t))
				time.Sleep(100 * time.Millisecond)
				return int(calls.Add(1)), nil
			}
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					n, err := g.Do(t.Context(), "a", Call{}, always, f)
					require.NoError(t, err)
					require.Equal(t, 1, n)
				})
			}
			all.Wait()
			n, err := g.Do(t.Context(), "a", Call{}, always, f)
			require.NoError(t, err)
			require.Equal(t, 2, n, "a call that has ended is not joined")
		}
	})
}

func TestACallThatWillNotDoIsNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup[string, int](t.Context(), ask.New(errStore, time.Minute, 2))
		var calls atomic.Int64
		f := func(context.Context, Call) (int, error) {
			n := calls.Add(1)
			time.Sleep(time.Duration(n) * time.Second)
			return int(n), nil
		}
		go g.Do(t.Context(), "a", Call{}, always, f)
		synctest.Wait()
		n, err := g.Do(t.Context(), "a", Call{}, never, f)
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

func TestACallerWaitsNoLongerThanItsContextOrTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup[string, int](t.Context(), ask.New(errStore, time.Second, 1))
		hang := func(context.Context, Call) (int, error) { time.Sleep(time.Hour); return 0, nil }
		done, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := g.Do(done, "a", Call{}, always, hang)
		require.ErrorIs(t, err, errStore)
		require.ErrorContains(t, err, "not asked")

		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = g.Do(short, "a", Call{}, always, hang)
		require.ErrorIs(t, err, errStore)
		require.ErrorContains(t, err, "no answer in time")

		began := time.Now()
		_, err = g.Do(t.Context(), "b", Call{}, always, func(context.Context, Call) (int, error) {
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
		go g.Do(t.Context(), -1, Call{}, always, func(context.Context, Call) (int, error) { time.Sleep(10 * time.Second); return 0, nil })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		for n := range 100 {
			go g.Do(ctx, n, Call{}, always, func(context.Context, Call) (int, error) { t.Error("asked"); return 0, nil })
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
			_, err := g.Do(t.Context(), "a", Call{}, always, func(context.Context, Call) (int, error) { panic("a secret") })
			require.ErrorIs(t, err, errStore)
			require.NotContains(t, err.Error(), "secret")
		}
		g := NewGroup[string, int](t.Context(), ask.New(errStore, time.Second, 1))
		_, err := g.Do(t.Context(), "a", Call{}, always, func(context.Context, Call) (int, error) { runtime.Goexit(); return 0, nil })
		require.ErrorIs(t, err, errStore)
	})
}

func underWay[K comparable, V any](g *Group[K, V]) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}
