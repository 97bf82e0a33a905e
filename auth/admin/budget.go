package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// Comparing access takes steps of a quarter of a microsecond. Ordinary roles take hundreds to a few thousand of them;
// patterns that were chosen for it take millions.
const (
	maxSteps  = 1 << 18 // of one operation: about 65 ms
	freeSteps = 10_000  // an operation that takes more waits for its turn
)

// ErrTooComplex means that comparing the access in question with the caller's would take too long. Nothing was done.
var ErrTooComplex = errors.New("admin: too complex to check: use fewer or simpler patterns with * and **")

// costly turns an error of a step budget into one of this package.
func costly(err error) error {
	if errors.Is(err, roles.ErrBudget) {
		return fmt.Errorf("%w: %w", ErrTooComplex, err)
	}
	return err
}

// budget returns the step budget of one operation of p. done must be called at its end.
func budget(p auth.Principal) (b *roles.Budget, done func()) {
	end := func() {}
	return &roles.Budget{Steps: maxSteps, Free: freeSteps, Wait: func(ctx context.Context) (err error) {
		leave, err := turns.take(ctx, actor{Principal: p}.id())
		if err == nil {
			end = leave
		}
		return err
	}}, func() { end() }
}

// turns are those of all services in this process, since they share its processors.
var turns = queue{turn: make(chan struct{}, 1), callers: map[string]bool{}}

// A queue lets costly operations run one at a time. Each caller has at most one place in it, so that one caller delays
// another by at most one operation.
type queue struct {
	turn    chan struct{}
	mu      sync.Mutex
	callers map[string]bool // running or waiting
}

// take waits for the caller's turn. end must be called after the operation. A caller who has a place already is refused
// with 429.
func (q *queue) take(ctx context.Context, caller string) (end func(), err error) {
	q.mu.Lock()
	taken := q.callers[caller]
	q.callers[caller] = true
	q.mu.Unlock()
	if taken {
		return nil, &auth.Refusal{Status: http.StatusTooManyRequests, Reason: auth.RateLimited, RetryAfter: time.Second}
	}
	leave := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.callers, caller)
	}
	select {
	case q.turn <- struct{}{}:
		return func() { <-q.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
