package pages

import (
	"hash/maphash"
	"sync"
	"time"
)

// A limit counts attempts under names that strangers choose, such as addresses, in memory that does not grow: names
// that fall into the same slot share it, which makes it stricter for both. Each node counts for itself.
type limit struct {
	most   int // attempts in one window
	window time.Duration
	seed   maphash.Seed

	mu    sync.Mutex
	slots [1 << 14]slot
}

type slot struct {
	since time.Time // of the window; zero is long ago
	used  int
}

func newLimit(most int, window time.Duration) *limit {
	return &limit{most: most, window: window, seed: maphash.MakeSeed()}
}

// take counts one attempt. If there were too many, it says how long to wait for the next one, which is more than zero.
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

// forgive takes back an attempt that was none of a guesser's.
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
