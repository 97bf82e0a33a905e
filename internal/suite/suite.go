// Package suite holds what the test suites of stores share: keystest, rolestest, publicapitest and audittest.
package suite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// A TB is the part of [testing.T] that checks use. The tests of a suite pass one that records what a check reports.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Together calls f with 0 to n-1 at the same time, and returns the errors by that number.
func Together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// Each calls f with 0 to n-1 at the same time, each with a TB for its goroutine: Fatalf ends only the call that reports it.
func Each(t TB, n int, f func(t TB, i int)) {
	Together(n, func(i int) error {
		f(caller{t}, i)
		return nil
	})
}

// A caller is a TB for a goroutine that is not the one of the test.
type caller struct{ TB }

func (c caller) Fatalf(format string, args ...any) {
	c.Helper()
	c.Errorf(format, args...)
	runtime.Goexit()
}

// Beside calls work n times, and at the same time each of others again and again: once before the first work, and until
// the last has ended.
func Beside(t TB, n int, work func(t TB), others ...func(t TB)) {
	var started sync.WaitGroup
	started.Add(len(others))
	var done atomic.Bool
	Each(t, len(others)+1, func(t TB, i int) {
		if i == len(others) {
			defer done.Store(true)
			started.Wait()
			for range n {
				work(t)
				runtime.Gosched() // so that the others get a turn on one core, too
			}
			return
		}
		func() {
			defer started.Done()
			others[i](t)
		}()
		for ; !done.Load(); runtime.Gosched() {
			others[i](t)
		}
	})
}

// OneWins returns the index of the only nil in errs. It returns an error if not exactly one is nil, or if another does
// not wrap lost.
func OneWins(errs []error, lost error) (winner int, err error) {
	winners := 0
	for i, e := range errs {
		if e == nil {
			winner, winners = i, winners+1
		} else if !errors.Is(e, lost) {
			err = fmt.Errorf("a call that lost returns error %v, want one wrapping %q", e, lost)
		}
	}
	if winners != 1 {
		err = fmt.Errorf("%d of %d concurrent calls succeeded, want exactly one", winners, len(errs))
	}
	return winner, err
}

// NoRevisionTwice checks that after a restore no change gets a revision that was lost. change changes the store, revision
// returns its revision, and backup takes a backup and returns the function that restores it.
func NoRevisionTwice[R comparable](t TB, change func(), revision func() R, backup func() (restore func())) {
	t.Helper()
	change()
	restore := backup()
	lost := map[R]bool{}
	for range 3 {
		change()
		lost[revision()] = true
	}
	restore()
	for range 5 {
		if now := revision(); lost[now] {
			t.Errorf("revision %v names two states of the store", now)
		}
		change()
	}
}

// Done returns a context that is done.
func Done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
