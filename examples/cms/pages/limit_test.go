package pages

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(3, time.Minute)
		for range 3 {
			require.Zero(t, l.take("a"))
			time.Sleep(time.Second)
		}
		require.Equal(t, 57*time.Second, l.take("a"))
		require.Zero(t, l.take("b"), "others have their own")
		l.forgive("a")
		require.Zero(t, l.take("a"))
		require.NotZero(t, l.take("a"))
		time.Sleep(57 * time.Second)
		require.Zero(t, l.take("a"), "a new window")
		for range 5 {
			l.forgive("a")
		}
		for range 3 {
			require.Zero(t, l.take("a"))
		}
		require.NotZero(t, l.take("a"), "unused attempts do not add up")
	})
}

// Of many concurrent attempts no more pass than the limit.
func TestLimitAtOnce(t *testing.T) {
	l := newLimit(10, time.Hour)
	var all sync.WaitGroup
	passed := make(chan struct{}, 100)
	for range 100 {
		all.Go(func() {
			if l.take("a") == 0 {
				passed <- struct{}{}
			}
		})
	}
	all.Wait()
	require.Len(t, passed, 10)
}
