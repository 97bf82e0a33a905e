package keys_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// A hangingList is a store whose List does not return before release is closed, even if its context is done.
type hangingList struct {
	keys.Store
	calls   atomic.Int64
	release chan struct{}
}

func (s *hangingList) List(context.Context, string, keys.Filter) ([]keys.Record, error) {
	s.calls.Add(1)
	<-s.release
	return nil, errDown
}

// A survey tries again every minute, but at most two of its calls run in a store that hangs.
func TestSurveysOfAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &hangingList{Store: keys.NewMemoryStore(), release: make(chan struct{})}
		r, err := keys.Open(keys.Config{Store: s, MaxAge: day, OnError: func(error) {}})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		require.EqualValues(t, 2, s.calls.Load())
		require.NoError(t, r.Close(ctx))
		close(s.release)
	})
}
