package keys_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// long selects the long forms of tests.
var long = os.Getenv("LATCHKEY_LONG") != ""

// A shared store is the store of several nodes: records, and a log of changes.
type shared struct {
	store *keys.MemoryStore
	mu    sync.Mutex
	log   []logged
}

// logged is one change: the n-th has Number n.
type logged struct {
	keys.Ref
	at keys.Revision
}

// revision returns the current revision, under the lock.
func (s *shared) revision() keys.Revision {
	if len(s.log) == 0 {
		return keys.Revision{}
	}
	return s.log[len(s.log)-1].at
}

func newShared() *shared { return &shared{store: keys.NewMemoryStore()} }

// changed writes and logs a change in one step.
func (s *shared) changed(write func() ([]keys.Ref, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs, err := write()
	for _, ref := range refs {
		s.log = append(s.log, logged{ref, s.revision().Next()})
	}
	return err
}

// A node is one process's access to a shared store: a Store and a Feed. Its hooks may sleep, hang or fail.
type node struct {
	*shared
	mu       sync.Mutex
	watchers map[int]func()
	made     int

	// before runs before each call of the shared store, and after runs after it. Their errors become the call's.
	before, after hook[func(ctx context.Context, method string) error]
	row           hook[func(rec *keys.Record)] // changes what Find and Get return
	finds, polls  atomic.Int64
	all, mute     atomic.Bool // name no records; call no watchers
}

// A hook is a function that a test may set while it is in use. The zero hook is none.
type hook[F any] struct{ p atomic.Pointer[F] }

func (h *hook[F]) set(f F) { h.p.Store(&f) }

func (s *shared) node() *node { return &node{shared: s, watchers: map[int]func(){}} }

// ring opens a ring on a node of its own.
func (s *shared) ring(t testing.TB, c keys.Config) (*keys.Ring, *node) {
	t.Helper()
	n := s.node()
	return n.ring(t, c), n
}

func (n *node) ring(t testing.TB, c keys.Config) *keys.Ring {
	t.Helper()
	c.Store, c.Feed = n, n
	return open(t, c)
}

func (n *node) call(ctx context.Context, method string, f func() error) error {
	if before := n.before.p.Load(); before != nil {
		if err := (*before)(ctx, method); err != nil {
			return err
		}
	}
	err := f()
	if after := n.after.p.Load(); after != nil {
		if err := (*after)(ctx, method); err != nil {
			return err
		}
	}
	return err
}

// write is call for a change.
func (n *node) write(ctx context.Context, method string, f func() ([]keys.Ref, error)) error {
	return n.call(ctx, method, func() error {
		err := n.changed(f)
		if err == nil && !n.mute.Load() {
			n.wake()
		}
		return err
	})
}

func (n *node) wake() {
	n.mu.Lock()
	var fs []func()
	for _, f := range n.watchers {
		fs = append(fs, f)
	}
	n.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

func (n *node) Watch(f func()) (stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	id := n.made
	n.watchers[id] = f
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.watchers, id)
	}
}

func (n *node) Changes(ctx context.Context, since keys.Revision) (changes keys.Changes, err error) {
	n.polls.Add(1)
	err = n.call(ctx, "Changes", func() error {
		n.shared.mu.Lock()
		defer n.shared.mu.Unlock()
		changes.Revision = n.revision()
		known := since == keys.Revision{} || since.Number <= uint64(len(n.log)) && n.log[since.Number-1].at == since
		if changes.All = n.all.Load() || !known; !changes.All && since.Number > 0 {
			for _, l := range n.log[since.Number:] {
				changes.Keys = append(changes.Keys, l.Ref)
			}
		}
		if slices.Contains(changes.Keys, anyKey) {
			changes.Keys, changes.All = nil, true
		}
		return nil
	})
	return changes, err
}

func (n *node) Find(ctx context.Context, space string, d []keys.Digest) (rec keys.Record, err error) {
	n.finds.Add(1)
	err = n.call(ctx, "Find", func() (err error) { rec, err = n.store.Find(ctx, space, d); return err })
	if row := n.row.p.Load(); row != nil {
		(*row)(&rec)
	}
	return rec, err
}

func (n *node) Get(ctx context.Context, space, id string) (rec keys.Record, err error) {
	err = n.call(ctx, "Get", func() (err error) { rec, err = n.store.Get(ctx, space, id); return err })
	if row := n.row.p.Load(); row != nil {
		(*row)(&rec)
	}
	return rec, err
}

func (n *node) List(ctx context.Context, space string, f keys.Filter) (list []keys.Record, err error) {
	err = n.call(ctx, "List", func() (err error) { list, err = n.store.List(ctx, space, f); return err })
	return list, err
}

func (n *node) Insert(ctx context.Context, r keys.Record) error {
	return n.write(ctx, "Insert", func() ([]keys.Ref, error) {
		return []keys.Ref{{Space: r.Space, ID: r.ID}}, n.store.Insert(ctx, r)
	})
}

func (n *node) Update(ctx context.Context, r keys.Record) error {
	return n.write(ctx, "Update", func() ([]keys.Ref, error) {
		return []keys.Ref{{Space: r.Space, ID: r.ID}}, n.store.Update(ctx, r)
	})
}

func (n *node) InvalidateUser(ctx context.Context, space, userID string, at time.Time) (ended []keys.Record, err error) {
	err = n.write(ctx, "InvalidateUser", func() (refs []keys.Ref, err error) {
		ended, err = n.store.InvalidateUser(ctx, space, userID, at)
		for _, r := range ended {
			refs = append(refs, keys.Ref{Space: r.Space, ID: r.ID})
		}
		return refs, err
	})
	return ended, err
}

// anyKey is the log entry of a change that names no keys.
var anyKey = keys.Ref{}

func (n *node) DropRole(ctx context.Context, role string) (dropped int, err error) {
	err = n.write(ctx, "DropRole", func() (_ []keys.Ref, err error) {
		dropped, err = n.store.DropRole(ctx, role)
		return []keys.Ref{anyKey}, err
	})
	return dropped, err
}

func (n *node) Delete(ctx context.Context, space, id string) error {
	return n.write(ctx, "Delete", func() ([]keys.Ref, error) {
		return []keys.Ref{{Space: space, ID: id}}, n.store.Delete(ctx, space, id)
	})
}

// warm caches the key, and checks that it is not looked up again.
func (n *node) warm(t testing.TB, r *keys.Ring, key string) {
	t.Helper()
	for range 1000 {
		good(t, r, key)
		before := n.finds.Load()
		good(t, r, key)
		if n.finds.Load() == before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	require.Fail(t, "the key is asked for each time")
}

func TestFeedConfig(t *testing.T) {
	n := newShared().node()
	var none *node
	for want, c := range map[string]keys.Config{
		"Feed holds a nil pointer": {Feed: none},
		"Staleness is negative":    {Feed: n, Staleness: -2},
		"CacheBytes is negative":   {Feed: n, CacheBytes: -1},
	} {
		c.Store = n
		_, err := keys.Open(c)
		require.ErrorContains(t, err, want)
	}
	// A memory store needs no feed, so the feed is not polled.
	r := open(t, keys.Config{Store: n.store, Feed: n})
	key, _ := issue(t, r, keys.Custom{})
	good(t, r, key)
	require.Zero(t, n.polls.Load())
	require.Empty(t, n.watchers)
}
