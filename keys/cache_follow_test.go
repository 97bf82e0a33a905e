package keys_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

const staleness = 5 * time.Second // the default

// asked reports how often the store was asked while f ran.
func (n *node) asked(f func()) int64 {
	before := n.finds.Load()
	f()
	return n.finds.Load() - before
}

func TestTheFeedIsAskedTwiceInTheStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{})
		synctest.Wait()
		require.Zero(t, n.polls.Load(), "an unused ring does not poll")
		key, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		before := n.polls.Load()
		require.Zero(t, n.asked(func() {
			for range 3600 {
				time.Sleep(time.Second)
				good(t, r, key)
			}
		}))
		require.InDelta(t, 3600/(2*5/5), n.polls.Load()-before, 1, "each 2 s, a bit sooner than half of the staleness")
	})
}

// A store without changes is at revision 0, and its feed need not name the changes since.
func TestTheFirstChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		key, rec := issue(t, open(t, keys.Config{Store: all.store}), keys.Custom{})
		a, _ := all.ring(t, keys.Config{})
		b, n := all.ring(t, keys.Config{})
		n.warm(t, b, key)
		require.NoError(t, a.Invalidate(ctx, rec.ID))
		time.Sleep(staleness)
		refused(t, b, key, keys.ErrInvalidated)
	})
}

// While the feed fails or hangs the store is asked each time, from one staleness after the beginning of the last poll
// that succeeded. Changes meanwhile are not lost, and few polls hang.
func TestFeedOutage(t *testing.T) {
	for name, trouble := range map[string]func(context.Context) error{
		"fails":              func(context.Context) error { return errDown },
		"says not found":     func(context.Context) error { return keys.ErrNotFound },
		"panics":             func(context.Context) error { panic("feed") },
		"ends its goroutine": func(context.Context) error { runtime.Goexit(); return nil },
		"hangs":              func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"hangs for long":     func(context.Context) error { time.Sleep(30 * time.Minute); return errDown },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newShared()
				a, _ := all.ring(t, keys.Config{})
				n := all.node()
				var mu sync.Mutex
				down, reported, confirmed := false, 0, time.Time{}
				isDown := func() bool { mu.Lock(); defer mu.Unlock(); return down }
				n.before.set(func(ctx context.Context, method string) error {
					if method != "Changes" {
						return nil
					}
					if isDown() {
						return trouble(ctx)
					}
					mu.Lock()
					confirmed = time.Now()
					mu.Unlock()
					time.Sleep(time.Second / 2) // it takes its time
					return nil
				})
				b := n.ring(t, keys.Config{OnError: func(err error) {
					require.ErrorIs(t, err, keys.ErrStore)
					reported++
				}})
				key, _ := issue(t, a, keys.Custom{})
				ended, rec := issue(t, a, keys.Custom{})
				n.warm(t, b, key)
				n.warm(t, b, ended)
				time.Sleep(time.Minute)

				mu.Lock()
				down = true
				until := confirmed.Add(staleness)
				mu.Unlock()
				time.Sleep(time.Until(until) - time.Millisecond)
				require.Zero(t, n.asked(func() { good(t, b, key); good(t, b, ended) }))
				time.Sleep(time.Millisecond)
				require.EqualValues(t, 1, n.asked(func() { good(t, b, key) }))
				goroutines := runtime.NumGoroutine()
				time.Sleep(10 * time.Minute)
				require.NoError(t, a.Invalidate(ctx, rec.ID))
				require.EqualValues(t, 2, n.asked(func() {
					good(t, b, key)
					refused(t, b, ended, keys.ErrInvalidated)
				}))
				require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+4)

				mu.Lock()
				down = false
				mu.Unlock()
				time.Sleep(time.Hour)
				require.EqualValues(t, 1, n.asked(func() { good(t, b, key); good(t, b, key) }), "not cached since before")
				refused(t, b, ended, keys.ErrInvalidated)
				require.Equal(t, 1, reported)
				require.NoError(t, b.Close(ctx))
				time.Sleep(time.Second) // a poll that ignores its context returns
			})
		})
	}
}

// A store that was restored from a backup, and has had changes since, may be past the revision of a node that could not
// poll meanwhile.
func TestARestoredStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		r, n := all.ring(t, keys.Config{})
		key, rec := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		n.before.set(func(context.Context, string) error { return errDown })
		time.Sleep(2 * staleness)
		rec = stored(t, all.store, rec)
		rec.Generation, rec.InvalidatedAt = rec.Generation+1, rec.CreatedAt
		all.log = all.log[:len(all.log)-1]
		require.NoError(t, all.changed(func() ([]keys.Ref, error) {
			return []keys.Ref{{ID: "another"}, {ID: "a third"}}, all.store.Update(ctx, rec)
		}))
		n.before.set(func(context.Context, string) error { return nil })
		time.Sleep(staleness)
		refused(t, r, key, keys.ErrInvalidated)
	})
}

// A restore and as many new changes between two polls: the number is the same, and the tag differs.
func TestARestoreAndAsManyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		r, n := all.ring(t, keys.Config{})
		key, rec := issue(t, r, keys.Custom{})
		issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		rec = stored(t, all.store, rec)
		rec.Generation, rec.InvalidatedAt = rec.Generation+1, rec.CreatedAt
		all.mu.Lock()
		number := all.revision().Number
		all.log = all.log[:1]
		require.NoError(t, all.store.Update(ctx, rec)) // as it was in the backup
		all.mu.Unlock()
		require.NoError(t, all.changed(func() ([]keys.Ref, error) { return []keys.Ref{{ID: "another"}}, nil }))
		require.Equal(t, number, all.revision().Number)
		pass(staleness)
		refused(t, r, key, keys.ErrInvalidated)
	})
}

// A store that was brought back from a copy between two polls has a lower revision than before, and names no
// keys: each cached one may be outdated.
func TestARevisionThatGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		r, n := all.ring(t, keys.Config{})
		key, rec := issue(t, r, keys.Custom{})
		for range 3 {
			issue(t, r, keys.Custom{})
		}
		n.warm(t, r, key)
		rec = stored(t, all.store, rec)
		rec.Generation, rec.InvalidatedAt = rec.Generation+1, rec.CreatedAt
		all.mu.Lock()
		all.log = all.log[:2]
		require.NoError(t, all.store.Update(ctx, rec))
		all.mu.Unlock()
		pass(staleness)
		refused(t, r, key, keys.ErrInvalidated)
	})
}

// While store and feed are both down, cached keys are valid until the staleness is over. After that there is a store error.
func TestStoreAndFeedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{})
		key, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		n.before.set(func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		for range 2 {
			time.Sleep(time.Second)
			good(t, r, key)
		}
		time.Sleep(staleness)
		began := time.Now()
		undecided(t, r, key)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// A change in a transaction of the host acts on the next request after the commit. Before, or after a rollback, it has no
// effect.
func TestTheHostsTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		r, n := all.ring(t, keys.Config{})
		key, rec := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		n.before.set(slowFeed)
		n.polls.Store(0)
		rec = stored(t, all.store, rec)
		rec.Generation, rec.InvalidatedAt = rec.Generation+1, rec.CreatedAt
		require.NoError(t, all.changed(func() ([]keys.Ref, error) {
			return []keys.Ref{{ID: rec.ID}}, all.store.Update(ctx, rec)
		}))
		n.wake() // the store, after the commit
		refused(t, r, key, keys.ErrInvalidated)
		require.EqualValues(t, 1, n.asked(func() { refused(t, r, key, keys.ErrInvalidated) }))
		time.Sleep(time.Second)
		require.EqualValues(t, 1, n.polls.Load(), "the feed was asked at once")
		refused(t, r, key, keys.ErrInvalidated)
		require.Zero(t, n.asked(func() { refused(t, r, key, keys.ErrInvalidated) }))
	})
}

// slowFeed is a hook with which no poll returns before the test waits.
func slowFeed(_ context.Context, method string) error {
	if method == "Changes" {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// After any change through a ring, even one that failed, no older cached entry is used.
func TestEveryWriteInvalidatesTheCache(t *testing.T) {
	for name, write := range map[string]func(r *keys.Ring, rec keys.Record) error{
		"issue": func(r *keys.Ring, _ keys.Record) error { _, err := r.IssueCustom(ctx, keys.Custom{}); return err },
		"import": func(r *keys.Ring, _ keys.Record) error {
			_, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(sealed("API-f1d3ff8443297732862df21dc4e57262"))})
			return err
		},
		"refresh": func(r *keys.Ring, rec keys.Record) error {
			_, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
			return err
		},
		"disable":         func(r *keys.Ring, rec keys.Record) error { return r.Disable(ctx, rec.ID) },
		"invalidate":      func(r *keys.Ring, rec keys.Record) error { return r.Invalidate(ctx, rec.ID) },
		"invalidate user": func(r *keys.Ring, _ keys.Record) error { _, err := r.InvalidateUser(ctx, "anna"); return err },
		"drop role":       func(r *keys.Ring, _ keys.Record) error { _, err := r.DropRole(ctx, "editor"); return err },
		"update": func(r *keys.Ring, rec keys.Record) error {
			_, err := r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.Name = "new"; return nil })
			return err
		},
		"remove": func(r *keys.Ring, rec keys.Record) error { return r.Remove(ctx, rec.ID) },
	} {
		for _, fail := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, n := newShared().ring(t, keys.Config{ImportedKeys: true})
					n.mute.Store(true)
					key, _ := issue(t, r, keys.Custom{})
					_, rec := issue(t, r, keys.Custom{})
					if name == "remove" {
						require.NoError(t, r.Invalidate(ctx, rec.ID))
					}
					n.warm(t, r, key)
					n.before.set(slowFeed)
					n.after.set(func(_ context.Context, method string) error {
						if fail && method != "Find" && method != "Get" && method != "Changes" {
							return errDown // after its effect
						}
						return nil
					})
					require.Equal(t, fail, write(r, rec) != nil)
					require.EqualValues(t, 1, n.asked(func() { good(t, r, key) }))
					n.warm(t, r, key)
				})
			})
		}
	}
}

// Other requests may see a change before its own call returns. From then on no request may miss it, even if a poll ran in
// between.
func TestAWriteInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{})
		n.mute.Store(true)
		key, rec := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		n.before.set(func(_ context.Context, method string) error {
			if method == "Update" {
				time.Sleep(time.Minute)
			}
			return nil
		})
		n.after.set(func(_ context.Context, method string) error {
			if method == "Update" {
				time.Sleep(time.Minute)
			}
			return nil
		})
		done := make(chan error)
		go func() { done <- r.Invalidate(ctx, rec.ID) }()
		time.Sleep(time.Minute - time.Microsecond) // just after a poll
		good(t, r, key)
		time.Sleep(2 * time.Microsecond)
		got, err := r.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.False(t, got.InvalidatedAt.IsZero())
		refused(t, r, key, keys.ErrInvalidated)
		require.NoError(t, <-done)
		refused(t, r, key, keys.ErrInvalidated)
	})
}

// The first use of a refreshed key is recorded in the background, and then its cached entries are dropped.
func TestOverlapOfACachedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{})
		n.mute.Store(true)
		old, rec := issue(t, r, keys.Custom{})
		issued, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Minute})
		require.NoError(t, err)
		n.warm(t, r, old)
		time.Sleep(time.Hour)
		use(t, r, old)
		use(t, r, issued.Key.Reveal())
		synctest.Wait()
		n.warm(t, r, old)
		n.warm(t, r, issued.Key.Reveal())
		time.Sleep(time.Minute - 500*time.Millisecond)
		require.Zero(t, n.asked(func() { good(t, r, old) }))
		time.Sleep(time.Second / 2)
		refused(t, r, old, keys.ErrUnknown)
		good(t, r, issued.Key.Reveal())
	})
}

// The bubble of synctest ends only when each of its goroutines has ended, so it fails if one is left.
func TestCloseEndsFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newShared().node()
		r, err := keys.Open(keys.Config{Store: n, Feed: n})
		require.NoError(t, err)
		key, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, key)
		n.before.set(func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		n.wake()
		synctest.Wait() // a poll hangs
		require.NoError(t, r.Close(ctx))
		require.Empty(t, n.watchers)
		require.NoError(t, r.Close(ctx))
		undecided(t, r, key)

		unused, err := keys.Open(keys.Config{Store: n, Feed: n})
		require.NoError(t, err)
		require.NoError(t, unused.Close(ctx))
	})
}

// A failover goes back to the revision that a poll was reading while a change, which is lost, was looked up.
func TestALostChangeThatWasCachedDuringAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		r, n := all.ring(t, keys.Config{})
		first, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, first)
		key, rec := issue(t, all.node().ring(t, keys.Config{}), keys.Custom{})
		rec = stored(t, all.store, rec)
		store := func(disabledAt time.Time) {
			rec.Generation, rec.DisabledAt = rec.Generation+1, disabledAt
			require.NoError(t, all.store.Update(ctx, rec))
		}
		store(rec.CreatedAt)
		pass(staleness)

		polled := false
		n.after.set(func(_ context.Context, method string) error {
			if method != "Changes" || polled {
				return nil
			}
			polled = true // what follows happens between the poll's reading and its answer
			require.NoError(t, all.changed(func() ([]keys.Ref, error) { store(time.Time{}); return []keys.Ref{{ID: rec.ID}}, nil }))
			good(t, r, key)
			return nil
		})
		pass(staleness / 2)
		require.True(t, polled)
		good(t, r, key)

		n.before.set(func(context.Context, string) error { return errDown })
		pass(staleness / 2)
		all.mu.Lock()
		store(rec.CreatedAt)
		all.log = all.log[:len(all.log)-1] // the change is lost
		all.mu.Unlock()
		n.before.set(func(context.Context, string) error { return nil })
		pass(staleness)
		refused(t, r, key, keys.ErrDisabled)
	})
}

// The ring remembers 4096 of the records that were cached since the last poll. After a lost change it drops the others too.
func TestALostChangeAmongManyCachedRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		direct := open(t, keys.Config{Store: all.store}) // its changes are not in the log
		r, n := all.ring(t, keys.Config{})
		first, _ := issue(t, r, keys.Custom{})
		n.warm(t, r, first)
		var key string
		var rec keys.Record
		for range 4200 {
			key, rec = issue(t, direct, keys.Custom{})
			good(t, r, key)
		}
		require.Zero(t, n.asked(func() { good(t, r, key) }))
		n.before.set(func(context.Context, string) error { return errDown })
		pass(2 * staleness)
		require.NoError(t, direct.Invalidate(ctx, rec.ID))
		n.before.set(func(context.Context, string) error { return nil })
		pass(staleness)
		n.warm(t, r, first)
		refused(t, r, key, keys.ErrInvalidated)
	})
}
