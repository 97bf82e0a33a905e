package keys_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// importText imports a key as a custom key.
func importText(t testing.TB, r *keys.Ring, text string) keys.Record {
	t.Helper()
	rec, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(text)})
	require.NoError(t, err)
	return rec
}

// junk returns n different texts that are not keys.
func junk(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("API-%040x", i), fmt.Sprintf("x%d", i))
	}
	return all
}

// notKeys are texts that Import refuses, so none can be an imported key.
var notKeys = []string{
	"", strings.Repeat("x", 257), legacyText + ",", " " + legacyText, legacyText + "\n", legacyText + "\xff", "Bearer " + legacyText,
}

// Without ImportedKeys a text that fails the checksum causes no call of the store, even if the store holds it or fails.
func TestWithoutImportedKeysJunkIsNotLookedUp(t *testing.T) {
	for name, ring := range map[string]func(*testing.T, *faulty) (*keys.Ring, *counting){
		"store": func(t *testing.T, s *faulty) (*keys.Ring, *counting) {
			c := &counting{Store: s}
			return open(t, keys.Config{Store: c}), c
		},
		"feed": func(t *testing.T, s *faulty) (*keys.Ring, *counting) {
			c := &counting{Store: s}
			return open(t, keys.Config{Store: c, Feed: newShared().node()}), c
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := keys.NewMemoryStore()
			importText(t, open(t, keys.Config{Store: s, ImportedKeys: true}), legacyText)
			f := &faulty{Store: s}
			r, c := ring(t, f)
			f.fail.Store(true)
			for _, text := range append(junk(100), append(notKeys, legacyText)...) {
				refused(t, r, text, keys.ErrMalformed)
				refused(t, r.In("b"), text, keys.ErrMalformed)
			}
			require.Zero(t, c.finds.Load()+c.lists.Load())
		})
	}
}

// With ImportedKeys such a text costs one look-up each time without a feed, and none if Import would refuse it.
func TestWithImportedKeysJunkIsLookedUp(t *testing.T) {
	c := &counting{Store: keys.NewMemoryStore()}
	r := open(t, keys.Config{Store: c, ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
	for _, text := range notKeys {
		refused(t, r, text, keys.ErrMalformed)
	}
	require.Zero(t, c.finds.Load())
	all := junk(100)
	for _, text := range all {
		refused(t, r, text, keys.ErrMalformed)
	}
	require.EqualValues(t, len(all), c.finds.Load(), "both digests in one question")

	elsewhere := open(t, keys.Config{Store: c.Store, ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
	importText(t, elsewhere, legacyText)
	good(t, r, legacyText)
	require.EqualValues(t, len(all)+1, c.finds.Load())
	require.Zero(t, c.lists.Load())
}

// With a feed as well, a text costs one look-up in a second, for all callers together.
func TestJunkIsLookedUpOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{ImportedKeys: true})
		key, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		n.before.set(func(_ context.Context, method string) error {
			if method == "Find" {
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		all := junk(10)
		require.EqualValues(t, len(all), n.asked(func() {
			var wg sync.WaitGroup
			for _, text := range all {
				for range 50 {
					wg.Go(func() { refused(t, r, text, keys.ErrMalformed) })
				}
			}
			wg.Wait()
		}))
		time.Sleep(800 * time.Millisecond)
		n.before.set(func(context.Context, string) error { return nil })
		asked := n.asked(func() {
			for _, text := range all {
				refused(t, r, text, keys.ErrMalformed)
			}
		})
		require.LessOrEqual(t, asked, int64(4), "but for texts that have one slot of the negative cache, as two of 20 have in one run of 45")
		time.Sleep(200 * time.Millisecond)
		require.EqualValues(t, 1, n.asked(func() { refused(t, r, all[0], keys.ErrMalformed) }))

		importText(t, r, legacyText)
		n.warm(t, r, legacyText)
		require.Zero(t, n.asked(func() { good(t, r, legacyText) }), "an imported key is cached like any other")
	})
}

// A flood of junk takes no more memory than the negative cache has.
func TestAFloodOfJunkIsBounded(t *testing.T) {
	r, n := newShared().ring(t, keys.Config{ImportedKeys: true, Staleness: time.Hour, StoreTimeout: time.Minute})
	key, _ := issue(t, r, keys.Custom{})
	n.warm(t, r, key)
	before := heap()
	for i := range 30_000 {
		refused(t, r, fmt.Sprintf("%0256d", i), keys.ErrMalformed)
	}
	require.Less(t, heap()-before, int64(2<<20))
	require.True(t, keys.IsCached(r, key))
}

// While the store fails, junk and imported keys give a store error; cached keys stay valid.
func TestImportedKeysWhenTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		importText(t, open(t, keys.Config{Store: s, ImportedKeys: true}), legacyText)
		f := &faulty{Store: s}
		r := open(t, keys.Config{Store: f, ImportedKeys: true})
		f.fail.Store(true)
		for _, text := range append(junk(10), legacyText) {
			undecided(t, r, text)
		}
		for _, text := range notKeys {
			refused(t, r, text, keys.ErrMalformed)
		}
		f.fail.Store(false)
		good(t, r, legacyText)
		refused(t, r, "junk", keys.ErrMalformed)

		cached, n := newShared().ring(t, keys.Config{ImportedKeys: true, Staleness: 2 * time.Second})
		importText(t, cached, legacyText)
		n.warm(t, cached, legacyText)
		n.before.set(func(context.Context, string) error { return errDown })
		good(t, cached, legacyText)
		undecided(t, cached, "junk")
		time.Sleep(2 * time.Second)
		undecided(t, cached, legacyText)
	})
}

// A key that is imported on another node is valid here within the staleness, even if it was refused here before.
func TestImportedElsewhereWithinTheStaleness(t *testing.T) {
	for _, staleness := range []time.Duration{200 * time.Millisecond, 5 * time.Second} {
		for at := time.Duration(0); at < 3*time.Second; at += 130 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				all := newShared()
				a, _ := all.ring(t, keys.Config{ImportedKeys: true})
				b, _ := all.ring(t, keys.Config{ImportedKeys: true, Staleness: staleness})
				var clients sync.WaitGroup
				defer clients.Wait()
				clients.Go(func() {
					for range int((at + staleness) / (50 * time.Millisecond)) {
						b.Verify(ctx, legacyText)
						time.Sleep(50 * time.Millisecond)
					}
				})
				time.Sleep(at)
				importText(t, a, legacyText)
				good(t, a, legacyText)
				time.Sleep(staleness)
				_, err := b.Verify(ctx, legacyText)
				require.NoError(t, err, "imported after %v", at)
			})
		}
	}
}

// The imported value of a refreshed key is valid during its overlap, on every node, and not after it.
func TestOverlapOfAnImportedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := foreign{keys.NewMemoryStore()}
		r := open(t, keys.Config{Store: s, ImportedKeys: true})
		elsewhere := open(t, keys.Config{Store: s, ImportedKeys: true})
		rec := importText(t, elsewhere, legacyText)
		renewed, err := elsewhere.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		good(t, r, legacyText)
		good(t, elsewhere, legacyText)
		use(t, r, renewed.Key.Reveal())
		synctest.Wait()
		time.Sleep(time.Hour)
		refused(t, r, legacyText, keys.ErrUnknown)
		_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.Name = "settled"; return nil })
		require.NoError(t, err)
		refused(t, r, legacyText, keys.ErrMalformed)
		good(t, r, renewed.Key.Reveal())
	})
}

// ImportedKeys does not accept a prefix that was removed from the configuration.
func TestAnOldPrefixIsNoImportedKey(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		key, _ := issue(t, open(t, keys.Config{Store: s, CustomPrefixes: []string{"acme_"}}), keys.Custom{})
		r := open(t, keys.Config{Store: s, ImportedKeys: true})
		refused(t, r, key, keys.ErrMalformed)
		refused(t, r, key, keys.ErrMalformed)
	})
}

// A ring that would refuse a key does not import it. One of its own format needs no ImportedKeys, wherever it was made.
func TestImportWantsImportedKeys(t *testing.T) {
	s := keys.NewMemoryStore()
	r := open(t, keys.Config{Store: s})
	for _, text := range []string{legacyText, "Zq7-x0TfK2m9LwPb4RyVhC8sDgN1aJeU"} {
		in := keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(text)}
		_, err := r.Import(ctx, in)
		require.ErrorIs(t, err, keys.ErrRefused)
		require.ErrorContains(t, err, "set Config.ImportedKeys")
		_, err = r.In("b").CheckImport(ctx, in)
		require.ErrorIs(t, err, keys.ErrRefused)
	}
	list, err := s.List(ctx, "", keys.Filter{})
	require.NoError(t, err)
	require.Empty(t, list)

	made := sealed("API-f1d3ff8443297732862df21dc4e57262")
	rec, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(made), Role: "editor"})
	require.NoError(t, err)
	require.False(t, rec.Legacy)
	require.Equal(t, "editor", good(t, r, made).Role())
}

// A ring without ImportedKeys reports, once for each space, that the store holds imported keys.
func TestImportedKeysAreReportedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			var reported []string
			config := keys.Config{Store: s, OnError: func(err error) { reported = append(reported, err.Error()) }}
			ring := func() *keys.Ring {
				r := open(t, config)
				synctest.Wait()
				return r
			}
			r := ring()
			issue(t, r, keys.Custom{})
			ring()
			require.Empty(t, reported, "nothing is imported")

			importer := open(t, keys.Config{Store: s, ImportedKeys: true})
			for i := range 3 {
				importText(t, importer, fmt.Sprintf("%s%02d", legacyText, i))
			}
			importText(t, importer.In("b"), legacyText)
			r = ring()
			require.Len(t, reported, 1)
			require.Contains(t, reported[0], `imported keys in space ""`)
			require.Contains(t, reported[0], "set Config.ImportedKeys")
			require.NotContains(t, reported[0], legacyText)
			for range 3 {
				for _, space := range []string{"", "b", "c"} {
					refused(t, r.In(space), legacyText, keys.ErrMalformed)
					_, err := r.In(space).List(ctx, keys.Filter{})
					require.NoError(t, err)
				}
				synctest.Wait()
			}
			require.Len(t, reported, 2)
			require.Contains(t, reported[1], `imported keys in space "b"`)

			config.ImportedKeys = true
			ring()
			require.Len(t, reported, 2)
		})
	})
}

// After a store error the survey is tried again without another report until it succeeds. Close does not wait for it.
func TestImportedKeysAreReportedAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newShared().node()
		importText(t, n.ring(t, keys.Config{ImportedKeys: true}), legacyText)
		n.before.set(func(_ context.Context, method string) error {
			if method == "List" {
				return errDown
			}
			return nil
		})
		var reported []string
		config := keys.Config{OnError: func(err error) { reported = append(reported, err.Error()) }}
		n.ring(t, config)
		pass(10 * time.Minute)
		require.Len(t, reported, 1)
		require.Contains(t, reported[0], "not known yet")
		n.before.set(func(context.Context, string) error { return nil })
		pass(10 * time.Minute)
		require.Len(t, reported, 2)
		require.Contains(t, reported[1], "set Config.ImportedKeys")

		n.before.set(func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		r := n.ring(t, config)
		synctest.Wait()
		began := time.Now()
		require.NoError(t, r.Close(ctx))
		require.Zero(t, time.Since(began))
		require.Len(t, reported, 2)
	})
}
