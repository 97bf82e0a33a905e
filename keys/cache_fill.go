package keys

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

// flights are questions to the store that several requests wait for.
type flights struct {
	mu sync.Mutex
	by map[string]*flight
}

func (s *flights) init() { s.by = map[string]*flight{} }

// A flight is one question on its way. It has its own deadline and its own place among the questions under way, and
// depends on no request: whoever gets the place first begins it, and whoever cannot wait leaves it.
type flight struct {
	name    string
	space   string
	digests []rawDigest
	moment  moment
	made    time.Time
	ctx     context.Context // ends at the deadline, and with the ring
	cancel  context.CancelFunc
	waiting int // under the lock of flights

	begun atomic.Bool
	began chan struct{} // closed with begun
	done  chan struct{} // closed once the answer is there
	e     *indexed
	err   error
}

// flightName is different for each space and set of digests.
func flightName(space string, digests []rawDigest) string {
	name := make([]byte, 0, len(space)+64*len(digests)+1)
	name = append(name, byte(len(digests))) // and from the end on everything has a length that is known
	name = append(name, space...)
	for i := range digests {
		name = append(name, digests[i].algorithm...)
		name = append(name, byte(len(digests[i].algorithm)))
		name = append(name, digests[i].sum[:]...)
	}
	return string(name)
}

// findCached answers from the cache or puts one question to the store for all who ask the same.
//
// The store is asked without the values of ctx. Else a transaction of one request would decide what others are told,
// and what is kept even if it is rolled back.
func (r *Ring) findCached(ctx context.Context, digests []rawDigest) (*entry, error) {
	if now := time.Now(); r.cache.counts(now) {
		for i := range digests {
			if e := r.cache.get(r.space, &digests[i]); e != nil {
				return e, nil
			}
		}
		if r.cache.absent.has(r.space, digests, now) {
			return nil, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: not asked: %w", ErrStore, err)
	}
	r.cache.begin()
	f := r.join(digests)
	defer r.cache.flights.leave(f)
	if r.board(ctx, f) {
		select {
		case <-f.done:
		case <-f.ctx.Done():
		case <-ctx.Done():
		}
	}
	select {
	case <-f.done: // first: f.ctx ends with it
		return f.e.found(), f.err
	default:
	}
	why, err := "no answer in time", ctx.Err()
	if !f.begun.Load() {
		why = "too many wait for it"
	}
	if err == nil {
		err = f.ctx.Err()
	}
	return nil, fmt.Errorf("%w: %s: %w", ErrStore, why, err)
}

// join returns the flight for digests that is under way, or a new one. A flight of another moment might bring the
// answer of before a change that whoever asks now knows of, and one that is as old as the staleness the answer of
// before a change that has to be seen.
func (r *Ring) join(digests []rawDigest) *flight {
	m, now := r.cache.present(), time.Now()
	name, s := flightName(r.space, digests), &r.cache.flights
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.by[name]
	if f == nil || f.moment != m || now.Sub(f.made) >= r.cache.staleness || f.ctx.Err() != nil {
		f = &flight{name: name, space: r.space, digests: slices.Clone(digests), moment: m, made: now,
			began: make(chan struct{}), done: make(chan struct{})}
		if r.deadline == inline {
			f.ctx, f.cancel = context.WithCancel(r.life)
		} else {
			f.ctx, f.cancel = context.WithTimeout(r.life, r.deadline.Timeout)
		}
		s.by[name] = f
	}
	f.waiting++
	return f
}

// leave is called by whoever joined. The last to leave a flight that never began ends it.
func (s *flights) leave(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.waiting--; f.waiting == 0 && !f.begun.Load() {
		s.end(f)
	}
}

// end takes f off the list. The lock is held.
func (s *flights) end(f *flight) {
	f.cancel()
	if s.by[f.name] == f {
		delete(s.by, f.name)
	}
}

// board waits until the flight has begun, and begins it if this is the first of those who wait to get a place. It
// returns false if nothing more is to be waited for.
func (r *Ring) board(ctx context.Context, f *flight) bool {
	if r.deadline == inline {
		if f.begin() {
			r.fly(f)
		}
		return true
	}
	select {
	case <-f.began:
		return true
	case r.deadline.Places <- struct{}{}:
	case <-f.ctx.Done():
		return false
	case <-ctx.Done():
		return false
	}
	if !f.begin() {
		<-r.deadline.Places
		return true
	}
	go func() {
		defer func() { <-r.deadline.Places }()
		r.fly(f)
	}()
	return true
}

// begin reports whether the caller is the one to ask the store.
func (f *flight) begin() bool {
	if !f.begun.CompareAndSwap(false, true) {
		return false
	}
	close(f.began)
	return true
}

// fly asks the store and lands with its answer, which is an error if Find ends its goroutine.
func (r *Ring) fly(f *flight) {
	f.err = fmt.Errorf("%w: no answer", ErrStore)
	defer func() {
		s := &r.cache.flights
		s.mu.Lock()
		defer s.mu.Unlock()
		close(f.done)
		s.end(f)
	}()
	given := sealAll(f.digests) // theirs
	rec, err := ask.Do(f.ctx, inline, func(ctx context.Context) (Record, error) { return r.store.Find(ctx, f.space, given) })
	e, err := r.answer(f.ctx, f.digests, rec, err)
	if f.ctx.Err() == nil && err == nil {
		r.cache.keep(f.space, f.digests, e, f.moment, f.made)
	}
	f.e, f.err = e, err
}
