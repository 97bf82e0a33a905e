package keys_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// ledger records the batches that it receives.
type ledger struct {
	mu      sync.Mutex
	batches [][]keys.Use
	fail    atomic.Bool
	hang    atomic.Bool
}

func (l *ledger) RecordUse(ctx context.Context, uses []keys.Use) error {
	if l.hang.Load() {
		time.Sleep(time.Hour)
	}
	if l.fail.Load() {
		return errDown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches = append(l.batches, uses)
	return nil
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.batches)
}

// last returns the latest batch.
func (l *ledger) last() []keys.Use {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.batches[len(l.batches)-1]
}

// pass advances the time in a bubble, and waits for the work that is due then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// seen returns the batches so far.
func (l *ledger) seen() [][]keys.Use {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.batches)
}

func TestLastUsed(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			var l ledger
			r := open(t, keys.Config{Store: s, LastUsed: &l})
			a, recA := issue(t, r, keys.Custom{})
			b, recB := issue(t, r.In("b"), keys.Custom{})
			var last time.Time
			for range 100 {
				last = time.Now().UTC()
				use(t, r, a)
				use(t, r.In("b"), b)
				refused(t, r, b, keys.ErrUnknown)
				pass(100 * time.Millisecond)
			}
			require.Equal(t, 2, keys.Pending(r))
			require.Empty(t, l.seen())
			pass(25 * time.Second)
			require.Len(t, l.seen(), 1, "one batch for all")
			require.Len(t, l.seen()[0], 2, "one time a key")
			require.Equal(t, keys.Use{Space: "", ID: recA.ID, At: l.seen()[0][0].At}, l.seen()[0][0])
			require.Equal(t, keys.Use{Space: "b", ID: recB.ID, At: l.seen()[0][1].At}, l.seen()[0][1])
			require.LessOrEqual(t, last.Sub(l.seen()[0][0].At), time.Second, "the latest, to a second")
			require.Zero(t, l.seen()[0][0].At.Nanosecond()%1000)

			pass(time.Hour)
			require.Len(t, l.seen(), 1, "nothing used, nothing written")

			use(t, r, a)
			require.NoError(t, r.Close(ctx))
			require.Len(t, l.seen(), 2, "Close writes pending uses")
			require.Equal(t, []keys.Use{{ID: recA.ID, At: time.Now().UTC().Truncate(time.Microsecond)}}, l.seen()[1])
			require.NoError(t, r.Close(ctx))
			require.Len(t, l.seen(), 2)
		})
	})
}

// Only valid uses are recorded, also after a change of the record.
func TestLastUsedAcrossChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			var l ledger
			r := open(t, keys.Config{Store: s, LastUsed: &l})
			old, rec := issue(t, r, keys.Custom{})
			use(t, r, old)
			pass(2 * time.Second)
			renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
			require.NoError(t, err)
			use(t, r, renewed.Key.Reveal())
			synctest.Wait()
			pass(2 * time.Second)
			use(t, r, old)
			want := time.Now().UTC().Truncate(time.Microsecond)
			require.NoError(t, r.Disable(ctx, rec.ID))
			pass(2 * time.Second)
			refused(t, r, old, keys.ErrDisabled)
			require.NoError(t, r.Close(ctx))
			require.Equal(t, [][]keys.Use{{{ID: rec.ID, At: want}}}, l.seen())
		})
	})
}

// A *MemoryStore records uses itself, and recording a use restores no deleted record.
func TestMemoryStoreRecordsUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, keys.Config{Store: keys.NewMemoryStore(), FlushEvery: time.Second})
		key, rec := issue(t, r, keys.Custom{})
		use(t, r, key)
		at := time.Now().UTC().Truncate(time.Microsecond)
		require.NoError(t, r.Invalidate(ctx, rec.ID))
		pass(2 * time.Second)
		got, err := r.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.Equal(t, at, got.LastUsedAt)
		refused(t, r, key, keys.ErrInvalidated)
	})
	r := open(t, keys.Config{Store: foreign{keys.NewMemoryStore()}})
	key, _ := issue(t, r, keys.Custom{})
	use(t, r, key)
	require.Zero(t, keys.Pending(r), "powers are never guessed")
}

// Uses that can't be written stay pending; requests are not affected.
func TestLastUsedFails(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			var l ledger
			var reported []error
			r, err := keys.Open(keys.Config{Store: s, LastUsed: &l, OnError: func(err error) { reported = append(reported, err) }})
			require.NoError(t, err)
			key, rec := issue(t, r, keys.Custom{})
			l.fail.Store(true)
			use(t, r, key)
			at := time.Now().UTC().Truncate(time.Microsecond)
			pass(31 * time.Second)
			require.Len(t, reported, 1)
			require.ErrorIs(t, reported[0], keys.ErrStore)
			require.ErrorIs(t, reported[0], errDown)
			l.fail.Store(false)
			pass(30 * time.Second)
			require.Equal(t, [][]keys.Use{{{ID: rec.ID, At: at}}}, l.seen())

			l.hang.Store(true)
			use(t, r, key)
			pass(31 * time.Second)
			began := time.Now()
			for range 100 {
				use(t, r, key)
			}
			require.Equal(t, began, time.Now(), "a hung flush delays no request")
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			err = r.Close(short)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(began), "Close gives up with its ctx")
			l.hang.Store(false)
			pass(2 * time.Hour)
			require.NoError(t, r.Close(ctx))
			require.Equal(t, rec.ID, l.seen()[len(l.seen())-1][0].ID)
		})
	})
}

func TestLastUsedConcurrently(t *testing.T) {
	var l ledger
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), LastUsed: &l, FlushEvery: time.Millisecond})
	var all []string
	for range 8 {
		key, _ := issue(t, r, keys.Custom{})
		all = append(all, key)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				for _, key := range all {
					v, err := r.Verify(ctx, key)
					if err != nil && !errors.Is(err, keys.ErrClosed) {
						t.Error(err)
					}
					v.Used()
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, r.Close(ctx))
	seen := map[string]bool{}
	for _, batch := range l.seen() {
		for _, use := range batch {
			seen[use.ID] = true
		}
	}
	require.Len(t, seen, 8)
}

// A store that takes longer than the time between two flushes only delays the next one.
func TestLastUsedSlowerThanFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slowLedger{takes: 5 * time.Second}
		r := open(t, keys.Config{Store: keys.NewMemoryStore(), LastUsed: &l, FlushEvery: time.Second})
		key, _ := issue(t, r, keys.Custom{})
		for range 30 {
			use(t, r, key)
			pass(time.Second)
		}
		pass(time.Minute)
		batches := l.seen()
		require.Greater(t, len(batches), 3, "flushes go on")
		require.WithinDuration(t, time.Now().Add(-61*time.Second), batches[len(batches)-1][0].At, time.Second)
	})
}

// slowLedger is a slow ledger.
type slowLedger struct {
	ledger
	takes time.Duration
}

func (l *slowLedger) RecordUse(ctx context.Context, uses []keys.Use) error {
	time.Sleep(l.takes)
	return l.ledger.RecordUse(ctx, uses)
}
