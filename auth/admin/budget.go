package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// Comparing access takes steps of a quarter of a microsecond. Ordinary roles take hundreds to a few thousand of them;
// hostile patterns take millions.
const (
	maxSteps  = 1 << 18 // of one operation: about 65 ms
	freeSteps = 10_000  // an operation that takes more waits for its turn
)

// costly adds to an error of a step budget what the caller can do about it.
func costly(err error) error {
	if errors.Is(err, roles.ErrBudget) {
		return fmt.Errorf("admin: too complex to check: use fewer or simpler patterns with * and **: %w", err)
	}
	return err
}

// A turn is the place in the queue of one operation, which takes it at most once.
type turn struct {
	caller string
	end    func() // nil: not taken
}

func (t *turn) take(ctx context.Context) (err error) {
	if t.end == nil {
		t.end, err = turns.take(ctx, t.caller)
	}
	return err
}

func (t *turn) leave() {
	if t.end != nil {
		t.end()
	}
}

// budget returns a step budget. A caller who covers everything has no limit, and never waits.
func (c *change) budget() *roles.Budget {
	if c.unlimited() {
		return &roles.Budget{Steps: math.MaxInt}
	}
	return &roles.Budget{Steps: maxSteps, Free: freeSteps, Wait: c.turn.take}
}

// previewBudget returns a new budget, so that a preview does not depend on the checks before it. It is limited for every
// caller: a comparison that a preview gives up counts as opened.
func (c *change) previewBudget() *roles.Budget {
	b := c.budget()
	b.Steps = maxSteps
	return b
}

// ended returns the error that must end an operation after a preview, or nil.
func ended(b *roles.Budget) error {
	if err := b.Err(); !errors.Is(err, roles.ErrBudget) {
		return err
	}
	return nil
}

// turns is the queue of all services in this process, since they share its processors.
var turns = queue{turn: make(chan struct{}, 1), callers: map[string]bool{}}

// A queue lets costly operations run one at a time. Each caller has at most one place in it, so that one caller delays
// another by at most one operation.
type queue struct {
	turn    chan struct{}
	mu      sync.Mutex
	callers map[string]bool // running or waiting
}

// take waits for the caller's turn. The caller must call end after the operation. A caller with a place in the queue is
// refused with 429.
func (q *queue) take(ctx context.Context, caller string) (end func(), err error) {
	q.mu.Lock()
	taken := q.callers[caller]
	q.callers[caller] = true
	q.mu.Unlock()
	if taken {
		return nil, &auth.Refusal{Status: http.StatusTooManyRequests, Reason: auth.ReasonRateLimited, RetryAfter: time.Second}
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
