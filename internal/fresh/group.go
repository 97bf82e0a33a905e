package fresh

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/latchkey-go/latchkey/internal/ask"
)

// A Group lets callers who need the same answer of a store wait for one call. The call has its own deadline and its own
// place among those of the limit, and depends on no caller: its context has none of their values, such as an open transaction. Make
// it with NewGroup. It is safe for concurrent use.
type Group[K comparable, V any] struct {
	life  context.Context
	limit *ask.Limit

	mu    sync.Mutex
	calls map[K]*shared[V]
}

// NewGroup returns a group whose calls end with life and observe limit.
func NewGroup[K comparable, V any](life context.Context, limit *ask.Limit) *Group[K, V] {
	return &Group[K, V]{life: life, limit: limit, calls: map[K]*shared[V]{}}
}

// A shared is one call and its answer.
type shared[V any] struct {
	call    Call
	ctx     context.Context // ends at the deadline, and with the group's life
	cancel  context.CancelFunc
	waiting int           // callers, under the group's lock
	begun   bool          // the store is asked; under the group's lock
	behind  bool          // another call for the same key was answered since this one began; under the group's lock
	done    chan struct{} // closed once value and err are set
	value   V
	err     error
}

// Do returns the answer of f for k, from a call that other callers share. now is the call that begins if there is none
// to join; join reports whether an earlier one will do. put then receives the answer, to cache it. When ctx is done first,
// or the limit's time is over, the error wraps the limit's Failure.
//
// Two calls for one key may be under way, if the first could not be joined. Once one is answered, the other may bring an
// older state of the store: no caller joins it any more, and put is told not to keep its answer.
func (g *Group[K, V]) Do(ctx context.Context, k K, now Call, join func(Call) bool,
	f func(context.Context) (V, error), put func(c Call, v V, keep bool)) (V, error) {
	var none V
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("%w: not asked: %w", g.limit.Failure, err)
	}
	g.mu.Lock()
	c := g.calls[k]
	joined := c != nil && c.ctx.Err() == nil && join(c.call)
	if !joined {
		c = &shared[V]{call: now, done: make(chan struct{})}
		c.ctx, c.cancel = g.deadline()
		g.calls[k] = c
	}
	c.waiting++
	g.mu.Unlock()
	defer g.leave(k, c)

	switch {
	case joined:
	case g.limit.Places == nil:
		g.run(k, c, f, put)
	default:
		go func() {
			select {
			case g.limit.Places <- struct{}{}:
				defer func() { <-g.limit.Places }()
				g.run(k, c, f, put)
			case <-c.ctx.Done():
			}
		}()
	}
	select {
	case <-c.done:
	case <-c.ctx.Done():
	case <-ctx.Done():
	}
	select {
	case <-c.done: // first: the call's context ends with it
		return c.value, c.err
	default:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	why := "no answer in time"
	if !c.begun {
		why = "too many wait for it"
	}
	return none, fmt.Errorf("%w: %s: %w", g.limit.Failure, why, cmp.Or(ctx.Err(), c.ctx.Err()))
}

// deadline returns the context of a new call.
func (g *Group[K, V]) deadline() (context.Context, context.CancelFunc) {
	if g.limit.Places == nil {
		return context.WithCancel(g.life)
	}
	return context.WithTimeout(g.life, g.limit.Timeout)
}

// leave says that a caller waits no longer. The last one ends a call for which the store was not asked yet.
func (g *Group[K, V]) leave(k K, c *shared[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.waiting--; c.waiting == 0 && !c.begun {
		g.end(k, c)
	}
}

// end ends c. The lock is held.
func (g *Group[K, V]) end(k K, c *shared[V]) {
	c.cancel()
	if g.calls[k] == c {
		delete(g.calls, k)
	}
}

// run asks the store. The answer is an error if f panics or ends its goroutine.
func (g *Group[K, V]) run(k K, c *shared[V], f func(context.Context) (V, error), put func(Call, V, bool)) {
	g.mu.Lock()
	over := c.ctx.Err() != nil
	c.begun = !over
	g.mu.Unlock()
	if over {
		return
	}
	value, err := *new(V), fmt.Errorf("%w: no answer", g.limit.Failure)
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if err == nil {
			put(c.call, value, !c.behind)
			if other := g.calls[k]; other != nil {
				other.behind = true
				delete(g.calls, k)
			}
		}
		c.value, c.err = value, err
		close(c.done)
		g.end(k, c)
	}()
	value, err = ask.Do(c.ctx, ask.Inline(g.limit.Failure), f)
}
