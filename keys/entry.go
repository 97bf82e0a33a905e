package keys

import "sync/atomic"

// An entry is one digest's way to its record. Nothing in it changes but the atomics, so requests share it.
// Make it with newEntry.
//
// It holds its digest by pointer since fmt, asked in odd ways for a struct that holds a Verified, prints what
// is in an entry, but not what its pointers lead to.
type entry struct {
	rec      *Record      // never changed after the entry is made
	digest   *Digest      // the digest it is found by: rec's Digest or Previous
	space    string       // rec's, so that a look-up need not read rec
	previous bool         // digest is rec.Previous
	shared   bool         // later requests get it too; set before they do
	visited  atomic.Bool  // found since the cache last looked for what to let go
	queued   atomic.Bool  // waits in the ring's list of uses
	proven   atomic.Bool  // the first use of a new value is being recorded (overlap)
	used     atomic.Int64 // Unix microseconds of the latest use not yet handed to the LastUsedStore
	until    atomic.Int64 // Unix microseconds: good until then without a look at rec; 0: not known
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
