package keys_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

var errDown = errors.New("connection refused")

// faulty is a store that fails when a test asks for it.
type faulty struct {
	keys.Store
	fail, readOnly atomic.Bool
}

func (f *faulty) down(write bool) error {
	if f.fail.Load() || write && f.readOnly.Load() {
		return errDown
	}
	return nil
}

func (f *faulty) Find(ctx context.Context, space string, d []keys.Digest) (keys.Record, error) {
	if err := f.down(false); err != nil {
		return keys.Record{}, err
	}
	return f.Store.Find(ctx, space, d)
}

func (f *faulty) List(ctx context.Context, space string, filter keys.Filter) ([]keys.Record, error) {
	if err := f.down(false); err != nil {
		return nil, err
	}
	return f.Store.List(ctx, space, filter)
}

func (f *faulty) Insert(ctx context.Context, r keys.Record) error {
	if err := f.down(true); err != nil {
		return err
	}
	return f.Store.Insert(ctx, r)
}

func (f *faulty) Update(ctx context.Context, r keys.Record) error {
	if err := f.down(true); err != nil {
		return err
	}
	return f.Store.Update(ctx, r)
}

// finder is a store whose Find is replaced.
type finder struct {
	keys.Store
	find func(ctx context.Context, space string, d []keys.Digest) (keys.Record, error)
}

func (f finder) Find(ctx context.Context, space string, d []keys.Digest) (keys.Record, error) {
	return f.find(ctx, space, d)
}

// No fault of a store decides whether a key is valid, and none delays Verify beyond its deadline.
func TestFaultsAreStoreErrors(t *testing.T) {
	s := keys.NewMemoryStore()
	writer := open(t, keys.Config{Store: s})
	key, rec := issue(t, writer, keys.Custom{Role: "editor"})
	_, otherRec := issue(t, writer, keys.Custom{})
	rec, otherRec = stored(t, s, rec), stored(t, s, otherRec)
	algorithm, sum := rec.Digest.Reveal()
	nearly := sum
	nearly[31] ^= 1
	alter := func(f func(*keys.Record)) func(context.Context, string, []keys.Digest) (keys.Record, error) {
		return func(ctx context.Context, space string, d []keys.Digest) (keys.Record, error) {
			r, err := s.Find(ctx, space, d)
			f(&r)
			return r, err
		}
	}
	fails := func(err error) func(context.Context, string, []keys.Digest) (keys.Record, error) {
		return func(context.Context, string, []keys.Digest) (keys.Record, error) { return rec, err }
	}
	for name, find := range map[string]func(context.Context, string, []keys.Digest) (keys.Record, error){
		"fails":                  fails(errDown),
		"says unknown":           fails(keys.ErrUnknown),
		"says invalidated":       fails(fmt.Errorf("row: %w", keys.ErrInvalidated)),
		"says invalid":           fails(keys.ErrInvalid),
		"store error, not found": fails(fmt.Errorf("%w: %w", keys.ErrStore, keys.ErrNotFound)),
		"panics":                 func(context.Context, string, []keys.Digest) (keys.Record, error) { panic(key) },
		"panics with nil map":    func(context.Context, string, []keys.Digest) (keys.Record, error) { panic(map[string]int(nil)) },
		"ends its goroutine":     func(context.Context, string, []keys.Digest) (keys.Record, error) { runtime.Goexit(); return rec, nil },
		"hangs until ctx": func(ctx context.Context, _ string, _ []keys.Digest) (keys.Record, error) {
			<-ctx.Done()
			return rec, ctx.Err()
		},
		"hangs, then succeeds": func(context.Context, string, []keys.Digest) (keys.Record, error) {
			time.Sleep(time.Hour)
			return rec, nil
		},
		"zero record":          func(context.Context, string, []keys.Digest) (keys.Record, error) { return keys.Record{}, nil },
		"row of another query": func(context.Context, string, []keys.Digest) (keys.Record, error) { return otherRec, nil },
		"changes the digests": func(_ context.Context, _ string, d []keys.Digest) (keys.Record, error) {
			d[0] = otherRec.Digest
			return otherRec, nil
		},
		"other algorithm":        alter(func(r *keys.Record) { r.Digest = keys.NewDigest("md5", sum) }),
		"one bit off":            alter(func(r *keys.Record) { r.Digest = keys.NewDigest(algorithm, nearly) }),
		"other space":            alter(func(r *keys.Record) { r.Space = "b" }),
		"no ID":                  alter(func(r *keys.Record) { r.ID = "" }),
		"no generation":          alter(func(r *keys.Record) { r.Generation = 0 }),
		"no kind":                alter(func(r *keys.Record) { r.Kind = "" }),
		"unknown kind":           alter(func(r *keys.Record) { r.Kind = "root" }),
		"kind of another prefix": alter(func(r *keys.Record) { r.Kind, r.UserID, r.Role = keys.KindUser, "anna", "" }),
		"user key without user":  alter(func(r *keys.Record) { r.Kind, r.Legacy, r.Role = keys.KindUser, true, "" }),
		"custom key with user":   alter(func(r *keys.Record) { r.UserID = "anna" }),
		"negative overlap":       alter(func(r *keys.Record) { r.Overlap = -1 }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reported []error
				r, err := keys.Open(keys.Config{Store: finder{s, find}, StoreTimeout: time.Second, OnError: func(err error) { reported = append(reported, err) }})
				require.NoError(t, err)
				began := time.Now()
				undecided(t, r, key)
				require.LessOrEqual(t, time.Since(began), time.Second)
				_, err = r.Verify(ctx, key)
				require.NotContains(t, err.Error(), key)
				if strings.Contains(err.Error(), "corrupt record") {
					require.Len(t, reported, 2)
				}
				require.NoError(t, r.Close(ctx))
				time.Sleep(2 * time.Hour) // hung goroutines return; synctest fails if one is left
			})
		})
	}
}

// A corrupt record in the memory store is a store error too.
func TestACorruptRecordInMemory(t *testing.T) {
	s := keys.NewMemoryStore()
	var reported atomic.Int64
	r := open(t, keys.Config{Store: s, OnError: func(error) { reported.Add(1) }})
	key, rec := issue(t, r, keys.Custom{})
	rec = stored(t, s, rec)
	rec.Generation++
	rec.Role, rec.Overlap = "editor", -1
	require.NoError(t, s.Update(ctx, rec))
	undecided(t, r, key)
	require.EqualValues(t, 1, reported.Load())
}

func TestCallerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		r := open(t, keys.Config{Store: finder{s, func(ctx context.Context, space string, d []keys.Digest) (keys.Record, error) {
			<-ctx.Done()
			return keys.Record{}, keys.ErrNotFound // a careless store
		}}})
		key, _ := issue(t, r, keys.Custom{})
		gone, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		for range 2 {
			_, err := r.Verify(gone, key)
			require.ErrorIs(t, err, keys.ErrStore)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, keys.ErrInvalid)
		}
	})
}

// A hung store costs a bounded number of goroutines, and each caller gets an answer in time.
func TestHungStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		var inside, most atomic.Int64
		heal := make(chan struct{})
		r := open(t, keys.Config{MaxWaiting: 10, Store: finder{s, func(ctx context.Context, space string, d []keys.Digest) (keys.Record, error) {
			most.Store(max(most.Load(), inside.Add(1)))
			defer inside.Add(-1)
			<-heal
			return s.Find(context.WithoutCancel(ctx), space, d)
		}}})
		key, _ := issue(t, r, keys.Custom{})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				began := time.Now()
				_, err := r.Verify(ctx, key)
				if !errors.Is(err, keys.ErrStore) || errors.Is(err, keys.ErrInvalid) || time.Since(began) > time.Second {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 10, most.Load())
		close(heal)
		synctest.Wait()
		good(t, r, key)
	})
}

type brokenSource struct{ n int }

func (b *brokenSource) Read(p []byte) (int, error) {
	if b.n == 0 {
		return 0, errors.New("no entropy")
	}
	n := min(b.n, len(p))
	b.n -= n
	return n, nil
}

// A random source that fails or is short is an error, never a key.
func TestRandomSource(t *testing.T) {
	for n := range 32 { // 16 bytes for the key, 16 for the ID
		s := keys.NewMemoryStore()
		r := open(t, keys.Config{Store: s})
		_, rec := issue(t, r, keys.Custom{})
		keys.SetRandom(r, &brokenSource{n})
		issued, err := r.IssueCustom(ctx, keys.Custom{})
		require.Error(t, err, "%d bytes", n)
		require.NotErrorIs(t, err, keys.ErrInvalid)
		require.Zero(t, issued)
		if n < 16 {
			keys.SetRandom(r, &brokenSource{n})
			issued, err = r.Refresh(ctx, rec.ID, keys.Renewal{})
			require.Error(t, err)
			require.Zero(t, issued)
		}
		list, err := s.List(ctx, "", keys.Filter{})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, uint64(1), list[0].Generation)
	}
}
