package keys_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// The new value is tried from an address that the host refuses: clients can go on with the old value.
func TestVerifyAndRecheckAreNoUse(t *testing.T) {
	onAll(t, func(t *testing.T, r *keys.Ring) {
		old, rec := issue(t, r, keys.Custom{})
		renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		for range 3 {
			v := good(t, r, renewed.Key.Reveal())
			_, err := r.Recheck(ctx, v)
			require.NoError(t, err)
			pass(time.Minute)
		}
		got, err := r.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.Zero(t, got.LastUsedAt)
		require.Equal(t, time.Hour, got.Overlap)
		pass(2 * time.Hour)
		good(t, r, old)

		v, err := r.Recheck(ctx, good(t, r, renewed.Key.Reveal()))
		require.NoError(t, err)
		v.Used()
		synctest.Wait()
		pass(time.Hour)
		refused(t, r, old, keys.ErrUnknown)
	})
}

// Get and List include a use at once, later, and while a slow store records it.
func TestAUseShowsAtOnce(t *testing.T) {
	onAll(t, func(t *testing.T, r *keys.Ring) {
		key, rec := issue(t, r, keys.Custom{})
		other, _ := issue(t, r.In("b"), keys.Custom{})
		shows := func(want time.Time) {
			t.Helper()
			want = want.UTC().Truncate(time.Microsecond)
			got, err := r.Get(ctx, rec.ID)
			require.NoError(t, err)
			require.Equal(t, want, got.LastUsedAt, "Get")
			list, err := r.List(ctx, keys.Filter{})
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, want, list[0].LastUsedAt, "List")
		}
		use(t, r.In("b"), other)
		got, err := r.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.Zero(t, got.LastUsedAt)
		for range 100 {
			use(t, r, key)
			shows(time.Now())
			pass(1700 * time.Millisecond)
		}
		use(t, r, key)
		at := time.Now()
		require.NoError(t, r.Disable(ctx, rec.ID)) // replaces the record
		shows(at)
		for range 100 { // until after the flush
			pass(time.Second)
			shows(at)
		}
	})
}

// Of the uses of a key at most one a second is recorded.
func TestOneUseASecondIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, keys.Config{Store: keys.NewMemoryStore()})
		key, rec := issue(t, r, keys.Custom{})
		for range 3 {
			first := time.Now().UTC().Truncate(time.Microsecond)
			use(t, r, key)
			pass(time.Second - time.Microsecond)
			use(t, r, key)
			got, err := r.Get(ctx, rec.ID)
			require.NoError(t, err)
			require.Equal(t, first, got.LastUsedAt)
			pass(time.Microsecond)
		}
	})
}

// Both values of an overlap are the same key: the later use counts.
func TestUsesOfBothValues(t *testing.T) {
	onAll(t, func(t *testing.T, r *keys.Ring) {
		old, rec := issue(t, r, keys.Custom{})
		renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		for range 20 {
			for _, value := range []string{old, renewed.Key.Reveal()} {
				use(t, r, value)
				synctest.Wait()
				got, err := r.Get(ctx, rec.ID)
				require.NoError(t, err)
				require.Equal(t, time.Now().UTC().Truncate(time.Microsecond), got.LastUsedAt)
				pass(3 * time.Second)
			}
		}
	})
}

func TestPreviousSaysWhichValueWasPresented(t *testing.T) {
	onAll(t, func(t *testing.T, r *keys.Ring) {
		old, rec := issue(t, r, keys.Custom{})
		require.False(t, good(t, r, old).Previous())
		renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		require.True(t, good(t, r, old).Previous())
		require.False(t, good(t, r, renewed.Key.Reveal()).Previous())
		require.False(t, keys.Verified{}.Previous())
		keys.Verified{}.Used()
	})
}

// Two rings over one memory store: each records what it verified, also after the other is closed.
func TestTwoRingsOverOneMemoryStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := keys.NewMemoryStore()
		a, b := open(t, keys.Config{Store: store}), open(t, keys.Config{Store: store})
		key, rec := issue(t, a, keys.Custom{})
		use(t, a, key)
		require.NoError(t, a.Close(ctx))
		pass(time.Minute)
		use(t, b, key)
		got, err := b.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.Equal(t, time.Now().UTC().Truncate(time.Microsecond), got.LastUsedAt)
	})
}

// onAll runs a test in a bubble over the memory store, over a host's store, and over a store with a feed.
func onAll(t *testing.T, test func(*testing.T, *keys.Ring)) {
	run := func(name string, config func() keys.Config) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, open(t, config())) })
		})
	}
	run("memory", func() keys.Config { return keys.Config{Store: keys.NewMemoryStore()} })
	run("store", func() keys.Config {
		s := keys.NewMemoryStore()
		return keys.Config{Store: foreign{s}, LastUsed: slowUses{s}}
	})
	run("feed", func() keys.Config {
		n := newShared().node()
		return keys.Config{Store: n, Feed: n, LastUsed: slowUses{n.shared.store}}
	})
}

// slowUses takes three seconds to record.
type slowUses struct{ keys.LastUsedStore }

func (s slowUses) RecordUse(ctx context.Context, uses []keys.Use) error {
	time.Sleep(3 * time.Second)
	return s.LastUsedStore.RecordUse(ctx, uses)
}
