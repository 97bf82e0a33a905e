package roles_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// A faulty store does what a test asks of it before it does what its store does.
type faulty struct {
	roles.Store
	before atomic.Pointer[func(ctx context.Context, method string) error]
	calls  atomic.Int64
}

func (f *faulty) set(before func(ctx context.Context, method string) error) { f.before.Store(&before) }

func (f *faulty) heal() { f.before.Store(nil) }

func (f *faulty) meet(ctx context.Context, method string) error {
	f.calls.Add(1)
	if before := f.before.Load(); before != nil {
		return (*before)(ctx, method)
	}
	return nil
}

func (f *faulty) Load(ctx context.Context) ([]roles.Role, uint64, error) {
	if err := f.meet(ctx, "Load"); err != nil {
		return nil, 0, err
	}
	return f.Store.Load(ctx)
}

func (f *faulty) Revision(ctx context.Context) (uint64, error) {
	if err := f.meet(ctx, "Revision"); err != nil {
		return 0, err
	}
	return f.Store.Revision(ctx)
}

func (f *faulty) Save(ctx context.Context, role roles.Role, revision uint64) error {
	if err := f.meet(ctx, "Save"); err != nil {
		return err
	}
	return f.Store.Save(ctx, role, revision)
}

func (f *faulty) Delete(ctx context.Context, appid string, revision uint64) error {
	if err := f.meet(ctx, "Delete"); err != nil {
		return err
	}
	return f.Store.Delete(ctx, appid, revision)
}

var errDown = errors.New("store is down")

func down(context.Context, string) error { return errDown }

func mayRead(appid string) roles.Role {
	return roles.Role{AppID: appid, Permissions: roles.Grants{"read": true}}
}

func mayWrite(appid string) roles.Role {
	return roles.Role{AppID: appid, Permissions: roles.Grants{"write": true}}
}

// outside saves as another process would: not through the directory.
func outside(t *testing.T, s roles.Store, role roles.Role) {
	_, revision, err := s.Load(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), role, revision))
}

// follow opens a directory in a bubble of fake time and runs f there.
func follow(t *testing.T, c roles.Config, f func(t *testing.T, d *roles.Directory, store *faulty)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: roles.NewMemoryStore(mayRead("editor"))}
		c.Store = store
		d, err := roles.Open(t.Context(), c)
		require.NoError(t, err)
		f(t, d, store)
		require.NoError(t, d.Close(context.Background()))
		require.Nil(t, d.Policy(), "a closed directory vouches for nothing")
		require.Error(t, d.Err())
		require.NoError(t, d.Close(context.Background()), "closing again")
		require.Error(t, d.Save(context.Background(), mayWrite("late")))
		require.Error(t, d.Reload(context.Background()))
		require.Nil(t, d.Policy())
	})
}

func TestDirectorySeesChangesOfOthersInTime(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		time.Sleep(7 * time.Second)
		outside(t, store.Store, mayWrite("editor"))
		time.Sleep(roles.DefaultStaleness / 2)
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
		require.Less(t, store.calls.Load()-calls, int64(26), "a poll each half of the staleness")
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
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Nil(t, d.Policy(), "not a moment longer")
		require.Positive(t, told.Load())
		time.Sleep(time.Minute)
		require.Nil(t, d.Policy())

		outside(t, store.Store, mayWrite("editor"))
		store.heal()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		require.True(t, d.Policy().Allows("editor", "write"), "comes back by itself, up to date")
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
		time.Sleep(roles.DefaultStaleness)
		synctest.Wait()
		require.Nil(t, d.Policy())
		store.heal()
		time.Sleep(roles.DefaultStaleness)
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
							t.Error("a policy that nobody vouched for")
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

func TestDirectoryAskingEachTime(t *testing.T) {
	follow(t, roles.Config{Staleness: -1}, func(t *testing.T, d *roles.Directory, store *faulty) {
		require.True(t, d.Policy().Allows("editor", "read"))
		outside(t, store.Store, mayWrite("editor"))
		require.True(t, d.Policy().Allows("editor", "write"), "the next call sees the change")
		store.set(down)
		require.Nil(t, d.Policy())
		require.ErrorIs(t, d.Err(), errDown)
		store.heal()
		require.True(t, d.Policy().Allows("editor", "write"))
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

func TestDirectorySaveAndDelete(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		ctx := t.Context()
		require.NoError(t, d.Save(ctx, mayWrite("editor")))
		require.True(t, d.Policy().Allows("editor", "write"), "the next request sees it")
		require.NoError(t, d.Save(ctx, roles.Role{AppID: "heir", Inherits: []string{"editor"}}))
		require.True(t, d.Policy().Allows("heir", "write"))

		_, before, err := store.Store.Load(ctx)
		require.NoError(t, err)
		for _, refused := range []roles.Role{
			{AppID: "admin"}, {AppID: "Editor"}, {AppID: ""}, {AppID: "editor", Inherits: []string{"heir"}},
			{AppID: "x", Permissions: roles.Grants{"a//b": true}}, {AppID: "x", Inherits: []string{"admin"}}, {AppID: "x", Inherits: []string{"ghost"}},
		} {
			require.NotEmpty(t, roles.Problems(d.Save(ctx, refused)), "%v", refused)
		}
		require.ErrorContains(t, d.Delete(ctx, "editor"), `role "heir": inherits from "editor"`)
		require.ErrorIs(t, d.Delete(ctx, "ghost"), roles.ErrNotFound)
		require.ErrorIs(t, d.Delete(ctx, "admin"), roles.ErrNotFound)
		_, after, err := store.Store.Load(ctx)
		require.NoError(t, err)
		require.Equal(t, before, after, "what is refused stores nothing")

		require.NoError(t, d.Delete(ctx, "heir"))
		require.False(t, d.Policy().Has("heir"))
		require.NoError(t, d.Delete(ctx, "editor"))
		require.False(t, d.Policy().Has("editor"))

		canceled, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, d.Save(canceled, mayRead("editor")), context.Canceled)
		require.False(t, d.Policy().Has("editor"))
		require.NoError(t, d.Err(), "a caller who gave up is no failure of the store")
	})
}

func TestDirectorySaveShowsEvenIfStoreFailsAfterwards(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		var saved atomic.Bool
		store.set(func(_ context.Context, method string) error {
			if saved.Load() {
				return errDown
			}
			saved.Store(method == "Save")
			return nil
		})
		require.NoError(t, d.Save(t.Context(), mayWrite("editor")))
		require.False(t, d.Policy().Allows("editor", "read"))
		require.True(t, d.Policy().Allows("editor", "write"))
		require.ErrorIs(t, d.Err(), errDown)
		time.Sleep(roles.DefaultStaleness)
		synctest.Wait()
		require.Nil(t, d.Policy())
	})
}

func TestDirectorySaveTriesAgain(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		meddle := func(times int) {
			var n atomic.Int64
			store.set(func(_ context.Context, method string) error {
				if i := n.Load(); method == "Save" && i < int64(times) {
					n.Add(1)
					outside(t, store.Store, mayRead(fmt.Sprintf("other-%d", i)))
				}
				return nil
			})
		}
		meddle(3)
		require.NoError(t, d.Save(t.Context(), mayWrite("editor")))
		require.True(t, d.Policy().Allows("editor", "write"))
		require.True(t, d.Policy().Has("other-2"), "what others saved meanwhile is there too")
		meddle(5)
		require.ErrorIs(t, d.Save(t.Context(), mayRead("editor")), roles.ErrConflict)
		require.False(t, d.Policy().Allows("editor", "read"))

		store.set(func(_ context.Context, method string) error {
			if method == "Save" {
				return errDown
			}
			return nil
		})
		require.ErrorIs(t, d.Save(t.Context(), mayRead("editor")), errDown)
	})
}

func TestOpenRefuses(t *testing.T) {
	ctx := t.Context()
	_, err := roles.Open(ctx, roles.Config{Timeout: -1})
	require.ErrorContains(t, err, "needs a store")
	require.ErrorContains(t, err, "below zero")
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
