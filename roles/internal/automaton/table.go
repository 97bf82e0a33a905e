package automaton

import "hash/maphash"

// A table finds transitions by state and segment. It is an open-addressing hash table, because a Go map hashes such a
// pair at greater cost and takes more memory: here a look-up is one hash of the text and, nearly always, one access to
// memory. A table does not change.
type table []transition // the length is a power of two; at least a third of the slots are free

// A transition is the next state after a segment. An exact grant is one too: from dead, by the whole permission, to a
// verdict. A free slot has no text.
type transition struct {
	text     string
	from, to uint32
}

// seed is random, so that the author of a role can't choose texts that collide.
var seed = maphash.MakeSeed()

func hash(from uint32, text string) uint64 {
	return maphash.String(seed, text) + uint64(from)*0x9E3779B97F4A7C15
}

// newTable makes a table of transitions. All have a text, and no two have the same state and text.
func newTable(transitions []transition) table {
	size := 1
	for size*2 < len(transitions)*3 {
		size *= 2
	}
	slots := make(table, size)
	for _, t := range transitions {
		i := hash(t.from, t.text)
		for slots[i&uint64(size-1)].text != "" {
			i++
		}
		slots[i&uint64(size-1)] = t
	}
	return slots
}

// lookup returns the transition, or nil.
func (slots table) lookup(from uint32, text string) *transition {
	countLookup()
	for i := hash(from, text); ; i++ {
		t := &slots[i&uint64(len(slots)-1)]
		if t.text == "" {
			return nil
		}
		if t.from == from && t.text == text {
			return t
		}
	}
}
