package roles

import "hash/maphash"

// An index finds entries by a state and a text. It is a hash table of its own because a Go map would hash the
// pair at greater cost and take more memory: here a look-up costs one hash of the text and, nearly always, one
// place in memory. It does not change once made.
type index []entry // the length is a power of two; at least a third of the entries are free

// An entry says which state follows in a state after this text. A free one has no text.
type entry struct {
	text     string
	from, to uint32
}

// seed makes the places of entries unknown to whoever writes roles.
var seed = maphash.MakeSeed()

func place(from uint32, text string) uint64 {
	return maphash.String(seed, text) + uint64(from)*0x9E3779B97F4A7C15
}

// newIndex makes an index of entries, all of which have a text, and no two the same state and text.
func newIndex(entries []entry) index {
	size := 1
	for size*2 < len(entries)*3 {
		size *= 2
	}
	x := make(index, size)
	for _, e := range entries {
		i := place(e.from, e.text)
		for x[i&uint64(size-1)].text != "" {
			i++
		}
		x[i&uint64(size-1)] = e
	}
	return x
}

// find returns the entry for from and text, or nil.
func (x index) find(from uint32, text string) *entry {
	countLookup()
	for i := place(from, text); ; i++ {
		e := &x[i&uint64(len(x)-1)]
		if e.text == "" {
			return nil
		}
		if e.from == from && e.text == text {
			return e
		}
	}
}
