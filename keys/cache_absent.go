package keys

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"
)

const (
	absentSlots = 8192
	absentFor   = time.Second
)

// absences are digests that the store lately said nobody has, so that one bad client does not keep it busy. There is
// one slot for each hash: a flood of made-up keys overwrites them, and neither grows them nor touches anything else.
// The zero value is empty. Any number of goroutines may use it.
type absences struct {
	slots atomic.Pointer[absenceTable] // nil: empty
}

type absenceTable struct {
	seed  maphash.Seed
	slots [absentSlots]atomic.Pointer[absence]
}

type absence struct {
	space  string
	digest rawDigest
	until  time.Time
}

func (t *absenceTable) slot(d *rawDigest) *atomic.Pointer[absence] {
	return &t.slots[maphash.Bytes(t.seed, d.sum[:])%absentSlots]
}

// has reports whether none of digests was there lately. Whether that counts has to be asked first.
func (a *absences) has(space string, digests []rawDigest, now time.Time) bool {
	t := a.slots.Load()
	if t == nil {
		return false
	}
	for i := range digests {
		gone := t.slot(&digests[i]).Load()
		if gone == nil || gone.digest != digests[i] || gone.space != space || !now.Before(gone.until) {
			return false
		}
	}
	return true
}

// add notes that the store, asked at time at, had none of digests. Callers take turns with each other and with clear.
func (a *absences) add(space string, digests []rawDigest, at time.Time) {
	if len(space) > maxName { // no key is ever issued there
		return
	}
	t := a.slots.Load()
	if t == nil {
		t = &absenceTable{seed: maphash.MakeSeed()}
		a.slots.Store(t)
	}
	space = strings.Clone(space) // it may be a piece of a large request
	for i := range digests {
		t.slot(&digests[i]).Store(&absence{space, digests[i], at.Add(absentFor)})
	}
}

// clear forgets all.
func (a *absences) clear() {
	if t := a.slots.Load(); t != nil {
		a.slots.Store(nil)
	}
}
