package roles_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func TestDirectorySeesChangesOfOthersInTime(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		time.Sleep(7 * time.Second)
		outside(t, store.Store, mayWrite("editor"))
		time.Sleep(staleness / 2)
		synctest.Wait()
		require.False(t, d.Policy().Allows("editor", "read"))
		require.True(t, d.Policy().Allows("editor", "write"))
		require.NoError(t, d.Err())

		outside(t, store.Store, mayRead("editor"))
		require.NoError(t, d.Reload(t.Context()))
		require.True(t, d.Policy().Allows("editor", "read"), "Reload does not wait for the poll")

		calls := store.calls.Load()
		for range 1000 {
			d.Policy()
		}
		require.Equal(t, calls, store.calls.Load(), "asking for the policy asks no store")
		time.Sleep(time.Minute)
		require.Less(t, store.calls.Load()-calls, int64(32), "five polls in two stalenesses")
	})
}

func TestDirectoryOutlivesStoreForStalenessAndNoLonger(t *testing.T) {
	var told atomic.Int64
	follow(t, roles.Config{Staleness: 8 * time.Second, OnError: func(err error) {
		if !errors.Is(err, errDown) {
			t.Errorf("told of %v", err)
		}
		told.Add(1)
		panic("a host's mistake")
	}}, func(t *testing.T, d *roles.Directory, store *faulty) {
		store.set(down)
		time.Sleep(8*time.Second - time.Millisecond)
		require.True(t, d.Policy().Allows("editor", "read"), "last good policy while the promise holds")
		require.ErrorIs(t, d.Err(), errDown)
		require.Less(t, d.Age(), 8*time.Second)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Nil(t, d.Policy(), "not a moment longer")
		require.GreaterOrEqual(t, d.Age(), 8*time.Second)
		require.Positive(t, told.Load())
		time.Sleep(time.Minute)
		require.Nil(t, d.Policy())

		outside(t, store.Store, mayWrite("editor"))
		store.heal()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		require.True(t, d.Policy().Allows("editor", "write"), "comes back by itself, up to date")
		require.LessOrEqual(t, d.Age(), 4*time.Second)
		require.NoError(t, d.Err())
	})
}

func TestDirectoryKeepsLastGoodPolicyWhileRolesDoNotCompile(t *testing.T) {
	var told []error
	follow(t, roles.Config{OnError: func(err error) { told = append(told, err) }}, func(t *testing.T, d *roles.Directory, store *faulty) {
		outside(t, store.Store, roles.Role{AppID: "broken", Permissions: roles.Grants{"a//b": true}})
		outside(t, store.Store, mayWrite("editor"))
		time.Sleep(time.Hour)
		require.True(t, d.Policy().Allows("editor", "read"), "for as long as it takes")
		require.Len(t, roles.Problems(d.Err()), 1)
		require.Equal(t, "broken", roles.Problems(d.Err())[0].Role)
		require.Len(t, told, 1, "told once for each revision")
		require.Error(t, d.Reload(t.Context()))

		// Meanwhile the store goes away: then the last good one is as stale as any.
		store.set(down)
		time.Sleep(staleness)
		synctest.Wait()
		require.Nil(t, d.Policy())
		store.heal()
		time.Sleep(staleness)
		require.True(t, d.Policy().Allows("editor", "read"))
		require.Len(t, roles.Problems(d.Err()), 1)

		require.ErrorContains(t, d.Save(t.Context(), mayRead("more")), "broken", "what does not compile is not added to")
		require.NoError(t, d.Save(t.Context(), mayRead("broken")), "but it can be mended")
		require.NoError(t, d.Err())
		require.True(t, d.Policy().Allows("editor", "write"))
	})
}

// Whatever a store that hangs and ignores its context does, one goroutine waits for it at most, nothing else
// waits longer than it said, and the policy ends on time.
func TestDirectorySurvivesHangingStore(t *testing.T) {
	for _, staleness := range []time.Duration{5 * time.Second, -1} {
		t.Run(staleness.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &faulty{Store: roles.NewMemoryStore(mayRead("editor"))}
				d, err := roles.Open(t.Context(), roles.Config{Store: store, Staleness: staleness})
				require.NoError(t, err)
				hang := make(chan struct{})
				var stuck, most atomic.Int64
				store.set(func(context.Context, string) error {
					most.Store(max(most.Load(), stuck.Add(1)))
					<-hang
					stuck.Add(-1)
					return nil
				})
				var all sync.WaitGroup
				for range 100 {
					all.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
						defer cancel()
						start := time.Now()
						if d.Reload(ctx) == nil || time.Since(start) > 5*time.Second {
							t.Errorf("Reload came back after %v", time.Since(start))
						}
						if staleness < 0 && d.Policy() != nil {
							t.Error("a policy that no store has confirmed")
						}
					})
				}
				all.Go(func() {
					if err := d.Save(t.Context(), mayWrite("editor")); err == nil {
						t.Error("saved in a store that hangs")
					}
				})
				time.Sleep(5 * time.Second)
				synctest.Wait()
				require.Nil(t, d.Policy())
				all.Wait()
				require.Equal(t, int64(1), most.Load(), "goroutines stuck in the store")
				require.Error(t, d.Err())

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.ErrorIs(t, d.Close(ctx), context.DeadlineExceeded)
				require.Nil(t, d.Policy())
				close(hang)
				require.NoError(t, d.Close(t.Context()), "nothing is left once the store comes back")
			})
		})
	}
}

func TestDirectoryRecoversFromHang(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		hang := make(chan struct{})
		store.set(func(context.Context, string) error { <-hang; return nil })
		time.Sleep(time.Minute)
		require.Nil(t, d.Policy())
		store.heal()
		close(hang)
		time.Sleep(5 * time.Second)
		require.True(t, d.Policy().Allows("editor", "read"))
		require.NoError(t, d.Err())
	})
}

func TestDirectoryGivesStoreADeadline(t *testing.T) {
	follow(t, roles.Config{Timeout: 300 * time.Millisecond}, func(t *testing.T, d *roles.Directory, store *faulty) {
		store.set(func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		start := time.Now()
		require.ErrorIs(t, d.Reload(t.Context()), context.DeadlineExceeded)
		require.Equal(t, 300*time.Millisecond, time.Since(start))
	})
}

func TestDirectoryTakesPanicForError(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		store.set(func(context.Context, string) error { panic("secret of the store") })
		err := d.Reload(t.Context())
		require.ErrorContains(t, err, "panicked")
		require.NotContains(t, err.Error(), "secret")
		require.Error(t, d.Save(t.Context(), mayWrite("editor")))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Nil(t, d.Policy())
	})
}

// A store that ends its goroutine has not answered: it is not the same as an answer of no roles and no error.
func TestDirectoryTakesEndedGoroutineForError(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		store.set(func(context.Context, string) error { runtime.Goexit(); return nil })
		require.ErrorContains(t, d.Reload(t.Context()), "no answer")
		require.ErrorContains(t, d.Save(t.Context(), mayWrite("editor")), "no answer")
		store.set(func(_ context.Context, method string) error {
			if method == "Save" {
				runtime.Goexit()
			}
			return nil
		})
		require.ErrorContains(t, d.Save(t.Context(), mayWrite("editor")), "no answer", "nothing was stored")
		require.True(t, d.Policy().Allows("editor", "read"), "the policy is the one before")
		require.False(t, d.Policy().Allows("editor", "write"))
	})
}

func TestDirectoryAskingEachTime(t *testing.T) {
	follow(t, roles.Config{Staleness: -1}, func(t *testing.T, d *roles.Directory, store *faulty) {
		require.True(t, d.Policy().Allows("editor", "read"))
		outside(t, store.Store, mayWrite("editor"))
		require.True(t, d.Policy().Allows("editor", "write"), "the next call sees the change")
		for range 500 { // a caller who gets no policy finds the reason
			store.set(down)
			require.Nil(t, d.Policy())
			require.ErrorIs(t, d.Err(), errDown)
			store.heal()
			require.True(t, d.Policy().Allows("editor", "write"))
			require.NoError(t, d.Err())
		}
		outside(t, store.Store, roles.Role{AppID: "broken", Inherits: []string{"ghost"}})
		require.True(t, d.Policy().Allows("editor", "write"), "the last good one")
		require.Error(t, d.Err())

		// Many who ask at the same time share an answer that was asked for after they came.
		store.set(func(context.Context, string) error { time.Sleep(10 * time.Millisecond); return nil })
		calls := store.calls.Load()
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if d.Policy() == nil {
					t.Error("no policy")
				}
			})
		}
		all.Wait()
		require.LessOrEqual(t, store.calls.Load()-calls, int64(3))
	})
}

func TestOpenRefuses(t *testing.T) {
	ctx := t.Context()
	_, err := roles.Open(ctx, roles.Config{Timeout: -2})
	require.ErrorContains(t, err, "needs a store")
	require.ErrorContains(t, err, "Timeout is negative")
	broken := &faulty{Store: roles.NewMemoryStore()}
	broken.set(down)
	_, err = roles.Open(ctx, roles.Config{Store: broken})
	require.ErrorIs(t, err, errDown)
	_, err = roles.Open(ctx, roles.Config{Store: roles.NewMemoryStore(roles.Role{AppID: "Admin"}, roles.Role{AppID: "x y"})})
	require.Len(t, roles.Problems(err), 2)
	var typedNil *roles.MemoryStore
	_, err = roles.Open(ctx, roles.Config{Store: typedNil})
	require.ErrorContains(t, err, "panicked")
}

// Two nodes save, delete and read at once. Run with -race.
func TestDirectoriesAtOnce(t *testing.T) {
	store := roles.NewMemoryStore(mayRead("shared"))
	var all sync.WaitGroup
	for node := range 2 {
		d, err := roles.Open(t.Context(), roles.Config{Store: store, Staleness: 20 * time.Millisecond})
		require.NoError(t, err)
		defer d.Close(context.Background())
		for worker := range 3 {
			all.Go(func() {
				appid := fmt.Sprintf("n%d-w%d", node, worker)
				for i := range 30 {
					role := mayWrite(appid)
					if err := d.Save(t.Context(), role); err != nil && !errors.Is(err, roles.ErrConflict) {
						t.Error(err)
					} else if err == nil && !d.Policy().Allows(appid, "write") && d.Policy() != nil {
						t.Error("saved and not seen")
					}
					if i%3 == 0 {
						if err := d.Delete(t.Context(), appid); err == nil && d.Policy().Has(appid) {
							t.Error("deleted and still seen")
						}
					}
				}
			})
			all.Go(func() {
				for range 3000 {
					if p := d.Policy(); p != nil && !p.Allows("shared", "read") {
						t.Error("a policy that never was")
					}
				}
			})
		}
	}
	all.Wait()
}

// A directory that asks each time asks for the revision, and loads only what changed.
func TestAskingEachTimeLoadsOnlyChanges(t *testing.T) {
	follow(t, roles.Config{Staleness: roles.AlwaysAsk}, func(t *testing.T, d *roles.Directory, store *faulty) {
		loads := 0
		store.set(func(_ context.Context, method string) error {
			if method == "Load" {
				loads++
			}
			return nil
		})
		changes := 0
		defer d.Watch(func(_, _ *roles.Policy) { changes++ })()
		for range 10 {
			require.True(t, d.Policy().Allows("editor", "read"))
			time.Sleep(time.Second)
			require.Equal(t, time.Second, d.Age())
		}
		require.Zero(t, loads)
		require.Zero(t, changes)
		outside(t, store.Store, mayWrite("editor"))
		require.True(t, d.Policy().Allows("editor", "write"))
		require.Equal(t, []int{1, 1}, []int{loads, changes})
	})
}

// A store in which nothing was ever changed has no revision. That is no reason to report a change with each poll.
func TestAStoreWithoutARevisionDoesNotChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore()})
		require.NoError(t, err)
		changes := 0
		defer d.Watch(func(_, _ *roles.Policy) { changes++ })()
		time.Sleep(time.Minute)
		require.Zero(t, changes)
		require.NoError(t, d.Save(t.Context(), mayRead("editor")))
		require.Equal(t, 1, changes)
		require.NoError(t, d.Close(t.Context()))
	})
}
