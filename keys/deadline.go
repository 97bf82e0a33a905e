package keys

import (
	"context"
	"fmt"
	"time"
)

// A Deadline keeps requests from waiting for a slow or hung store. See [Ask]. It is safe for concurrent use.
type Deadline struct {
	timeout time.Duration
	places  chan struct{}
}

// NewDeadline returns a Deadline that gives each question the time timeout, and has at most places questions
// under way at once. Both must be positive, or it panics.
func NewDeadline(timeout time.Duration, places int) *Deadline {
	if timeout <= 0 || places <= 0 {
		panic("keys: NewDeadline wants a positive time and a positive number of places")
	}
	return &Deadline{timeout, make(chan struct{}, places)}
}

// Ask calls f and returns what it returns, or an error wrapping [ErrStore] once the deadline has passed or ctx is
// done, even if f goes on: f then keeps its place until it returns, and its answer is lost. Waiting for a place
// counts as well. A panic in f becomes an error wrapping ErrStore that names the type of what was thrown and never
// its text, which might hold a key. Where ctx or the deadline is the cause, the error wraps ctx's error too.
//
// f runs in a goroutine of its own, so it must not write to anything that the caller reads; what it has to
// say, it returns. With a nil Deadline f never blocks, by its maker's word, and runs inline.
func Ask[T any](ctx context.Context, d *Deadline, f func(context.Context) (T, error)) (T, error) {
	if d == nil {
		return call(ctx, f)
	}
	var none T
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("%w: not asked: %w", ErrStore, err)
	}
	select {
	case d.places <- struct{}{}:
	case <-ctx.Done():
		return none, fmt.Errorf("%w: too many wait for it: %w", ErrStore, ctx.Err())
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: fmt.Errorf("%w: no answer", ErrStore)} // stays so if f ends its goroutine
		defer func() {
			<-d.places
			answers <- a
		}()
		a.value, a.err = call(ctx, f)
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: no answer in time: %w", ErrStore, ctx.Err())
	}
}

// call turns a panic of f into an error.
func call[T any](ctx context.Context, f func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			var none T
			value, err = none, fmt.Errorf("%w: panic of type %T", ErrStore, thrown)
		}
	}()
	return f(ctx)
}
