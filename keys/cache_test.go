package keys_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestACachedKeyIsNotLookedUp(t *testing.T) {
	for name, peppers := range map[string][]keys.Pepper{"bare": nil, "two peppers": {pepper("2"), pepper("1")}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newShared()
				bare, _ := all.ring(t, keys.Config{})
				r, n := all.ring(t, keys.Config{Peppers: peppers})
				old, _ := issue(t, bare, keys.Custom{})
				key, _ := issue(t, r, keys.Custom{ExpiresAt: time.Now().Add(time.Hour)})
				n.warm(t, r, old)
				n.warm(t, r, key)
				v, before, goroutines := good(t, r, key), n.finds.Load(), runtime.NumGoroutine()
				hits := func() {
					for _, key := range []string{key, old} {
						if _, err := r.Verify(ctx, key); err != nil {
							t.Error(err)
						}
					}
					if again, err := r.Recheck(ctx, v); err != nil || again != v {
						t.Error(err)
					}
				}
				if hits(); !keys.RaceEnabled {
					require.Zero(t, testing.AllocsPerRun(100, hits))
				}
				require.Equal(t, before, n.finds.Load())
				require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+1, "nothing is started for it; the runtime may run a cleanup")

				refused(t, r.In("b"), key, keys.ErrUnknown)
				time.Sleep(time.Hour)
				refused(t, r, key, keys.ErrExpired)
			})
		})
	}
}

func TestRefusalsAreCachedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{Peppers: []keys.Pepper{pepper("1")}})
		key, rec := issue(t, r, keys.Custom{})
		other, _ := issue(t, r, keys.Custom{})
		require.NoError(t, r.Disable(ctx, rec.ID))
		unknown := sealed("API-00112233445566778899aabbccddeeff")
		n.warm(t, r, other)
		refused(t, r, key, keys.ErrDisabled)
		refused(t, r, unknown, keys.ErrUnknown)
		before := n.finds.Load()
		for range 100 {
			refused(t, r, key, keys.ErrDisabled)
			refused(t, r, unknown, keys.ErrUnknown)
		}
		require.Equal(t, before, n.finds.Load())
		refused(t, r.In("b"), unknown, keys.ErrUnknown)
		require.Equal(t, before+1, n.finds.Load(), "another space is another question")
		time.Sleep(time.Second)
		refused(t, r, unknown, keys.ErrUnknown)
		require.Equal(t, before+2, n.finds.Load(), "an unknown key is cached for a second")
		for range 100 {
			refused(t, r.In(strings.Repeat("s", 200)), unknown, keys.ErrUnknown)
		}
		require.Equal(t, before+3, n.finds.Load(), "also in a space with the longest name that a key can have")
	})
}

// A key that another node issues is valid here as soon as this node has polled any change, or after a second.
func TestIssuedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		a, an := all.ring(t, keys.Config{})
		b, _ := all.ring(t, keys.Config{ImportedKeys: true})
		first, _ := issue(t, a, keys.Custom{})
		an.warm(t, a, first)
		for text, reported := range map[string]func(){
			sealed("API-f1d3ff8443297732862df21dc4e57262"): func() { an.wake(); synctest.Wait() }, // a notification of the feed
			sealed("API-9c56cc51b374c3ba189210d5b6d4bf57"): func() { time.Sleep(time.Second) },
		} {
			refused(t, a, text, keys.ErrUnknown) // before it is issued
			before := an.finds.Load()
			refused(t, a, text, keys.ErrUnknown)
			require.Equal(t, before, an.finds.Load())
			_, err := b.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(text)})
			require.NoError(t, err)
			reported()
			good(t, a, text)
		}
	})
}

func TestManyMissesAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newShared().node()
		r := n.ring(t, keys.Config{Peppers: []keys.Pepper{pepper("1")}, MaxWaiting: 1})
		key, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		n.before.set(func(_ context.Context, method string) error {
			if method == "Find" {
				time.Sleep(time.Second / 2)
			}
			return nil
		})
		ask := func() (good int) {
			var mu sync.Mutex
			var all sync.WaitGroup
			for i := range 100 {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, time.Hour)
					if i%2 == 0 {
						time.AfterFunc(time.Duration(i)*time.Millisecond, cancel) // these callers give up
					}
					defer cancel()
					_, err := r.Verify(ctx, key)
					if err == nil {
						mu.Lock()
						defer mu.Unlock()
						good++
						return
					}
					require.ErrorIs(t, err, keys.ErrStore)
					require.ErrorIs(t, err, context.Canceled)
				})
			}
			all.Wait()
			return good
		}
		before := n.finds.Load()
		require.Equal(t, 100, ask(), "it is cached")
		require.Equal(t, before, n.finds.Load())
		n.all.Store(true) // drops all
		n.wake()
		synctest.Wait()
		require.Equal(t, 50, ask())
		require.Equal(t, before+1, n.finds.Load())
	})
}

// The first caller may give up while it waits for its turn. All callers receive an error, and it is not cached.
func TestASharedCallOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newShared().node()
		r := n.ring(t, keys.Config{MaxWaiting: 1})
		key, _ := issue(t, r, keys.Custom{})
		other, _ := issue(t, r, keys.Custom{})
		n.before.set(func(_ context.Context, method string) error {
			if method != "Find" {
				return nil
			}
			time.Sleep(600 * time.Millisecond)
			return nil
		})
		go r.Verify(ctx, other) // takes the only turn
		synctest.Wait()
		impatient, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		go r.Verify(impatient, key) // starts the call for key
		synctest.Wait()
		began := time.Now()
		_, err := r.Verify(ctx, key)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, keys.ErrStore)
		require.Equal(t, time.Second, time.Since(began), "600 ms for the place, 400 ms for the answer: no longer than the deadline")
		time.Sleep(time.Second)

		n.before.set(func(_ context.Context, method string) error {
			if method != "Find" {
				return nil
			}
			time.Sleep(600 * time.Millisecond)
			return errDown
		})
		before := n.finds.Load()
		n.all.Store(true)
		n.wake()
		synctest.Wait()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				_, err := r.Verify(ctx, key)
				require.ErrorIs(t, err, errDown)
				require.ErrorIs(t, err, keys.ErrStore)
			})
		}
		all.Wait()
		require.Equal(t, before+1, n.finds.Load())
		n.before.set(func(context.Context, string) error { return nil })
		good(t, r, key)
	})
}

// A transaction that is rolled back must leave nothing in the cache, so the store receives no values of the caller's context.
func TestTheStoreReceivesNoValuesOfTheCaller(t *testing.T) {
	type tx struct{}
	n := newShared().node()
	r := n.ring(t, keys.Config{})
	key, _ := issue(t, r, keys.Custom{})
	n.before.set(func(ctx context.Context, _ string) error {
		require.Nil(t, ctx.Value(tx{}))
		return nil
	})
	_, err := r.Verify(context.WithValue(ctx, tx{}, "uncommitted"), key)
	require.NoError(t, err)
}

// A corrupt record is looked up again, since it may be repaired without a revision in the feed.
func TestACorruptRecordIsNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		r, n := all.ring(t, keys.Config{})
		key, rec := issue(t, r, keys.Custom{})
		other, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, other)
		rec = stored(t, all.store, rec)
		repaired := rec
		rec.Generation, rec.Overlap = 2, -1
		require.NoError(t, all.store.Update(ctx, rec))
		undecided(t, r, key)
		undecided(t, r, key)
		repaired.Generation = 3
		require.NoError(t, all.store.Update(ctx, repaired))
		good(t, r, key)
	})
}

// A Recheck does not know the prefix of the credential, so a later Verify still compares it with the kind of the record.
func TestARecheckDoesNotConfirmThePrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		here, _ := all.ring(t, keys.Config{UserPrefixes: []string{"A-"}, CustomPrefixes: []string{"B-"}})
		there, n := all.ring(t, keys.Config{UserPrefixes: []string{"B-"}, CustomPrefixes: []string{"A-"}})
		key, _ := issue(t, here, keys.Custom{})
		other, _ := issue(t, there, keys.Custom{})
		n.warm(t, there, other)
		_, err := there.Recheck(ctx, good(t, here, key))
		require.NoError(t, err)
		require.True(t, keys.IsCached(there, key))
		undecided(t, there, key)
	})
}

func TestLastUsedOfACachedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uses := new(ledger)
		n := newShared().node()
		r := n.ring(t, keys.Config{LastUsed: uses, FlushEvery: 30 * time.Second})
		key, rec := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		for range 3 {
			last := time.Now()
			for range 10 {
				time.Sleep(2 * time.Second)
				last = time.Now()
				use(t, r, key)
				if uses.count() == 1 { // the record is read again: its time must not be lost
					n.all.Store(true)
					n.wake()
					synctest.Wait()
				}
			}
			time.Sleep(30 * time.Second)
			synctest.Wait()
			got := uses.last()
			require.Len(t, got, 1)
			require.Equal(t, rec.ID, got[0].ID)
			require.False(t, got[0].At.Before(last.Add(-30*time.Second)))
		}
		time.Sleep(time.Hour)
		use(t, r, key)
		used := time.Now()
		n.all.Store(true)
		n.wake()
		synctest.Wait() // the record is dropped, its time is not
		require.Equal(t, 1, keys.Pending(r))
		require.NoError(t, r.Close(ctx))
		last := uses.last()
		require.Len(t, last, 1)
		require.True(t, last[0].At.Equal(used.UTC().Truncate(time.Microsecond)))
	})
}
