package setup

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A database that is away for an hour is told once a minute, and two errors are told apart.
func TestErrorsThatRepeatAreRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		report := reporter(slog.New(slog.NewTextHandler(&out, nil)))
		for range 3600 {
			report(errors.New("the database is down"))
			time.Sleep(time.Second)
		}
		require.Equal(t, 60, strings.Count(out.String(), "\n"))
		report(errors.New("a row is corrupt"))
		require.Contains(t, out.String(), "a row is corrupt")
		for i := range 1000 { // memory is bounded
			report(errors.New(strings.Repeat("x", i)))
		}
	})
}

func TestListenIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var calls, failures atomic.Int64
		listen := func() error {
			if calls.Add(1) == 12 {
				<-ctx.Done() // it listens
			}
			return errors.New("the connection is lost")
		}
		ended := make(chan struct{})
		go func() {
			again(ctx, listen, func(error) { failures.Add(1) })
			close(ended)
		}()
		time.Sleep(11 * pause / 2)
		synctest.Wait()
		require.Less(t, calls.Load(), int64(12))
		time.Sleep(11 * pause)
		synctest.Wait()
		require.EqualValues(t, 12, calls.Load())
		cancel()
		<-ended
		require.EqualValues(t, 11, failures.Load(), "its end is none")
	})
}
