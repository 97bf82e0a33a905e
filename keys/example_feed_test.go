package keys_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// A counted store has the simplest feed: it counts its changes after they are stored, and does not name the changed records.
// InvalidateUser and Delete, which are left out here, count too.
type counted struct {
	*keys.MemoryStore // in place of a table
	mu                sync.Mutex
	revision          keys.Revision
	questions         atomic.Int64
}

func (c *counted) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	c.questions.Add(1)
	return c.MemoryStore.Find(ctx, space, digests)
}

func (c *counted) Insert(ctx context.Context, r keys.Record) error {
	defer c.count()
	return c.MemoryStore.Insert(ctx, r)
}

func (c *counted) Update(ctx context.Context, r keys.Record) error {
	defer c.count()
	return c.MemoryStore.Update(ctx, r)
}

func (c *counted) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision = c.revision.Next()
}

func (c *counted) Changes(_ context.Context, since keys.Revision) (keys.Changes, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return keys.Changes{Revision: c.revision, All: c.revision != since}, nil
}

func (c *counted) Watch(func()) (stop func()) { return func() {} } // no notifications

// With a feed a ring caches keys, and still refuses an invalidated key at once.
func ExampleFeed() {
	ctx := context.Background()
	store := &counted{MemoryStore: keys.NewMemoryStore()}
	ring, err := keys.Open(keys.Config{Store: store, LastUsed: store, Feed: store, Staleness: 5 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ring.Close(ctx)
	issued, _ := ring.IssueCustom(ctx, keys.Custom{Name: "Website build", Role: "editor"})
	for range 1000 {
		_, err = ring.Verify(ctx, issued.Key.Reveal())
		time.Sleep(10 * time.Microsecond)
	}
	fmt.Println("good:", err == nil, "- most were cached:", store.questions.Load() < 500)

	_ = ring.Invalidate(ctx, issued.Record.ID)
	_, err = ring.Verify(ctx, issued.Key.Reveal())
	fmt.Println(err)
	// Output:
	// good: true - most were cached: true
	// keys: invalid key: invalidated
}
