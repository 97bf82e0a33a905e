package keys

import (
	"hash/maphash"
	"sync/atomic"
)

// A digestIndex maps a space and a digest to an entry. Any number of goroutines may call get while one calls put, remove or
// clear. The zero value is empty.
//
// It is a hash table with open addressing. A used slot belongs to one hash until the table is rebuilt, so an entry is
// replaced by one atomic store, and a reader sees the old entry or the new one. A removed entry leaves a tombstone. If three
// quarters of the slots are used, or few entries are left, the table is rebuilt without tombstones. A rebuilt table is a
// quarter to half full, so the number of changes between two rebuilds grows with its size. The hash has a random seed: an
// attacker can't choose digests that share a slot.
type digestIndex struct {
	table atomic.Pointer[digestTable]
	live  int // number of entries; for the writer only
}

type digestTable struct {
	seed  maphash.Seed
	slots []digestSlot // a power of two
	used  int          // slots with an entry or a tombstone; for the writer only
}

type digestSlot struct {
	hash uint64 // written before the first entry and never again
	e    atomic.Pointer[indexed]
}

// tombstone fills a slot whose entry was removed: probing must not stop there.
var tombstone = &indexed{entry: entry{rec: &Record{}}}

// get returns the entry of d in space, or nil. It takes no lock and allocates nothing.
func (x *digestIndex) get(space string, d *rawDigest) *indexed {
	t := x.table.Load()
	if t == nil {
		return nil
	}
	slot, _ := t.probe(space, d)
	if slot == nil {
		return nil
	}
	if e := slot.e.Load(); e != tombstone {
		return e
	}
	return nil
}

// put makes e the entry of its digest in its record's space. It replaces an older entry in one step. It ignores the zero
// digest, which belongs to no key.
func (x *digestIndex) put(e *indexed) {
	if e.by.isZero() {
		return
	}
	t := x.table.Load()
	if t == nil || 4*(t.used+1) > 3*len(t.slots) {
		t = x.rebuild(t)
	}
	slot, end := t.probe(e.space, &e.by)
	if slot == nil {
		slot = end
		slot.hash = t.hash(e.space, &e.by)
		t.used++
		x.live++
	}
	slot.e.Store(e)
}

// remove removes the entry of d in space.
func (x *digestIndex) remove(space string, d *rawDigest) {
	t := x.table.Load()
	if t == nil {
		return
	}
	if slot, _ := t.probe(space, d); slot != nil {
		slot.e.Store(tombstone)
		x.live--
		if len(t.slots) > 16*(x.live+1) {
			x.rebuild(t)
		}
	}
}

// clear removes all entries.
func (x *digestIndex) clear() {
	x.table.Store(nil)
	x.live = 0
}

// rebuild copies the entries into a new table with free slots, and publishes it. A reader of the old table continues in it
// and finds the entries from before.
func (x *digestIndex) rebuild(old *digestTable) *digestTable {
	size := 16
	for size < 2*(x.live+1) {
		size *= 2
	}
	t := &digestTable{seed: maphash.MakeSeed(), slots: make([]digestSlot, size)}
	if old != nil {
		for i := range old.slots {
			if e := old.slots[i].e.Load(); e != nil && e != tombstone {
				_, end := t.probe(e.space, &e.by)
				end.hash = t.hash(e.space, &e.by)
				end.e.Store(e)
				t.used++
			}
		}
	}
	x.table.Store(t)
	return t
}

// probe returns the slot of d in space. If there is none, slot is nil, and end is the empty slot that ended the search. A
// table always has an empty slot.
func (t *digestTable) probe(space string, d *rawDigest) (slot, end *digestSlot) {
	h := t.hash(space, d)
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		e := s.e.Load()
		if e == nil {
			return nil, s
		}
		if s.hash == h && e != tombstone && e.by == *d && e.space == space {
			return s, nil
		}
	}
}

func (t *digestTable) hash(space string, d *rawDigest) uint64 {
	h := maphash.Bytes(t.seed, d.sum[:])
	if space != "" {
		h ^= maphash.String(t.seed, space)
	}
	return h
}
