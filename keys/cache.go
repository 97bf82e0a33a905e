package keys

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
)

const (
	maxPolls  = 4    // that hang; with more, the feed is not asked until one returns
	maxRecent = 4096 // records cached between two polls that are dropped one by one; with more, all are
)

// A cache keeps what a host's store answered, in bounded memory, while the feed confirms that it is current; the
// follower decides when that is so. A hit takes no lock and allocates nothing.
//
// The follower's lock guards everything but found and absent, which are only written under it.
type cache struct {
	*fresh.Follower
	store   Store
	feed    Feed
	calls   *fresh.Group[string, *indexed]
	unwatch func()

	found  digestIndex
	absent negativeCache
	sieve  sieve
	recent []Ref // records that were cached since the last poll
}

func newCache(c Config, limit *ask.Limit, part func(*entry), report func(error)) *cache {
	k := &cache{store: c.Store, feed: c.Feed}
	k.sieve.init(c.CacheBytes, &k.found, part)
	patience := c.StoreTimeout
	if patience == NeverBlocks {
		patience = time.Second
	}
	polls := ask.New(ErrStore, min(patience, c.Staleness), maxPolls) // a later answer would grant no lease
	k.Follower = fresh.NewFollower(fresh.Options{
		Staleness: c.Staleness,
		Poll:      func(ctx context.Context, since Revision) (fresh.Answer, error) { return k.poll(ctx, polls, since) },
		Failed: func(err error, first bool) {
			if first {
				report(fmt.Errorf("keys: the feed does not say what was changed, so the store is asked each time: %w", err))
			}
		},
		Closed: errClosedVerify, Timeout: ErrStore,
	})
	k.calls = fresh.NewGroup[string, *indexed](k.Life(), limit)
	if k.unwatch = k.feed.Watch(k.Invalidate); k.unwatch == nil {
		k.unwatch = func() {}
	}
	return k
}

// close ends the polling. A nil cache has none.
func (c *cache) close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	if c.Life().Err() == nil {
		c.unwatch()
	}
	if err := c.Close(ctx); err != nil {
		return fmt.Errorf("%w: the feed is still being asked: %w", ErrStore, err)
	}
	return nil
}

// get returns the entry of d in space, or nil. It may be used only while the cache is valid.
func (c *cache) get(space string, d *rawDigest) *entry {
	e := c.found.get(space, d)
	if e == nil || !e.by.equal(d) {
		return nil
	}
	if !e.visited.Load() { // mostly it is, and a store would take the cache line from the other processors
		e.visited.Store(true)
	}
	return &e.entry
}

// lookUp asks the store, in one call for all who look up the same digests at the same time.
func (c *cache) lookUp(ctx context.Context, space string, digests []rawDigest, answer answerFunc) (*entry, error) {
	c.Start()
	own := slices.Clone(digests) // the call may last longer than the caller
	x, err := c.calls.Do(ctx, callName(space, own), c.Begin(), c.Join, func(ctx context.Context, call fresh.Call) (*indexed, error) {
		rec, err := c.store.Find(ctx, space, sealAll(own)) // the digests are the store's
		x, err := answer(ctx, own, rec, err)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			c.put(call, space, own, x)
		}
		return x, err
	})
	if err != nil && ctx.Err() == nil {
		c.Failed()
	}
	return x.found(), err
}

// callName is different for each space and set of digests.
func callName(space string, digests []rawDigest) string {
	name := make([]byte, 0, len(space)+64*len(digests)+1)
	name = append(name, byte(len(digests))) // from the end on, everything has a known length
	name = append(name, space...)
	for i := range digests {
		name = append(name, digests[i].algorithm...)
		name = append(name, byte(len(digests[i].algorithm)))
		name = append(name, digests[i].sum[:]...)
	}
	return string(name)
}

// put caches the answer to a look-up: x, or that there is no key if x is nil. If the answer may not be cached, an older
// one is dropped, so that no later caller receives it.
func (c *cache) put(call fresh.Call, space string, digests []rawDigest, x *indexed) {
	c.Keep(call, func(keep bool) {
		if x == nil || !keep {
			for i := range digests {
				if old := c.found.get(space, &digests[i]); old != nil {
					c.sieve.drop(Ref{space, old.rec.ID})
				}
			}
		}
		switch {
		case !keep:
		case x == nil:
			c.absent.add(space, digests, time.Now())
		case implausible(x.rec, space, "") == "":
			c.sieve.add(x)
			if len(c.recent) < maxRecent {
				c.recent = append(c.recent, Ref{space, x.rec.ID})
			}
		}
	})
}

// forget drops e's record.
func (c *cache) forget(e *entry) { c.Locked(func() { c.sieve.drop(Ref{e.rec.Space, e.rec.ID}) }) }

// poll asks the feed what was changed after since.
func (c *cache) poll(ctx context.Context, l *ask.Limit, since Revision) (fresh.Answer, error) {
	changes, err := ask.Do(ctx, l, func(ctx context.Context) (Changes, error) { return c.feed.Changes(ctx, since) })
	if err != nil {
		return fresh.Answer{}, wrapStoreError(err)
	}
	return fresh.Answer{Revision: changes.Revision, Apply: func(_ fresh.Lease, recent bool) { c.apply(changes, since, recent) }}, nil
}

// apply drops what was changed after since, and with recent what was cached since the last poll. The follower's lock is
// held.
func (c *cache) apply(changes Changes, since Revision, recent bool) {
	if changes.Revision != since || len(changes.Keys) > 0 || changes.All || recent {
		c.absent.clear()
	}
	switch {
	case changes.All,
		since == Revision{} && changes.Revision != since, // then the feed names no records
		changes.Revision.Number < since.Number,           // it should have said All
		recent && len(c.recent) == maxRecent:
		c.sieve.clear()
	default:
		for _, ref := range changes.Keys {
			c.sieve.drop(ref)
		}
		if recent {
			for _, ref := range c.recent {
				c.sieve.drop(ref)
			}
		}
	}
	c.recent = c.recent[:0]
}

// A notifyingStore tells the cache of every write.
type notifyingStore struct {
	Store
	cache *cache
}

func (s notifyingStore) Insert(ctx context.Context, r Record) error {
	defer s.cache.Writing()()
	return s.Store.Insert(ctx, r)
}

func (s notifyingStore) Update(ctx context.Context, r Record) error {
	defer s.cache.Writing()()
	return s.Store.Update(ctx, r)
}

func (s notifyingStore) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]Record, error) {
	defer s.cache.Writing()()
	return s.Store.InvalidateUser(ctx, space, userID, at)
}

func (s notifyingStore) DropRole(ctx context.Context, role string) (int, error) {
	defer s.cache.Writing()()
	return s.Store.DropRole(ctx, role)
}

func (s notifyingStore) Delete(ctx context.Context, space, id string) error {
	defer s.cache.Writing()()
	return s.Store.Delete(ctx, space, id)
}

const (
	absentSlots = 8192
	absentFor   = time.Second
)

// A negativeCache holds digests that the store does not have, for a second, so that one bad client does not keep the
// store busy. There is one slot for each hash: a flood of made-up keys overwrites slots, and takes no more memory and
// nothing else out of the cache. The zero value is empty. It is safe for concurrent use.
type negativeCache struct {
	slots atomic.Pointer[absentTable] // nil: empty
}

type absentTable struct {
	seed  maphash.Seed
	slots [absentSlots]atomic.Pointer[absentDigest]
}

type absentDigest struct {
	space  string
	digest rawDigest
	until  time.Time
}

func (t *absentTable) slot(d *rawDigest) *atomic.Pointer[absentDigest] {
	return &t.slots[maphash.Bytes(t.seed, d.sum[:])%absentSlots]
}

// has reports whether the store recently had none of digests. It may be used only while the cache is valid.
func (a *negativeCache) has(space string, digests []rawDigest, now time.Time) bool {
	t := a.slots.Load()
	if t == nil {
		return false
	}
	for i := range digests {
		gone := t.slot(&digests[i]).Load()
		if gone == nil || gone.digest != digests[i] || gone.space != space || !now.Before(gone.until) {
			return false
		}
	}
	return true
}

// add notes that the store had none of digests at time at. Callers take turns with each other and with clear.
func (a *negativeCache) add(space string, digests []rawDigest, at time.Time) {
	if len(space) > maxName { // no key is ever issued there
		return
	}
	t := a.slots.Load()
	if t == nil {
		t = &absentTable{seed: maphash.MakeSeed()}
		a.slots.Store(t)
	}
	space = strings.Clone(space) // it may be a piece of a large request
	for i := range digests {
		t.slot(&digests[i]).Store(&absentDigest{space, digests[i], at.Add(absentFor)})
	}
}

// clear empties the cache.
func (a *negativeCache) clear() {
	if t := a.slots.Load(); t != nil {
		a.slots.Store(nil)
	}
}
