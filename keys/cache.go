package keys

import (
	"cmp"
	"context"
	"errors"
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
	maxPolls  = 4    // polls that hang; then the feed is not asked until one returns
	maxRecent = 4096 // records cached between two polls that are dropped singly; if there are more, all records are dropped
)

// A cache holds the answers of a host's store, in bounded memory. The follower polls the feed and decides whether they may
// be used. A hit takes no lock and allocates nothing.
//
// The follower's lock guards all fields. found and absent may be read without it.
type cache struct {
	*fresh.Follower
	store   Store
	feed    Feed
	calls   *fresh.Group[string, *indexed]
	unwatch func()

	found  digestIndex
	absent negativeCache
	sieve  sieve
	// Records that were cached since the last poll was applied, and in the time before, in which it may have begun.
	recent, earlier []Ref
}

func newCache(c Config, limit *ask.Limit, evicted func(*entry), report func(error)) *cache {
	k := &cache{store: c.Store, feed: c.Feed}
	k.sieve.init(c.CacheBytes, &k.found, evicted)
	timeout := c.StoreTimeout
	if timeout == NeverBlocks {
		timeout = time.Second
	}
	polls := ask.New(ErrStore, min(timeout, c.Staleness), maxPolls) // a later answer would grant no lease
	k.Follower = fresh.NewFollower(fresh.Options{
		Staleness: c.Staleness,
		Poll:      func(ctx context.Context, since Revision) (fresh.Answer, error) { return k.poll(ctx, polls, since) },
		Failed: func(err error, first bool) {
			if first {
				report(fmt.Errorf("keys: the feed failed, so the store is asked each time: %w", err))
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

// close stops polling. A nil cache does not poll.
func (c *cache) close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	if c.Life().Err() == nil {
		c.unwatch()
	}
	if err := c.Close(ctx); err != nil {
		return fmt.Errorf("%w: the feed is still being polled: %w", ErrStore, err)
	}
	return nil
}

// get returns the entry of d in space, or nil. It may be used only while the cache is valid.
func (c *cache) get(space string, d *rawDigest) *entry {
	e := c.found.get(space, d)
	if e == nil || !e.by.equal(d) {
		return nil
	}
	if !e.visited.Load() { // a store would take the cache line from other processors, and is seldom needed
		e.visited.Store(true)
	}
	return &e.entry
}

// lookUp asks the store. Concurrent look-ups of the same digests share one call.
func (c *cache) lookUp(ctx context.Context, space string, digests []rawDigest, answer answerFunc) (*entry, error) {
	c.Start()
	own := slices.Clone(digests) // the call may outlast the caller
	x, err := c.calls.Do(ctx, callName(space, own), c.Begin(), c.Join, func(ctx context.Context) (*indexed, error) {
		rec, err := c.store.Find(ctx, space, sealAll(own)) // a copy, for the store
		if err != nil && !errors.Is(err, ErrNotFound) {
			c.Failed()
		}
		x, err := answer(ctx, own, rec, err)
		return x, cmp.Or(err, ctx.Err())
	}, func(call fresh.Call, x *indexed, keep bool) { c.put(call, space, own, x, keep) })
	return x.found(), err
}

// callName returns a different name for each space and set of digests.
func callName(space string, digests []rawDigest) string {
	name := make([]byte, 0, len(space)+64*len(digests)+1)
	name = append(name, byte(len(digests))) // read from its end, every part has a known length
	name = append(name, space...)
	for i := range digests {
		name = append(name, digests[i].algorithm...)
		name = append(name, byte(len(digests[i].algorithm)))
		name = append(name, digests[i].sum[:]...)
	}
	return string(name)
}

// put caches the answer to a look-up: x, or that there is no key if x is nil. If the answer may not be cached, put drops an
// older one, so that no later caller receives it.
func (c *cache) put(call fresh.Call, space string, digests []rawDigest, x *indexed, newest bool) {
	c.Keep(call, func(keep bool) {
		keep = keep && newest
		for i := range digests {
			old := c.found.get(space, &digests[i])
			if old == nil {
				continue
			}
			if keep && x != nil && old.rec.ID == x.rec.ID && old.rec.Generation > x.rec.Generation {
				return // by a look-up of other digests that began later
			}
			c.sieve.drop(Ref{space, old.rec.ID})
		}
		switch {
		case !keep:
		case x == nil:
			c.absent.add(space, digests, time.Now())
		case corruption(x.rec, space, "") == "":
			c.sieve.add(x)
			if len(c.recent) < maxRecent {
				c.recent = append(c.recent, Ref{space, x.rec.ID})
			}
		}
	})
}

// drop drops e's record.
func (c *cache) drop(e *entry) { c.Locked(func() { c.sieve.drop(Ref{e.rec.Space, e.rec.ID}) }) }

// poll asks the feed for the changes after since.
func (c *cache) poll(ctx context.Context, l *ask.Limit, since Revision) (fresh.Answer, error) {
	changes, err := ask.Do(ctx, l, func(ctx context.Context) (Changes, error) { return c.feed.Changes(ctx, since) })
	if err != nil {
		return fresh.Answer{}, wrapStoreError(err)
	}
	return fresh.Answer{Revision: changes.Revision, Apply: func(_ fresh.Lease, recent bool) { c.apply(changes, since, recent) }}, nil
}

// apply drops the records that were changed after since. If recent is set, it also drops those that were cached since the
// last poll. The follower's lock is held.
func (c *cache) apply(changes Changes, since Revision, recent bool) {
	if changes.Revision != since || len(changes.Keys) > 0 || changes.All || recent {
		c.absent.clear()
	}
	switch {
	case changes.All,
		since == Revision{} && changes.Revision != since, // the feed names no records after the zero Revision
		changes.Revision.Number < since.Number,           // the feed should have set All
		recent && max(len(c.recent), len(c.earlier)) == maxRecent:
		c.sieve.clear()
	default:
		for _, ref := range changes.Keys {
			c.sieve.drop(ref)
		}
		if recent {
			for _, ref := range slices.Concat(c.earlier, c.recent) {
				c.sieve.drop(ref)
			}
		}
	}
	c.earlier, c.recent = c.recent, c.earlier[:0]
}

// A notifyingStore invalidates the cache with every write.
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

// A negativeCache holds, for a second, digests that the store does not have, so that one bad client causes few calls of the
// store. Each hash has one slot: a flood of invalid keys overwrites slots, takes no more memory and evicts no record. The
// zero value is empty. It is safe for concurrent use.
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

// has reports whether a look-up that was answered less than a second ago found none of digests. It may be used only while the cache is valid.
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

// add records that the store had none of digests at time at. The follower's lock is held.
func (a *negativeCache) add(space string, digests []rawDigest, at time.Time) {
	if len(space) > maxName { // no key can be issued in it
		return
	}
	t := a.slots.Load()
	if t == nil {
		t = &absentTable{seed: maphash.MakeSeed()}
		a.slots.Store(t)
	}
	space = strings.Clone(space) // it may be part of a large request
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
