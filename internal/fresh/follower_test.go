package fresh

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	errDown    = errors.New("down")
	errClosed  = errors.New("closed")
	errTimeout = errors.New("no answer in time")
)

// A stub is a store that counts polls, and may be slow or down.
type stub struct {
	polls   atomic.Int64
	delay   atomic.Int64
	down    atomic.Bool
	number  atomic.Uint64
	applied atomic.Uint64 // the number that was applied last
	failed  atomic.Int64
}

func (s *stub) follow(t *testing.T) *Follower {
	f := NewFollower(Options{
		Staleness: staleness,
		Poll: func(ctx context.Context, _ Revision) (Answer, error) {
			s.polls.Add(1)
			number := s.number.Load()
			select {
			case <-time.After(time.Duration(s.delay.Load())):
			case <-ctx.Done():
				return Answer{}, ctx.Err()
			}
			if s.down.Load() {
				return Answer{}, errDown
			}
			return Answer{Revision: Revision{Number: number}, Apply: func(Lease, bool) { s.applied.Store(number) }}, nil
		},
		Failed: func(_ error, first bool) {
			if first {
				s.failed.Add(1)
			}
		},
		Closed: errClosed, Timeout: errTimeout,
	})
	t.Cleanup(func() { require.NoError(t, f.Close(context.Background())) })
	return f
}

func bubble(t *testing.T, run func(t *testing.T, s *stub, f *Follower)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := new(stub)
		run(t, s, s.follow(t))
	})
}

func TestAFollowerPollsTwiceWithinTheStaleness(t *testing.T) {
	bubble(t, func(t *testing.T, s *stub, f *Follower) {
		time.Sleep(time.Hour)
		require.Zero(t, s.polls.Load(), "nothing runs before Start")
		require.False(t, f.Valid(time.Now()))
		f.Start()
		for range 200 {
			time.Sleep(staleness / 20)
			require.True(t, f.Valid(time.Now()))
		}
		require.InDelta(t, 25, s.polls.Load(), 1)

		s.down.Store(true)
		time.Sleep(staleness)
		require.False(t, f.Valid(time.Now()))
		require.EqualValues(t, 1, s.failed.Load())
		s.down.Store(false)
		time.Sleep(staleness / 5)
		require.True(t, f.Valid(time.Now()), "after a failure it polls sooner")
	})
}

func TestCallersWaitForOnePoll(t *testing.T) {
	bubble(t, func(t *testing.T, s *stub, f *Follower) {
		s.delay.Store(int64(100 * time.Millisecond))
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { require.NoError(t, f.Wait(t.Context())) })
		}
		all.Wait()
		require.EqualValues(t, 1, s.polls.Load())
		require.True(t, f.Valid(time.Now()))

		// Refresh wants a poll that begins later; all who want one share it.
		go f.Refresh(t.Context())
		synctest.Wait()
		for range 100 {
			all.Go(func() { require.NoError(t, f.Refresh(t.Context())) })
		}
		all.Wait()
		require.EqualValues(t, 3, s.polls.Load())
	})
}

// A change while a poll is under way makes its answer useless: callers get that of a later one.
func TestAPollFromBeforeAChangeIsNotApplied(t *testing.T) {
	bubble(t, func(t *testing.T, s *stub, f *Follower) {
		s.delay.Store(int64(300 * time.Millisecond))
		go f.Wait(t.Context())
		synctest.Wait()
		s.number.Store(1)
		f.Invalidate()
		began := time.Now()
		require.NoError(t, f.Wait(t.Context()))
		require.EqualValues(t, 1, s.applied.Load())
		require.Equal(t, 300*time.Millisecond, time.Since(began), "it does not wait for the earlier poll")

		written := f.Writing()
		time.Sleep(2 * staleness)
		require.False(t, f.Valid(time.Now()), "during a write nothing cached is used")
		s.number.Store(2)
		written()
		require.NoError(t, f.Refresh(t.Context()))
		require.EqualValues(t, 2, s.applied.Load())
		require.True(t, f.Valid(time.Now()))
	})
}

func TestWhatWasWrittenIsUsedUntilAPollReportsMore(t *testing.T) {
	bubble(t, func(t *testing.T, s *stub, f *Follower) {
		require.NoError(t, f.Refresh(t.Context()))
		c := f.Begin()
		applied := false
		s.down.Store(true)
		require.True(t, f.Wrote(c, func(Lease) { applied = true }))
		require.True(t, applied)
		require.True(t, f.Valid(time.Now()))

		c = f.Begin()
		f.Invalidate()
		require.False(t, f.Wrote(c, func(Lease) { t.Error("another node's change may be later") }))
		require.False(t, f.Valid(time.Now()))
	})
}

// While a write is under way all answers are discarded, so callers wait for its end and do not poll meanwhile.
func TestCallersDoNotPollDuringAWrite(t *testing.T) {
	bubble(t, func(t *testing.T, s *stub, f *Follower) {
		require.NoError(t, f.Wait(t.Context()))
		written := f.Writing()
		before := s.polls.Load()
		done := make(chan error)
		go func() { done <- f.Wait(t.Context()) }()
		time.Sleep(2 * staleness)
		require.LessOrEqual(t, s.polls.Load()-before, int64(6))
		written()
		require.NoError(t, <-done)
	})
}

func TestAWaitingCallerGetsAnError(t *testing.T) {
	bubble(t, func(t *testing.T, s *stub, f *Follower) {
		s.down.Store(true)
		require.ErrorIs(t, f.Wait(t.Context()), errDown)
		s.delay.Store(int64(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := f.Refresh(ctx)
		require.ErrorIs(t, err, errTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		go func() { require.ErrorIs(t, f.Refresh(t.Context()), errClosed) }()
		synctest.Wait()
		require.NoError(t, f.Close(t.Context()))
		require.ErrorIs(t, f.Refresh(t.Context()), errClosed)
		require.False(t, f.Valid(time.Now()))
		f.Start()
		f.Keep(f.Begin(), func(keep bool) { require.False(t, keep) })
	})
}

func TestCloseWaitsForThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFollower(Options{Staleness: staleness, Closed: errClosed, Timeout: errTimeout,
			Poll: func(context.Context, Revision) (Answer, error) { time.Sleep(time.Hour); return Answer{}, errDown }})
		f.Start()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, f.Close(ctx), context.DeadlineExceeded)
		require.NoError(t, f.Close(t.Context()))
	})
}

func TestWithoutAStalenessEachCallerPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		f := NewFollower(Options{Staleness: -1, Closed: errClosed, Timeout: errTimeout,
			Poll: func(context.Context, Revision) (Answer, error) {
				polls++
				return Answer{Apply: func(Lease, bool) {}}, nil
			}})
		for range 3 {
			require.NoError(t, f.Refresh(t.Context()))
			require.False(t, f.Valid(time.Now()))
			time.Sleep(time.Hour)
		}
		require.Equal(t, 3, polls)
		require.NoError(t, f.Close(t.Context()))
	})
}

func TestListeners(t *testing.T) {
	var l Listeners[int]
	var got []int
	var thrown []any
	stop := l.Add(func(n int) { got = append(got, n) })
	l.Add(func(int) { panic("a secret") })
	l.Add(func(n int) { got = append(got, -n) })
	l.Call(1, func(v any) { thrown = append(thrown, v) })
	stop()
	stop()
	l.Call(2, nil)
	require.Equal(t, []int{1, -1, -2}, got)
	require.Equal(t, []any{"a secret"}, thrown)
}

func TestRevision(t *testing.T) {
	tags := map[uint64]bool{}
	var r Revision
	for n := range uint64(100) {
		r = r.Next()
		require.Equal(t, n+1, r.Number)
		tags[r.Tag] = true
	}
	require.Len(t, tags, 100)
	require.Equal(t, "17-00000000000000ff", Revision{17, 255}.String())
}
