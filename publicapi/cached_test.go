package publicapi_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

const staleness = 5 * time.Second

// A far store is shared with another node. Its hook may sleep, hang or fail.
type far struct {
	*publicapi.MemoryStore
	loads atomic.Int64
	load  hook[func(context.Context) error]
	save  hook[func() error]
}

// A hook is a function that a test may set while it is in use. The zero hook is none.
type hook[F any] struct{ p atomic.Pointer[F] }

func (h *hook[F]) set(f F) { h.p.Store(&f) }
func (h *hook[F]) unset()  { h.p.Store(nil) }

func (f *far) Load(ctx context.Context) (publicapi.Setting, error) {
	f.loads.Add(1)
	if load := f.load.p.Load(); load != nil {
		if err := (*load)(ctx); err != nil {
			return publicapi.Setting{}, err
		}
	}
	return f.MemoryStore.Load(ctx)
}

func (f *far) Save(ctx context.Context, s publicapi.Setting) error {
	if save := f.save.p.Load(); save != nil {
		if err := (*save)(); err != nil {
			return err
		}
	}
	return f.MemoryStore.Save(ctx, s)
}

// newCached returns a service that caches the setting, and one of another node that does not. visitor is public.
func newCached(t *testing.T) (here, elsewhere *publicapi.Service, store *far) {
	t.Helper()
	store = &far{MemoryStore: publicapi.NewMemoryStore()}
	policy := roles.MustCompile(visitor, author, denied)
	here, err := publicapi.New(publicapi.Config{Store: store, Roles: policy, Catalog: catalog(t), Staleness: staleness})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, here.Close(context.Background())) })
	elsewhere, err = publicapi.New(publicapi.Config{Store: store.MemoryStore, Roles: policy, Catalog: catalog(t), Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	require.NoError(t, open(t.Context(), elsewhere, "visitor"))
	return here, elsewhere, store
}

func public(t *testing.T, s *publicapi.Service) string {
	t.Helper()
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	return role
}

func TestTheSettingIsCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, elsewhere, store := newCached(t)
		require.True(t, ask.Bounded(s))
		require.True(t, ask.Bounded(publicapi.Fixed("visitor")))
		require.Zero(t, store.loads.Load(), "the store is not asked before the first request")
		require.Equal(t, "visitor", public(t, s))
		require.EqualValues(t, 1, store.loads.Load())
		synctest.Wait()
		goroutines := runtime.NumGoroutine()
		require.Zero(t, testing.AllocsPerRun(100, func() { s.PublicRole(t.Context()) }))
		require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+1, "the runtime may run a cleanup of its own")
		require.EqualValues(t, 1, store.loads.Load())

		time.Sleep(time.Hour)
		synctest.Wait()
		require.InDelta(t, 1800, store.loads.Load(), 2, "each 2 s, a bit sooner than half of the staleness")

		require.NoError(t, elsewhere.Disable(t.Context(), "bob"))
		time.Sleep(staleness)
		require.Empty(t, public(t, s), "a change of another node")
	})
}

func TestOwnChangesActAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, store := newCached(t)
		require.Equal(t, "visitor", public(t, s))
		// A call of Load that began before the change and returns after it must not restore the old setting.
		store.load.set(func(context.Context) error {
			if store.loads.Load() == 2 {
				time.Sleep(500 * time.Millisecond)
			}
			return nil
		})
		time.Sleep(2100 * time.Millisecond) // a poll is running
		require.EqualValues(t, 2, store.loads.Load())
		require.NoError(t, s.Disable(t.Context(), "ada"))
		require.Empty(t, public(t, s))
		time.Sleep(time.Second)
		require.Empty(t, public(t, s))
		require.NoError(t, open(t.Context(), s, "visitor"))
		require.Equal(t, "visitor", public(t, s))

		store.save.set(func() error {
			store.save.unset()
			was, _ := store.MemoryStore.Load(t.Context())
			return errors.Join(errDown, store.MemoryStore.Save(t.Context(), publicapi.Setting{Revision: was.Revision}))
		})
		require.ErrorIs(t, s.Disable(t.Context(), "ada"), errDown)
		require.Empty(t, public(t, s), "it failed, and was done")
	})
}

// While the store is down the cached setting is used until its staleness is over. After that there is an error, in time.
func TestCachedWhileTheStoreIsDown(t *testing.T) {
	for name, trouble := range map[string]func(context.Context) error{
		"fails":          func(context.Context) error { return errDown },
		"panics":         func(context.Context) error { panic("store") },
		"hangs":          func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"hangs for long": func(context.Context) error { time.Sleep(time.Minute); return errDown },
		"ends":           func(context.Context) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, elsewhere, store := newCached(t)
				require.Equal(t, "visitor", public(t, s))
				confirmed := time.Now()
				store.load.set(trouble)
				require.NoError(t, elsewhere.Disable(t.Context(), "ada"))
				time.Sleep(time.Until(confirmed.Add(staleness)) - time.Millisecond)
				require.Equal(t, "visitor", public(t, s))
				time.Sleep(time.Millisecond)
				goroutines := runtime.NumGoroutine()
				for range 10 {
					began := time.Now()
					role, err := s.PublicRole(t.Context())
					require.Error(t, err)
					require.NotErrorIs(t, err, keys.ErrInvalid)
					require.Empty(t, role)
					require.LessOrEqual(t, time.Since(began), time.Second+50*time.Millisecond)
				}
				require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+10)
				require.Error(t, s.Reload(t.Context()))
				store.load.unset()
				time.Sleep(2 * time.Minute)
				require.Empty(t, public(t, s), "by itself")
			})
		})
	}
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, elsewhere, _ := newCached(t)
		require.Equal(t, "visitor", public(t, s))
		require.NoError(t, elsewhere.Disable(t.Context(), "bob"))
		require.NoError(t, s.Reload(t.Context()))
		require.Empty(t, public(t, s))
		require.NoError(t, elsewhere.Reload(t.Context()), "nothing is cached")

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, s.Reload(gone), context.Canceled)
	})
}

// Other requests do not get the setting that one request's transaction sees.
func TestTheStoreReceivesNoValuesOfTheCaller(t *testing.T) {
	type tx struct{}
	s, _, store := newCached(t)
	store.load.set(func(ctx context.Context) error {
		require.Nil(t, ctx.Value(tx{}))
		return nil
	})
	_, err := s.PublicRole(context.WithValue(t.Context(), tx{}, "uncommitted"))
	require.NoError(t, err)
}

func TestManyAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, store := newCached(t)
		store.load.set(func(context.Context) error { time.Sleep(time.Second / 2); return nil })
		got := make(chan string, 50)
		for range cap(got) {
			go func() {
				role, err := s.PublicRole(t.Context())
				if err != nil {
					t.Error(err)
				}
				got <- role
			}()
		}
		for range cap(got) {
			require.Equal(t, "visitor", <-got)
		}
		require.EqualValues(t, 1, store.loads.Load())
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, elsewhere, store := newCached(t)
		require.Equal(t, "visitor", public(t, s))
		store.load.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		time.Sleep(2500 * time.Millisecond) // a poll hangs
		for _, s := range []*publicapi.Service{s, elsewhere} {
			require.NoError(t, s.Close(context.Background()))
			require.NoError(t, s.Close(context.Background()))
			role, err := s.PublicRole(t.Context())
			require.Error(t, err)
			require.Empty(t, role)
			require.Error(t, s.Reload(t.Context()))
		}
		// synctest fails if a goroutine is left.
	})
}

// A role that is deleted closes the public API at once here, though the cached setting still names it and a role of
// that name is saved again; and it stays closed while the store can't be written.
func TestADeletedRoleIsNotCached(t *testing.T) {
	for _, failing := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor, denied)})
			require.NoError(t, err)
			defer directory.Close(context.Background())
			store := &far{MemoryStore: publicapi.NewMemoryStore()}
			require.NoError(t, store.Save(t.Context(), publicapi.Setting{Role: "visitor"}))
			s, err := publicapi.New(publicapi.Config{Store: store, Directory: directory, Staleness: staleness})
			require.NoError(t, err)
			defer s.Close(context.Background())
			require.Equal(t, "visitor", public(t, s))
			if failing {
				store.save.set(func() error { return errDown })
			} else {
				// Another node has closed it and opened it with another role, which this node has not read.
				require.NoError(t, over(t, store, publicapi.Setting{Role: "denied"}))
			}
			require.NoError(t, directory.Delete(t.Context(), "visitor"))
			require.NoError(t, directory.Save(t.Context(), visitor))
			role, err := s.PublicRole(t.Context())
			if failing {
				require.ErrorIs(t, err, errDown)
				require.Empty(t, role)
				store.save.unset()
				require.Empty(t, public(t, s))
				return
			}
			require.NoError(t, err)
			require.Equal(t, "denied", role)
		})
	}
}

// Another node deletes the public role, which closes the public API, and saves a role of that name with more permissions.
// When this node knows the new role, it also knows that the public API is closed.
func TestARoleMadeAgainElsewhereIsNotPublic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rs := roles.NewMemoryStore(visitor)
		here, err := roles.Open(t.Context(), roles.Config{Store: rs})
		require.NoError(t, err)
		defer here.Close(context.Background())
		store := &far{MemoryStore: publicapi.NewMemoryStore()}
		require.NoError(t, store.Save(t.Context(), publicapi.Setting{Role: "visitor"}))
		s, err := publicapi.New(publicapi.Config{Store: store, Directory: here, Staleness: staleness})
		require.NoError(t, err)
		defer s.Close(context.Background())
		require.Equal(t, "visitor", public(t, s))

		elsewhere, err := roles.Open(t.Context(), roles.Config{Store: rs})
		require.NoError(t, err)
		defer elsewhere.Close(context.Background())
		require.NoError(t, elsewhere.Delete(t.Context(), "visitor"))
		require.NoError(t, over(t, store, publicapi.Setting{}))
		require.NoError(t, elsewhere.Save(t.Context(), roles.Role{AppID: "visitor", Permissions: roles.Grants{"**": true}}))

		require.NoError(t, here.Reload(t.Context()))
		require.Empty(t, public(t, s))
	})
}

// Two nodes change and read the setting, while each call of the store is delayed. On the node
// that made a change the next request sees it; on the other one it does within the staleness.
func TestNodesAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Second) // Close does not wait for a running call, which must return before the bubble ends
		rnd := rand.New(rand.NewPCG(seed, 0))
		shared := publicapi.NewMemoryStore()
		policy := roles.MustCompile(visitor, author)
		var nodes [2]*publicapi.Service
		for i := range nodes {
			store := &far{MemoryStore: shared}
			store.load.set(func(context.Context) error {
				time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
				return nil
			})
			s, err := publicapi.New(publicapi.Config{Store: store, Roles: policy, Catalog: catalog(t), Staleness: staleness})
			require.NoError(t, err)
			defer s.Close(context.Background())
			nodes[i] = s
		}
		truth, on, at := "", 0, time.Now().Add(-time.Hour)
		seen := 0
		for range 5000 {
			i := rnd.IntN(2)
			if rnd.IntN(20) == 0 {
				var err error
				if truth == "" {
					truth, err = "visitor", open(t.Context(), nodes[i], "visitor")
				} else {
					truth, err = "", nodes[i].Disable(t.Context(), "ada")
				}
				require.NoError(t, err)
				on, at = i, time.Now()
				continue
			}
			began := time.Now()
			role := public(t, nodes[i])
			if i == on || began.Sub(at) > staleness {
				seen++
				require.Equal(t, truth, role, "node %d, %v after a change of node %d", i, began.Sub(at), on)
			}
			time.Sleep(time.Duration(rnd.IntN(1000)) * time.Millisecond)
		}
		require.Greater(t, seen, 1000)
	})
}

func TestStalenessIsNotNegative(t *testing.T) {
	_, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: roles.MustCompile(visitor), Staleness: -2})
	require.ErrorContains(t, err, "Staleness is negative")
}
