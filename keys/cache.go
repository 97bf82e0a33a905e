package keys

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A cache keeps what a store of the host's answered, in bounded memory, for as long as the feed says that it has
// not changed. A hit takes no lock and no memory.
//
// The promise rests on two rules. What is kept was asked for when the revision of the moment was known already, so
// that it can only lack changes that the next poll names. And what is kept counts only while a poll that began less
// than the staleness ago has succeeded, with no doubt raised on this node since it began.
type cache struct {
	staleness time.Duration
	report    func(error)
	follower
	flights flights

	confirmed atomic.Pointer[confirmation] // nil: in doubt
	found     digestIndex                  // read without mu, written under it
	absent    absences

	mu        sync.Mutex
	moment    moment
	latest    *confirmation // by the latest poll that succeeded, in doubt or not; nil: there was none
	writes    int           // under way on this node
	residents residents
}

// A moment is how far this node has come in the store's history. What was asked for in one moment is kept in the
// same one only.
type moment struct {
	revision Revision // told by the latest poll
	doubts   uint64   // raised on this node
}

// A confirmation says until when what is kept counts: by the monotonic clock, and by the wall clock too, since the
// former may stand still while a machine is suspended.
type confirmation struct {
	until time.Time
	wall  int64 // Unix microseconds
}

func newCache(c Config, part func(*entry), report func(error)) *cache {
	k := &cache{staleness: c.Staleness, report: report}
	k.residents.init(c.CacheBytes, &k.found, part)
	k.flights.init()
	k.follow(c)
	return k
}

// counts reports whether what is kept may be used at time now.
func (c *cache) counts(now time.Time) bool { return c.confirmed.Load().holds(now) }

func (ok *confirmation) holds(now time.Time) bool {
	return ok != nil && now.Before(ok.until) && now.UnixMicro() < ok.wall
}

// get returns the entry of d in space, or nil. Whether it counts has to be asked first.
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

// present returns the moment. A question to the store that begins now may be kept in it.
func (c *cache) present() moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moment
}

// keep keeps the answer to a question that began at time began in moment m: e, or nil if there is no such key. It
// keeps nothing if the moment has passed, for then it might be an answer of before.
func (c *cache) keep(space string, digests []rawDigest, e *indexed, m moment, began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.latest == nil || m != c.moment:
	case e == nil:
		c.absent.add(space, digests, began)
	case implausible(e.rec, space, "") == "":
		c.residents.add(e)
	}
}

// forget drops e's record.
func (c *cache) forget(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.residents.drop(Ref{e.rec.Space, e.rec.ID})
}

// doubt says that something may have been changed on this node: nothing that is kept counts until a poll that
// begins after this has said what it was.
func (c *cache) doubt() {
	c.raise(0)
	c.kick()
}

// writing is called before a write, and what it returns after it, whatever came of it: what failed may have been
// written all the same. In between nothing that is kept counts, since others may see the change before the writer
// hears that it is done.
func (c *cache) writing() (written func()) {
	c.raise(1)
	return func() {
		c.raise(-1)
		c.kick()
	}
}

// raise raises a doubt, with so many writes more under way.
func (c *cache) raise(writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes += writes
	c.moment.doubts++
	c.confirmed.Store(nil)
}

// take takes in what a poll that began at time began in moment m was told.
func (c *cache) take(told Changes, m moment, began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case told.All,
		m.revision == Revision{} && told.Revision != Revision{}, // for that, no names are asked for
		told.Revision.Number < m.revision.Number,                // it went back: a store brought back from a copy
		!c.latest.holds(began):                                  // or one that was, and is past m.revision again
		c.residents.clear()
	}
	for _, ref := range told.Keys {
		c.residents.drop(ref)
	}
	if told.Revision != m.revision || len(told.Keys) > 0 || told.All {
		c.absent.clear()
	}
	until := began.Add(c.staleness)
	c.moment.revision, c.latest = told.Revision, &confirmation{until, until.UnixMicro()}
	if c.moment.doubts == m.doubts && c.writes == 0 {
		c.confirmed.Store(c.latest)
	}
}

// A doubted store puts what is kept in doubt with every write.
type doubted struct {
	Store
	cache *cache
}

func (s doubted) Insert(ctx context.Context, r Record) error {
	defer s.cache.writing()()
	return s.Store.Insert(ctx, r)
}

func (s doubted) Update(ctx context.Context, r Record) error {
	defer s.cache.writing()()
	return s.Store.Update(ctx, r)
}

func (s doubted) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]Record, error) {
	defer s.cache.writing()()
	return s.Store.InvalidateUser(ctx, space, userID, at)
}

func (s doubted) DropRole(ctx context.Context, role string) (int, error) {
	defer s.cache.writing()()
	return s.Store.DropRole(ctx, role)
}

func (s doubted) Delete(ctx context.Context, space, id string) error {
	defer s.cache.writing()()
	return s.Store.Delete(ctx, space, id)
}
