// Package ask calls code of the host, such as a store, in bounded time.
package ask

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// A Limit bounds the calls of one kind: how long each may take and how many may run at once. It may be used
// concurrently and must not be changed.
type Limit struct {
	Failure error // wrapped by every error that f itself did not return
	Timeout time.Duration
	Places  chan struct{} // holds a token for each running call; nil: calls never block and run inline
}

// New returns a Limit that gives each call the time timeout and runs at most places calls at once. Both must be
// positive, or it panics.
func New(failure error, timeout time.Duration, places int) *Limit {
	if timeout <= 0 || places <= 0 {
		panic("ask: New wants a positive time and a positive number of places")
	}
	return &Limit{Failure: failure, Timeout: timeout, Places: make(chan struct{}, places)}
}

// Inline returns the Limit of code that never blocks: [Do] calls it in the caller's goroutine.
func Inline(failure error) *Limit { return &Limit{Failure: failure} }

// Do calls f and returns its result. Once the time is over or ctx is done, it returns an error wrapping l.Failure and
// ctx's error instead; f then keeps its place until it returns, and its result is lost. Waiting for a place counts as
// well. A panic in f becomes an error wrapping l.Failure that names the type of the value and never its text, which
// might contain a key.
//
// Unless l is inline, f runs in its own goroutine, so it must not write to anything that the caller reads.
func Do[T any](ctx context.Context, l *Limit, f func(context.Context) (T, error)) (T, error) {
	if l.Places == nil {
		return call(ctx, l.Failure, f)
	}
	var none T
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("%w: not asked: %w", l.Failure, err)
	}
	select {
	case l.Places <- struct{}{}:
	case <-ctx.Done():
		return none, fmt.Errorf("%w: too many wait for it: %w", l.Failure, ctx.Err())
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: fmt.Errorf("%w: no answer", l.Failure)} // stays so if f ends its goroutine
		defer func() {
			<-l.Places
			answers <- a
		}()
		a.value, a.err = call(ctx, l.Failure, f)
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: no answer in time: %w", l.Failure, ctx.Err())
	}
}

// IsNil reports whether v is nil or holds a nil pointer, which would panic at the first call.
func IsNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid: // v is nil
		return true
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Slice:
		return r.IsNil()
	}
	return false
}

// call turns a panic of f into an error.
func call[T any](ctx context.Context, failure error, f func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			var none T
			value, err = none, fmt.Errorf("%w: panicked with a %T", failure, thrown)
		}
	}()
	return f(ctx)
}

var bounded []func(v any) bool // written by init functions only

// DeclareBounded says that a value of type T for which f returns true never blocks for long: it answers from memory, or
// has a [Limit] for its own calls. The package that declares T calls it in its init function. A host's type that
// embeds a T is not a T, whatever methods it takes over.
func DeclareBounded[T any](f func(T) bool) {
	bounded = append(bounded, func(v any) bool {
		t, ok := v.(T)
		return ok && f(t)
	})
}

// Bounded reports whether v needs no Limit, because its package declared so. It is for speed alone: a Limit costs a
// goroutine for each call.
func Bounded(v any) bool {
	return slices.ContainsFunc(bounded, func(declared func(any) bool) bool { return declared(v) })
}
