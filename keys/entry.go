package keys

import "sync/atomic"

// An entry is one digest's way to its record. Nothing in it changes but the atomics, so requests share it.
// Make it with newEntry.
//
// It holds its digest by pointer since fmt, asked in odd ways for a struct that holds a Verified, prints what
// is in an entry, but not what its pointers lead to.
type entry struct {
	// What a request with a valid key needs lies in one cache line.
	space   string               // rec's, so that a look-up need not read rec
	digest  *Digest              // the digest it is found by: rec's Digest or Previous
	until   atomic.Int64         // Unix microseconds: good until then without a look at rec; 0: not known
	used    atomic.Int64         // Unix microseconds of the latest use that was noted
	ring    atomic.Pointer[core] // verified it last: there may be several over one MemoryStore
	due     atomic.Bool          // verified since its latest use was noted: the next one is to be noted
	visited atomic.Bool          // found since the cache last looked for what to let go
	rec     *Record              // never changed after the entry is made

	previous bool        // digest is rec.Previous
	shared   bool        // later requests get it too; set before they do
	queued   atomic.Bool // waits in the ring's list of uses
	proven   atomic.Bool // the first use of a new value is being recorded (overlap)
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

// newEntry leads d, which is one of rec's digests, to rec. The digest lies beside the entry, so that a look-up
// finds both in one place.
func newEntry(rec *Record, d Digest, previous bool) *entry {
	both := &struct {
		entry
		digest Digest
	}{digest: d}
	e := &both.entry
	e.rec, e.space, e.digest, e.previous = rec, rec.Space, &both.digest, previous
	return e
}
