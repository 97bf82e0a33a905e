package keys

import "sync/atomic"

// An entry is the record of a digest. Only its atomics change, so requests share it. It does not hold the digest: a Verified
// points to an entry, and must not point to a digest that could be printed.
type entry struct {
	// The fields that a request with a valid key needs lie in one cache line.
	space   string               // that of rec, so that a look-up need not read rec
	until   atomic.Int64         // Unix microseconds: valid until then without reading rec; 0: not known
	used    atomic.Int64         // Unix microseconds of the latest recorded use
	ring    atomic.Pointer[core] // the last one that verified it: several may share one MemoryStore
	due     atomic.Bool          // the next use must be recorded
	visited atomic.Bool          // since the cache last considered it for eviction
	rec     *Record              // never changed after the entry is made

	previous  bool        // digest is rec.Previous
	shared    bool        // later requests find it too; set before they can
	queued    atomic.Bool // is in the ring's list of pending uses
	recording atomic.Bool // the first use of a new value is being recorded (overlap)
}

// unconfirmed reports whether this is the new value of an overlap and its first use is not recorded yet.
func (e *entry) unconfirmed() bool { return e.rec.Overlap > 0 && !e.previous }

// slot is the index of e among its record's entries: 0 for the current value, 1 for the previous one.
func (e *entry) slot() int {
	if e.previous {
		return 1
	}
	return 0
}

// digest returns the digest by which e was found.
func (e *entry) digest() Digest {
	if e.previous {
		return e.rec.Previous
	}
	return e.rec.Digest
}

// An indexed is an entry with its digest, in one allocation, so that a look-up reads both in one place. Make it with
// newIndexed.
type indexed struct {
	by rawDigest
	entry
}

// newIndexed returns an entry of rec for by, which is one of rec's digests.
func newIndexed(rec *Record, by rawDigest, previous bool) *indexed {
	return &indexed{by: by, entry: entry{rec: rec, space: rec.Space, previous: previous}}
}

// found returns x's entry, or nil for a nil x.
func (x *indexed) found() *entry {
	if x == nil {
		return nil
	}
	return &x.entry
}
