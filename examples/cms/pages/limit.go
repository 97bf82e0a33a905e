package pages

import (
	"hash/maphash"
	"sync"
	"time"
)

// A limit counts attempts per name, such as an address, in fixed memory: names that share a slot share its count,
// which makes it stricter for both. Each node counts alone.
type limit struct {
	most   int // attempts in one window
	window time.Duration
	seed   maphash.Seed

	mu    sync.Mutex
	slots [1 << 14]slot
}

type slot struct {
	since time.Time // start of the window
	used  int
}

func newLimit(most int, window time.Duration) *limit {
	return &limit{most: most, window: window, seed: maphash.MakeSeed()}
}

// take counts one attempt. If there were too many, it returns the time until the next one is allowed, always above
// zero.
func (l *limit) take(name string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, now := l.slot(name), time.Now()
	if now.Sub(s.since) >= l.window {
		*s = slot{since: now}
	}
	if s.used >= l.most {
		return l.window - now.Sub(s.since)
	}
	s.used++
	return 0
}

// forgive takes back an attempt that was not a guess.
func (l *limit) forgive(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.slot(name); s.used > 0 {
		s.used--
	}
}

func (l *limit) slot(name string) *slot {
	return &l.slots[maphash.String(l.seed, name)%uint64(len(l.slots))]
}
