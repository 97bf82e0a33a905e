package keys_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// Of several refreshes of one value exactly one wins, and afterwards exactly one value is good.
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
			// Who begins after another has won replaces the winner's value, so there may be several winners,
			// one after the other; but one value is good in the end, and the generation counts the winners.
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

// meeting lets the first callers of Get wait for each other, so that all have read the same value before one
// of them writes.
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

// A refresh that collides with a change of another kind is tried again.
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

// interfering runs before, once, between the reading and the writing of a change.
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

// Nothing is shown before the write is durable.
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
	_, err := r.Refresh(ctx, "nobody", keys.Renewal{})
	require.ErrorIs(t, err, keys.ErrNotFound)
	good(t, r, key)
}

func TestOverlap(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name    string
		expires time.Duration // of the old value; 0 never
		rn      keys.Renewal
		used    time.Duration // first use of the new value; 0 never
		old     time.Duration // how long the old value lives after the refresh
	}{
		{"never used: seven days", 0, keys.Renewal{Overlap: time.Hour}, 0, 7 * day},
		{"never used: long overlap", 0, keys.Renewal{Overlap: 9 * day}, 0, 9 * day},
		{"never used: own cap", 0, keys.Renewal{Overlap: time.Hour, OverlapCap: 2 * day}, 0, 2 * day},
		{"never used: own expiry", day, keys.Renewal{Overlap: time.Hour}, 0, day},
		{"used: overlap counts from then", 0, keys.Renewal{Overlap: time.Hour}, 3 * day, 3*day + time.Hour},
		{"used at once", 0, keys.Renewal{Overlap: time.Hour}, time.Microsecond, time.Hour + time.Microsecond},
		{"used late: cap", 0, keys.Renewal{Overlap: 2 * day}, 6 * day, 7 * day},
		{"used: own expiry", day, keys.Renewal{Overlap: 12 * time.Hour}, 18 * time.Hour, day},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s keys.Store) {
				synctest.Test(t, func(t *testing.T) {
					r := open(t, keys.Config{Store: s})
					var custom keys.Custom
					if c.expires > 0 {
						custom.ExpiresAt = time.Now().Add(c.expires)
					}
					began := time.Now()
					old, rec := issue(t, r, custom)
					if c.expires > 0 {
						c.rn.ExpiresAt = time.Now().Add(365 * day)
					}
					renewed, err := r.Refresh(ctx, rec.ID, c.rn)
					require.NoError(t, err)
					if c.used > 0 {
						pass(c.used)
						good(t, r, old)
						synctest.Wait()
						got, err := r.Get(ctx, rec.ID)
						require.NoError(t, err)
						require.Equal(t, c.rn.Overlap, got.Overlap, "the use of the old value proves nothing")

						good(t, r, renewed.Key.Reveal())
						good(t, r, renewed.Key.Reveal())
						synctest.Wait()
						got, err = r.Get(ctx, rec.ID)
						require.NoError(t, err)
						require.Zero(t, got.Overlap)
						require.Equal(t, uint64(3), got.Generation, "recorded once")
						pass(time.Minute)
						good(t, r, renewed.Key.Reveal())
						synctest.Wait()
					}
					pass(c.old - time.Since(began) - time.Microsecond)
					good(t, r, old)
					pass(time.Microsecond)
					refused(t, r, old, keys.ErrUnknown)
					good(t, r, renewed.Key.Reveal())

					_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.Name = "x"; return nil })
					require.NoError(t, err)
					got, err := r.Get(ctx, rec.ID)
					require.NoError(t, err)
					require.True(t, got.Previous.IsZero(), "a digest whose time is over is dropped with the next change")
				})
			})
		})
	}
}

// While the first use cannot be recorded, the hard cap holds; later uses try again, not too often.
func TestOverlapProofFails(t *testing.T) {
	onBoth(t, func(t *testing.T, inner keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			if f, ok := inner.(foreign); ok {
				inner = f.Store
			}
			f := &faulty{Store: inner}
			var heard []error
			r := open(t, keys.Config{Store: f, OnError: func(err error) { heard = append(heard, err) }})
			old, rec := issue(t, r, keys.Custom{})
			renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
			require.NoError(t, err)
			f.readOnly.Store(true)
			for range 100 {
				good(t, r, renewed.Key.Reveal())
				synctest.Wait()
			}
			require.Len(t, heard, 1)
			require.ErrorIs(t, heard[0], keys.ErrStore)
			pass(2 * time.Hour)
			good(t, r, old)
			f.readOnly.Store(false)
			good(t, r, renewed.Key.Reveal())
			synctest.Wait()
			pass(time.Hour)
			refused(t, r, old, keys.ErrUnknown)
		})
	})
}

// The first use belongs to one value: recording it must not touch what was refreshed since.
func TestOverlapProofOfAnOlderValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &interfering{Store: keys.NewMemoryStore()}
		r := open(t, keys.Config{Store: s})
		_, rec := issue(t, r, keys.Custom{})
		second, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		var third keys.Issued
		s.before = func() {
			third, err = r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: 2 * time.Hour})
			require.NoError(t, err)
		}
		good(t, r, second.Key.Reveal())
		synctest.Wait()
		got, err := r.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.Equal(t, 2*time.Hour, got.Overlap)
		pass(6 * 24 * time.Hour)
		good(t, r, second.Key.Reveal())
		good(t, r, third.Key.Reveal())
	})
}
