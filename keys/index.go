package keys

import (
	"hash/maphash"
	"sync/atomic"
)

// A digestIndex leads from a space and a digest to an entry. Any number of goroutines may get while one
// puts and removes. The zero value is empty.
//
// It is a hash table with open addressing. A slot, once taken, belongs to one hash until the table is rebuilt, so
// changing an entry is one atomic store and a reader sees the old entry or the new one. Slots of entries that were
// removed stay taken; when three quarters are, or few entries are left, the table is rebuilt without them. A
// rebuilt table is a quarter to half full, so that this comes once in a number of changes in proportion to its
// size. The hash is keyed at random: nobody can choose digests that share a slot.
type digestIndex struct {
	table atomic.Pointer[digestTable]
	live  int // entries, for the writer only
}

type digestTable struct {
	seed  maphash.Seed
	slots []digestSlot // a power of two
	taken int          // slots with an entry or gone, for the writer only
}

type digestSlot struct {
	hash uint64 // written before the first entry and never again
	e    atomic.Pointer[indexed]
}

// gone fills a slot whose entry was removed: probing must not stop there.
var gone = &indexed{entry: entry{rec: &Record{}}}

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
	if e := slot.e.Load(); e != gone {
		return e
	}
	return nil
}

// put makes e the entry of its digest in its record's space, at once in place of the one before. The zero
// digest gets none, as it belongs to no key.
func (x *digestIndex) put(e *indexed) {
	if e.by.isZero() {
		return
	}
	t := x.table.Load()
	if t == nil || 4*(t.taken+1) > 3*len(t.slots) {
		t = x.rebuild(t)
	}
	slot, end := t.probe(e.space, &e.by)
	if slot == nil {
		slot = end
		slot.hash = t.hash(e.space, &e.by)
		t.taken++
		x.live++
	}
	slot.e.Store(e)
}

// remove makes d in space lead nowhere.
func (x *digestIndex) remove(space string, d *rawDigest) {
	t := x.table.Load()
	if t == nil {
		return
	}
	if slot, _ := t.probe(space, d); slot != nil {
		slot.e.Store(gone)
		x.live--
		if len(t.slots) > 16*(x.live+1) {
			x.rebuild(t)
		}
	}
}

// clear makes all digests lead nowhere.
func (x *digestIndex) clear() {
	x.table.Store(nil)
	x.live = 0
}

// rebuild puts the live entries into a new table with room for half as many again, and publishes it. Whoever is
// reading the old table goes on in it and finds what was there a moment ago.
func (x *digestIndex) rebuild(old *digestTable) *digestTable {
	size := 16
	for size < 2*(x.live+1) {
		size *= 2
	}
	t := &digestTable{seed: maphash.MakeSeed(), slots: make([]digestSlot, size)}
	if old != nil {
		for i := range old.slots {
			if e := old.slots[i].e.Load(); e != nil && e != gone {
				_, end := t.probe(e.space, &e.by)
				end.hash = t.hash(e.space, &e.by)
				end.e.Store(e)
				t.taken++
			}
		}
	}
	x.table.Store(t)
	return t
}

// probe returns the slot whose entry is d's in space; if there is none, the empty slot that ended the
// search. There always is an empty one.
func (t *digestTable) probe(space string, d *rawDigest) (slot, end *digestSlot) {
	h := t.hash(space, d)
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		e := s.e.Load()
		if e == nil {
			return nil, s
		}
		if s.hash == h && e != gone && e.by == *d && e.space == space {
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
