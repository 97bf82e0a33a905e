package keys

import "sync/atomic"

// An entry is the record that a digest leads to. Nothing in it changes but the atomics, so requests share it. It
// does not hold the digest: a Verified leads here, and a Verified must not lead to what prints.
type entry struct {
	// What a request with a valid key needs lies in one cache line.
	space   string               // rec's, so that a look-up need not read rec
	until   atomic.Int64         // Unix microseconds: good until then without a look at rec; 0: not known
	used    atomic.Int64         // Unix microseconds of the latest use that was noted
	ring    atomic.Pointer[core] // verified it last: there may be several over one MemoryStore
	due     atomic.Bool          // verified since its latest use was noted: the next one is to be noted
	visited atomic.Bool          // found since the cache last looked for what to let go
	rec     *Record              // never changed after the entry is made

	previous  bool        // digest is rec.Previous
	shared    bool        // later requests get it too; set before they do
	queued    atomic.Bool // waits in the ring's list of uses
	recording atomic.Bool // the first use of a new value is being recorded (overlap)
}

// unconfirmed reports whether the first use of this value, the new one of an overlap, is still to be recorded.
func (e *entry) unconfirmed() bool { return e.rec.Overlap > 0 && !e.previous }

// place is where the entries of a record have this one: the current value's first, then the previous value's.
func (e *entry) place() int {
	if e.previous {
		return 1
	}
	return 0
}

// digest returns the digest that e was found by.
func (e *entry) digest() Digest {
	if e.previous {
		return e.rec.Previous
	}
	return e.rec.Digest
}

// An indexed is an entry with the digest that leads to it, in one allocation, so that a look-up reads both in one
// place. Make it with newIndexed.
type indexed struct {
	by rawDigest
	entry
}

// newIndexed leads by, which is one of rec's digests, to rec.
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
