package keys

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	legacyRefresh = 5 * time.Second // between two readings of the list of imported keys
	legacyShare   = 20              // a list that takes long to read is read the more rarely
	legacyPause   = time.Second     // after a reading that failed
	legacyTimeout = time.Minute     // for one reading
	maxSpaces     = 1 << 12         // spaces of which the set is kept; more begin afresh
)

// maxLegacy bounds a set. Over it, every failing checksum is looked up.
var maxLegacy = 1 << 18

// legacySets holds, for each space, what tells imported keys from junk.
type legacySets struct {
	sets atomic.Pointer[map[string]*legacySet] // replaced, never changed: junk takes no lock
	mu   sync.Mutex                            // of who replaces it
}

// A legacySet knows the first eight bytes of the digests of a space's imported keys. A text in it is worth
// a look-up and nothing more. The set is read from the store when it is first needed, and again, at most once
// in legacyRefresh, when a text is not in it, for other nodes import keys too.
type legacySet struct {
	loaded atomic.Pointer[legacyList]
	recent sync.Map // of uint64: imported on this node, until a later reading has them
	count  atomic.Int64

	mu      sync.Mutex
	reading *legacyReading // under way, or the last one
}

type legacyList struct {
	tags []uint64  // ascending
	all  bool      // too many: everything may be imported
	at   time.Time // when reading it began, or when it was last known to be the same
	took time.Duration

	moment moment // in which reading it began; with a feed only
}

// A legacyReading is waited for by everybody who needs it.
type legacyReading struct {
	done  chan struct{}
	err   error // once done
	ended time.Time
}

func (l *legacySets) of(space string) *legacySet {
	if sets := l.sets.Load(); sets != nil {
		if s := (*sets)[space]; s != nil {
			return s
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sets := map[string]*legacySet{}
	if old := l.sets.Load(); old != nil && len(*old) < maxSpaces { // names of spaces may come from outside
		sets = maps.Clone(*old)
	}
	if sets[space] == nil {
		sets[strings.Clone(space)] = &legacySet{} // it may be a piece of a large request
		l.sets.Store(&sets)
	}
	return sets[space]
}

// tag is what the set keeps of a digest. Digests are uniform, so any eight bytes do.
func tag(d *rawDigest) uint64 { return binary.BigEndian.Uint64(d.sum[:8]) }

// has reports whether a text with digest d may have been imported.
func (s *legacySet) has(d *rawDigest) bool {
	t := tag(d)
	if _, ok := s.recent.Load(t); ok {
		return true
	}
	list := s.loaded.Load()
	if list == nil {
		return false
	}
	_, ok := slices.BinarySearch(list.tags, t)
	return ok || list.all
}

// empty reports whether nothing can be in the set, so that there is nothing to hash for.
func (s *legacySet) empty() bool {
	none := s.count.Load() == 0 // first: take adds to the list before it subtracts here
	list := s.loaded.Load()
	return none && (list == nil || len(list.tags) == 0 && !list.all)
}

// add takes in a key imported on this node.
func (s *legacySet) add(d *rawDigest) {
	if list := s.loaded.Load(); list != nil && list.all {
		return
	}
	if _, there := s.recent.LoadOrStore(tag(d), nil); !there && s.count.Add(1) > int64(maxLegacy) {
		s.take(&legacyList{all: true})
	}
}

// fresh reports whether the set was read lately, so that what is not in it was not imported. With a feed, a set in
// whose time nothing changed is as good as read again.
func (r *Ring) fresh(s *legacySet) bool {
	list := s.loaded.Load()
	if list == nil || list.all {
		return list != nil
	}
	now, lately := time.Now(), legacyRefresh
	if r.cache != nil {
		lately = min(lately, r.cache.staleness)
	}
	lately = max(lately, legacyShare*list.took)
	if now.Sub(list.at) < lately {
		return true
	}
	if r.cache == nil {
		return false
	}
	ok := r.cache.confirmed.Load() // first: it is of this moment, or of an earlier one
	if !ok.holds(now) || r.cache.present() != list.moment {
		return false
	}
	same := *list
	if same.at = now; ok.until.Sub(now) < lately {
		same.at = ok.until.Add(-lately) // nobody knows yet what comes after until
	}
	s.loaded.CompareAndSwap(list, &same)
	return true
}

// findLegacy returns the entry of an imported key whose text has no valid checksum, or nil. An error means
// that the store could not say; it is never a verdict.
func (r *Ring) findLegacy(ctx context.Context, text string) (*entry, error) {
	if len(r.space) > maxName {
		return nil, nil // no key is ever imported there
	}
	s := r.legacy.of(r.space)
	if likely := r.likely(s, text); likely != nil {
		return r.find(ctx, likely)
	}
	if r.fresh(s) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.patience) // for the reading and the look-up together
	defer cancel()
	if err := r.readLegacy(ctx, s); err != nil {
		return nil, err
	}
	if likely := r.likely(s, text); likely != nil {
		return r.find(ctx, likely)
	}
	return nil, nil
}

// likely returns those digests of text that are in the set, or nil. Without imported keys nothing is hashed.
func (r *Ring) likely(s *legacySet, text string) (digests []rawDigest) {
	if s.empty() {
		return nil
	}
	for i := range r.digester {
		if d := r.digester[i].digest(text); s.has(&d) {
			digests = append(digests, d)
		}
	}
	return digests
}

// readLegacy waits until the set has been read or ctx is done. Reading may take longer than a request can wait,
// and goes on then.
func (r *Ring) readLegacy(ctx context.Context, s *legacySet) error {
	reading := r.beginReading(s)
	if reading == nil {
		return fmt.Errorf("%w: too much waits for it", ErrStore)
	}
	select {
	case <-reading.done:
		if reading.err != nil {
			return noVerdict(fmt.Errorf("list of imported keys: %w", reading.err))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the list of imported keys is not there yet: %w", ErrStore, ctx.Err())
	}
}

// beginReading returns the reading that is under way, or begins one, or returns nil if the ring is too busy for
// that. For a second after a failure it returns the failed one, so that junk does not beat a store that is down.
func (r *Ring) beginReading(s *legacySet) *legacyReading {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.reading; old != nil {
		select {
		case <-old.done:
			if old.err != nil && time.Since(old.ended) < legacyPause {
				return old
			}
			if old.err == nil && r.fresh(s) { // it landed since the caller looked
				return old
			}
		default:
			return old
		}
	}
	if !r.errands.begin() {
		return nil
	}
	reading := &legacyReading{done: make(chan struct{})}
	s.reading = reading
	go func() {
		defer r.errands.end()
		defer close(reading.done)
		began := time.Now()
		var m moment
		if r.cache != nil {
			r.cache.begin()
			m = r.cache.present()
		}
		list, err := Ask(r.life, r.listing, r.listLegacy)
		reading.err, reading.ended = err, time.Now()
		if err == nil {
			list.at, list.took, list.moment = began, reading.ended.Sub(began), m
			s.take(list)
		}
	}()
	return reading
}

// take replaces the set by what was read, and forgets what is in there now of this node's own imports.
func (s *legacySet) take(list *legacyList) {
	s.loaded.Store(list)
	s.recent.Range(func(t, _ any) bool {
		if _, ok := slices.BinarySearch(list.tags, t.(uint64)); ok || list.all {
			s.recent.Delete(t)
			s.count.Add(-1)
		}
		return true
	})
}

// listLegacy reads the tags of all imported keys of the space, page by page.
func (r *Ring) listLegacy(ctx context.Context) (*legacyList, error) {
	list := &legacyList{}
	filter := Filter{Legacy: true, Limit: 1000}
	for {
		if r.closed.Load() {
			return nil, errShut // Close waits for us
		}
		page, err := r.store.List(ctx, r.space, filter)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if page[i].ID <= filter.After {
				return nil, fmt.Errorf("%w: a page of the list is out of order", ErrStore)
			}
			filter.After = page[i].ID
			for _, d := range []Digest{page[i].Digest, page[i].Previous} {
				if raw := d.raw(); !raw.isZero() {
					list.tags = append(list.tags, tag(&raw))
				}
			}
		}
		if len(list.tags) > maxLegacy {
			return &legacyList{all: true}, nil
		}
		if len(page) < filter.Limit {
			slices.Sort(list.tags)
			return list, nil
		}
	}
}
