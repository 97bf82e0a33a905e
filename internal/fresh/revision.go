package fresh

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// A Revision names one state of a store. Its zero value names none, or that of a store in which nothing was ever changed.
type Revision struct {
	Number uint64 // grows with each change
	// Tag is drawn at random for each change. A store that was restored from a backup, or lost changes in a failover,
	// counts on from an older Number; the tags then tell its new changes from those it lost.
	Tag uint64
}

// Next returns the revision of a change that follows r: the next number, and a new tag.
func (r Revision) Next() Revision {
	var tag [8]byte
	rand.Read(tag[:]) // never fails
	return Revision{r.Number + 1, binary.LittleEndian.Uint64(tag[:])}
}

// String returns the number and the tag, as in "17-9f86d081884c7d65".
func (r Revision) String() string { return fmt.Sprintf("%d-%016x", r.Number, r.Tag) }
