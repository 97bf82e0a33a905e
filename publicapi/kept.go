package publicapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
)

const (
	readTimeout = time.Second // for one question to the store
	maxReadings = 4           // that hang; with more, the store is not asked until one returns
	maxWaiting  = 64          // callers that memory cannot serve, at once; others wait for a place
)

// A keeper keeps the setting for a bounded time, and reads it again before that is over.
type keeper struct {
	store     Store
	staleness time.Duration
	deadline  *ask.Limit

	current atomic.Pointer[kept] // nil: to be asked for

	mu      sync.Mutex
	changes uint64   // made on this node, or heard of
	reading *reading // under way

	life    context.Context
	end     context.CancelFunc
	polling chan struct{} // closed when it is over; nil: not begun
	closed  bool
}

// kept is a setting, and until when it counts: by the monotonic clock, and by the wall clock too, since the former
// may stand still while a machine is suspended.
type kept struct {
	setting Setting
	until   time.Time
	wall    int64 // Unix microseconds
}

// A reading is waited for by everybody who needs it.
type reading struct {
	changes uint64
	began   time.Time
	done    chan struct{}
	setting Setting // once done, like err
	err     error
}

func newKeeper(store Store, staleness time.Duration) *keeper {
	k := &keeper{store: store, staleness: staleness, deadline: ask.New(keys.ErrStore, readTimeout, maxReadings)}
	k.life, k.end = context.WithCancel(context.Background())
	return k
}

// peek returns the setting if it is there and counts. It never blocks.
func (k *keeper) peek() (Setting, bool) {
	if k == nil {
		return Setting{}, false
	}
	c, now := k.current.Load(), time.Now()
	if c == nil || !now.Before(c.until) || now.UnixMicro() >= c.wall {
		return Setting{}, false
	}
	return c.setting, true
}

// load returns the setting, from the store if need be. Those who ask at once share one answer.
//
// The store is asked without the values of ctx: what one request's transaction sees may be rolled back.
func (k *keeper) load(ctx context.Context) (Setting, error) {
	if setting, ok := k.peek(); ok {
		return setting, nil
	}
	r := k.begin()
	if r == nil {
		return Setting{}, errClosed
	}
	select {
	case <-r.done:
		return r.setting, r.err
	case <-ctx.Done():
		return Setting{}, fmt.Errorf("publicapi: no answer in time: %w", ctx.Err())
	}
}

// begin returns the reading under way, or begins one. One that began before a change, or is as old as what is kept
// may be, might bring what is not true any more.
func (k *keeper) begin() *reading {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	if k.polling == nil {
		k.polling = make(chan struct{})
		go k.poll(k.polling)
	}
	now := time.Now()
	if r := k.reading; r != nil && r.changes == k.changes && now.Sub(r.began) < k.staleness {
		return r
	}
	r := &reading{changes: k.changes, began: now, done: make(chan struct{})}
	k.reading = r
	go k.read(r)
	return r
}

func (k *keeper) read(r *reading) {
	r.setting, r.err = ask.Do(k.life, k.deadline, k.store.Load)
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.err == nil && r.changes == k.changes && !k.closed {
		until := r.began.Add(k.staleness)
		k.current.Store(&kept{r.setting, until, until.UnixMicro()})
	}
	if k.reading == r {
		k.reading = nil
	}
	close(r.done)
}

// forget says that the setting may have been changed. A nil keeper keeps nothing.
func (k *keeper) forget() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	k.current.Store(nil)
}

// poll reads the setting again and again until Close: at least twice in the time of staleness, and a bit sooner than
// that, so that an answer may be late without a gap.
func (k *keeper) poll(over chan struct{}) {
	defer close(over)
	next := k.staleness * 2 / 5
	for {
		select {
		case <-time.After(next):
		case <-k.life.Done():
			return
		}
		r := k.begin()
		if r == nil {
			return // closed
		}
		<-r.done
		if next = k.staleness * 2 / 5; r.err != nil {
			next = min(k.staleness/10, time.Second)
		}
		next = max(next-time.Since(r.began), time.Millisecond)
	}
}

// close ends the polling.
func (k *keeper) close(ctx context.Context) error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	k.closed = true
	k.changes++
	k.current.Store(nil)
	polling := k.polling
	k.mu.Unlock()
	k.end()
	if polling == nil {
		return nil
	}
	select {
	case <-polling:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("publicapi: the setting is still being read: %w", ctx.Err())
	}
}

var errClosed = errors.New("publicapi: the service is closed")
