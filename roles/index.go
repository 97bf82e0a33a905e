package roles

import "hash/maphash"

// An index finds entries by a number and a text. It is a Go map in less memory, with one hash of the text and
// no more. It does not change once made.
type index struct {
	slots   []uint32 // 1 + a place in entries, or 0; the length is a power of two, at least a third is free
	entries []entry
}

type entry struct {
	text     string
	from, to uint32
}

// seed makes the places of entries unknown to whoever writes roles.
var seed = maphash.MakeSeed()

func place(from uint32, text string) uint64 {
	return maphash.String(seed, text) + uint64(from)*0x9E3779B97F4A7C15
}

// build places the entries, no two of which may have the same number and text.
func (x *index) build() {
	size := 1
	for size*2 < len(x.entries)*3 {
		size *= 2
	}
	x.slots = make([]uint32, size)
	for n := range x.entries {
		e := &x.entries[n]
		i := place(e.from, e.text) & uint64(size-1)
		for x.slots[i] != 0 {
			i = (i + 1) & uint64(size-1)
		}
		x.slots[i] = uint32(n) + 1
	}
}

func (x *index) find(from uint32, text string) *entry {
	slots := x.slots
	for i := place(from, text); ; i++ {
		n := slots[i&uint64(len(slots)-1)]
		if n == 0 {
			return nil
		}
		if e := &x.entries[n-1]; e.from == from && e.text == text {
			return e
		}
	}
}
