package keys_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// Of several refreshes of one value exactly one succeeds, and then exactly one value is valid.
func TestRefreshRace(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		const callers, rounds = 8, 200
		r := open(t, keys.Config{Store: s})
		last, rec := issue(t, r, keys.Custom{})
		winners := 0
		for round := range rounds {
			var wg sync.WaitGroup
			var mu sync.Mutex
			values := []string{last}
			for range callers {
				wg.Go(func() {
					issued, err := r.Refresh(ctx, rec.ID, keys.Renewal{})
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						values = append(values, issued.Key.Reveal())
					} else if !errors.Is(err, keys.ErrConflict) || errors.Is(err, keys.ErrInvalid) {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wg.Wait()
			// A call that begins after another has succeeded replaces its value, so several calls may succeed in turn.
			// One value is valid in the end, and the generation counts the successes.
			var alive []string
			for _, v := range values {
				if _, err := r.Verify(ctx, v); err == nil {
					alive = append(alive, v)
				}
			}
			require.Len(t, alive, 1, "round %d", round)
			require.NotEqual(t, last, alive[0])
			last = alive[0]
			winners += len(values) - 1
			got, err := r.Get(ctx, rec.ID)
			require.NoError(t, err)
			require.EqualValues(t, 1+winners, got.Generation)
		}
	})
}

// meeting makes the first callers of Get wait for each other, so that all read the same value before one writes.
type meeting struct {
	keys.Store
	left atomic.Int64
	all  sync.WaitGroup
}

func meetingOf(n int, s keys.Store) *meeting {
	m := &meeting{Store: s}
	m.left.Store(int64(n))
	m.all.Add(n)
	return m
}

func (m *meeting) Get(ctx context.Context, space, id string) (keys.Record, error) {
	rec, err := m.Store.Get(ctx, space, id)
	if m.left.Add(-1) >= 0 {
		m.all.Done()
		m.all.Wait()
	}
	return rec, err
}

func TestRefreshOfOneValueHasOneWinner(t *testing.T) {
	for range 200 {
		s := keys.NewMemoryStore()
		_, rec := issue(t, open(t, keys.Config{Store: s}), keys.Custom{})
		r := open(t, keys.Config{Store: meetingOf(8, s)})
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won, lost int
		for range 8 {
			wg.Go(func() {
				_, err := r.Refresh(ctx, rec.ID, keys.Renewal{})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if errors.Is(err, keys.ErrConflict) {
					lost++
				}
			})
		}
		wg.Wait()
		require.Equal(t, [2]int{1, 7}, [2]int{won, lost})
	}
}

// A refresh is tried again after another change of the record.
func TestRefreshSurvivesOtherChanges(t *testing.T) {
	s := &interfering{Store: keys.NewMemoryStore()}
	r := open(t, keys.Config{Store: s})
	key, rec := issue(t, r, keys.Custom{})
	s.before = func() { require.NoError(t, r.Disable(ctx, rec.ID)) }
	issued, err := r.Refresh(ctx, rec.ID, keys.Renewal{})
	require.NoError(t, err)
	refused(t, r, key, keys.ErrUnknown)
	refused(t, r, issued.Key.Reveal(), keys.ErrDisabled)

	s.before = func() { require.NoError(t, r.Invalidate(ctx, rec.ID)) }
	_, err = r.Refresh(ctx, rec.ID, keys.Renewal{})
	require.ErrorIs(t, err, keys.ErrInvalidated)
	require.NoError(t, r.Invalidate(ctx, rec.ID))
}

// interfering calls before once, between the read and the write of a change.
type interfering struct {
	keys.Store
	before func()
}

func (i *interfering) Update(ctx context.Context, rec keys.Record) error {
	if f := i.before; f != nil {
		i.before = nil
		f()
	}
	return i.Store.Update(ctx, rec)
}

// No key is returned before the write is durable.
func TestFailedWriteShowsNothing(t *testing.T) {
	f := &faulty{Store: keys.NewMemoryStore()}
	r := open(t, keys.Config{Store: f})
	key, rec := issue(t, r, keys.Custom{})
	f.fail.Store(true)
	issued, err := r.Refresh(ctx, rec.ID, keys.Renewal{})
	require.ErrorIs(t, err, keys.ErrStore)
	require.Zero(t, issued)
	issued, err = r.IssueCustom(ctx, keys.Custom{})
	require.ErrorIs(t, err, keys.ErrStore)
	require.Zero(t, issued)
	f.fail.Store(false)
	good(t, r, key)
}

func TestRenewalsRefused(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore()})
	key, rec := issue(t, r, keys.Custom{})
	for _, rn := range []keys.Renewal{
		{Overlap: -1},
		{OverlapCap: -1},
		{OverlapCap: time.Hour},
		{Overlap: time.Hour, Leaked: true},
		{Overlap: time.Hour, OverlapCap: time.Minute},
		{ExpiresAt: time.Now().Add(-time.Second)},
	} {
		_, err := r.Refresh(ctx, rec.ID, rn)
		require.ErrorIs(t, err, keys.ErrRefused, "%+v", rn)
	}
	_, err := r.Refresh(ctx, "no-such-id", keys.Renewal{})
	require.ErrorIs(t, err, keys.ErrNotFound)
	good(t, r, key)
}
