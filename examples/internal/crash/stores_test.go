package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// stores are the stores under test, each with and without the ring's cache. open returns a ring over a new, empty
// store, wrapped by wrap.
var stores = []struct {
	name   string
	cached bool
	open   func(t *testing.T, wrap func(keys.Store) keys.Store) *keys.Ring
}{
	{"memory", false, func(t *testing.T, _ func(keys.Store) keys.Store) *keys.Ring { // unchanged, or the ring would not recognize it
		return patient(t, keys.Config{Store: keys.NewMemoryStore()})
	}},
	{"memory, cached", true, func(t *testing.T, wrap func(keys.Store) keys.Store) *keys.Ring {
		store := &fedStore{Store: keys.NewMemoryStore(), watching: map[int]func(){}}
		return patient(t, keys.Config{Store: wrap(store), Feed: store})
	}},
	{"SQLite", false, func(t *testing.T, wrap func(keys.Store) keys.Store) *keys.Ring {
		store, _ := sqlite.open(t, sqlite.newDatabase(t))
		return patient(t, keys.Config{Store: wrap(store.Keys())})
	}},
	{"SQLite, cached", true, func(t *testing.T, wrap func(keys.Store) keys.Store) *keys.Ring {
		store, _ := sqlite.open(t, sqlite.newDatabase(t))
		return patient(t, keys.Config{Store: wrap(store.Keys()), Feed: store.Keys()})
	}},
	{"PostgreSQL", false, func(t *testing.T, wrap func(keys.Store) keys.Store) *keys.Ring {
		store, _ := postgres.open(t, postgres.newDatabase(t))
		return patient(t, keys.Config{Store: wrap(store.Keys())})
	}},
	{"PostgreSQL, cached", true, func(t *testing.T, wrap func(keys.Store) keys.Store) *keys.Ring {
		store, _ := postgres.open(t, postgres.newDatabase(t))
		return patient(t, keys.Config{Store: wrap(store.Keys()), Feed: store.Keys()})
	}},
}

func asItIs(s keys.Store) keys.Store { return s }

// patient opens a ring with a long timeout for a busy machine, since these tests want no store errors.
func patient(t *testing.T, c keys.Config) *keys.Ring {
	c.StoreTimeout = 20 * time.Second
	return ring(t, c)
}

// A fedStore adds a feed of changes to a store, so that a ring will cache it.
type fedStore struct {
	keys.Store

	mu       sync.Mutex
	changed  []keys.Ref // the revision is their number; nothing restores this store
	watching map[int]func()
	watchers int
}

// Changes implements [keys.Feed].
func (s *fedStore) Changes(_ context.Context, since keys.Revision) (keys.Changes, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := keys.Changes{Revision: keys.Revision{Number: uint64(len(s.changed)) + 1}}
	if since.Number > 0 {
		now.Keys = append(now.Keys, s.changed[since.Number-1:]...)
		now.All = slices.Contains(now.Keys, keys.Ref{})
	}
	return now, nil
}

// Watch implements [keys.Feed].
func (s *fedStore) Watch(f func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers++
	number := s.watchers
	s.watching[number] = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watching, number)
	}
}

// Insert, Update and the others below record the change in the same step as they make it.
func (s *fedStore) Insert(ctx context.Context, r keys.Record) error {
	return s.change(func() ([]keys.Ref, error) { return []keys.Ref{{Space: r.Space, ID: r.ID}}, s.Store.Insert(ctx, r) })
}

func (s *fedStore) Update(ctx context.Context, r keys.Record) error {
	return s.change(func() ([]keys.Ref, error) { return []keys.Ref{{Space: r.Space, ID: r.ID}}, s.Store.Update(ctx, r) })
}

func (s *fedStore) InvalidateUser(ctx context.Context, space, userID string, at time.Time) (ended []keys.Record, err error) {
	err = s.change(func() (refs []keys.Ref, err error) {
		ended, err = s.Store.InvalidateUser(ctx, space, userID, at)
		for _, r := range ended {
			refs = append(refs, keys.Ref{Space: r.Space, ID: r.ID})
		}
		return refs, err
	})
	return ended, err
}

// DropRole reports an empty Ref, which stands for all keys.
func (s *fedStore) DropRole(ctx context.Context, role string) (n int, err error) {
	err = s.change(func() ([]keys.Ref, error) {
		n, err = s.Store.DropRole(ctx, role)
		return []keys.Ref{{}}, err
	})
	return n, err
}

func (s *fedStore) Delete(ctx context.Context, space, id string) error {
	return s.change(func() ([]keys.Ref, error) { return []keys.Ref{{Space: space, ID: id}}, s.Store.Delete(ctx, space, id) })
}

func (s *fedStore) change(do func() ([]keys.Ref, error)) error {
	s.mu.Lock()
	refs, err := do()
	var tell []func()
	if err == nil {
		s.changed = append(s.changed, refs...)
		for _, f := range s.watching {
			tell = append(tell, f)
		}
	}
	s.mu.Unlock()
	for _, f := range tell {
		f()
	}
	return err
}

// A lossyStore sometimes fails to make a change, and sometimes loses the answer.
type lossyStore struct{ keys.Store }

func lossy(s keys.Store) keys.Store { return lossyStore{s} }

var errLost = errors.New("lost on the way")

func (s lossyStore) Insert(ctx context.Context, r keys.Record) error {
	return lose(func() error { return s.Store.Insert(ctx, r) })
}

func (s lossyStore) Update(ctx context.Context, r keys.Record) error {
	return lose(func() error { return s.Store.Update(ctx, r) })
}

func lose(do func() error) error {
	switch rand.IntN(40) {
	case 0:
		return errLost
	case 1:
		return errors.Join(do(), errLost)
	}
	return do()
}
