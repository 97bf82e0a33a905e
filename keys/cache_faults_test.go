package keys_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// A script injects one fault into the k-th call of a node's store or feed, before or after its effect.
type script struct {
	mu      sync.Mutex
	at, n   int // calls until the fault, and calls so far
	after   bool
	fault   func(ctx context.Context) error
	fired   bool
	release chan struct{}
	other   *keys.Record // if not nil, the next row is this one
	wrong   keys.Record
}

// row replaces the right row by that of another query.
func (s *script) row(rec *keys.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.other != nil && rec.ID != "" {
		*rec, s.other = *s.other, nil
	}
}

func (s *script) run(ctx context.Context, after bool) error {
	s.mu.Lock()
	if !after {
		s.n++
	}
	now := !s.fired && s.n == s.at && after == s.after
	s.fired = s.fired || now
	s.mu.Unlock()
	if now {
		return s.fault(ctx)
	}
	return nil
}

// faulted returns a ring on a node with the faults of the script.
func faulted(t *testing.T, all *shared, s *script) *keys.Ring {
	n := all.node()
	n.before.set(func(ctx context.Context, _ string) error { return s.run(ctx, false) })
	n.after.set(func(ctx context.Context, _ string) error { return s.run(ctx, true) })
	n.row.set(s.row)
	r, err := keys.Open(keys.Config{Store: n, Feed: n, Staleness: 2 * time.Second, LastUsed: new(ledger), ImportedKeys: true})
	require.NoError(t, err)
	return r
}

// faults are the faults of a call. A write that hangs blocks its caller until its context is done.
func (s *script) faults() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"error":     func(context.Context) error { return errDown },
		"invalid":   func(context.Context) error { return keys.ErrInvalidated },
		"both":      func(context.Context) error { return fmt.Errorf("%w: %w", keys.ErrStore, keys.ErrNotFound) },
		"wrong row": func(context.Context) error { s.mu.Lock(); defer s.mu.Unlock(); s.other = &s.wrong; return nil },
		"delay":     func(context.Context) error { time.Sleep(700 * time.Millisecond); return nil },
		"late":      func(context.Context) error { time.Sleep(5 * time.Second); return nil },
		"hang":      func(context.Context) error { <-s.release; return errDown },
		"panic":     func(context.Context) error { panic(s) },
	}
}

// At each call of each operation of a ring on one node, each fault: even if the operation fails, no Verify on this
// node or the other one accepts a key that is not valid in the store, refuses one that is, or waits for longer than the
// deadline. No goroutine is left after the hanging calls return.
func TestFaultsOnANode(t *testing.T) {
	type given struct {
		r   *keys.Ring
		rec keys.Record
	}
	operations := map[string]func(given) error{
		"verify":          func(given) error { return nil }, // the checks do that
		"issue":           func(g given) error { _, err := g.r.IssueUser(ctx, "bob", keys.User{}); return err },
		"disable":         func(g given) error { return g.r.Disable(ctx, g.rec.ID) },
		"invalidate":      func(g given) error { return g.r.Invalidate(ctx, g.rec.ID) },
		"invalidate user": func(g given) error { _, err := g.r.InvalidateUser(ctx, "anna"); return err },
		"refresh":         func(g given) error { _, err := g.r.Refresh(ctx, g.rec.ID, keys.Renewal{}); return err },
		"overlap": func(g given) error {
			_, err := g.r.Refresh(ctx, g.rec.ID, keys.Renewal{Overlap: time.Second})
			return err
		},
		"import": func(g given) error {
			_, err := g.r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(sealed("API-f1d3ff8443297732862df21dc4e57262"))})
			return err
		},
		"end and remove": func(g given) error { return errors.Join(g.r.Invalidate(ctx, g.rec.ID), g.r.Remove(ctx, g.rec.ID)) },
	}
	for name, operate := range operations {
		if keys.RaceEnabled && !long && name != "verify" && name != "invalidate" {
			continue // they are slow under the race detector
		}
		t.Run(name, func(t *testing.T) {
			for fault := range new(script).faults() {
				for _, after := range []bool{false, true} {
					for k, fired := 1, true; fired; k++ {
						require.Less(t, k, 100)
						synctest.Test(t, func(t *testing.T) {
							s := &script{at: k, after: after, release: make(chan struct{})}
							s.fault = s.faults()[fault]
							where := fmt.Sprintf("%s at call %d, after it: %v", fault, k, after)
							runFault(t, where, s, func(r *keys.Ring, rec keys.Record) error { return operate(given{r, rec}) })
							s.mu.Lock()
							fired = s.fired
							s.mu.Unlock()
						})
						if t.Failed() {
							return
						}
					}
				}
			}
		})
	}
}

func runFault(t *testing.T, where string, s *script, operate func(*keys.Ring, keys.Record) error) {
	all := newShared()
	plain := open(t, keys.Config{Store: all.store})
	issued, err := plain.IssueUser(ctx, "anna", keys.User{})
	require.NoError(t, err)
	rec, key := issued.Record, issued.Key.Reveal()
	still, _ := issue(t, plain, keys.Custom{}) // never changed
	_, s.wrong = issue(t, plain, keys.Custom{})
	unknown := sealed("API-00112233445566778899aabbccddeeff")
	before := runtime.NumGoroutine()
	a := faulted(t, all, s)
	b, _ := all.ring(t, keys.Config{Staleness: 2 * time.Second})

	// check verifies everything on one node against the store itself. Only a may get a store error.
	check := func(r *keys.Ring, when string) {
		for _, text := range []string{key, still, unknown} {
			_, want := plain.Verify(ctx, text)
			began := time.Now()
			v, err := r.Verify(ctx, text)
			v.Used()
			took := time.Since(began)
			if took > time.Second+50*time.Millisecond {
				t.Errorf("%s, %s: the answer took %v", where, when, took)
			}
			switch {
			case errors.Is(err, keys.ErrStore) && !errors.Is(err, keys.ErrInvalid) && v == (keys.Verified{}) && r == a:
			case verdict(err) != verdict(want):
				t.Errorf("%s, %s: a verify says %v, and the store %v", where, when, err, want)
			}
		}
	}
	check(a, "cold")
	check(a, "warm")
	check(b, "cold")
	synctest.Wait()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if recover() != nil {
				done <- errDown
			}
		}()
		done <- operate(a, rec)
	}()
	synctest.Wait()
	select {
	case <-done:
		check(a, "just after")
	default:
	}
	time.Sleep(2 * time.Second)
	check(a, "later")
	check(b, "later, elsewhere")
	if extra := runtime.NumGoroutine() - before; extra > 20 {
		t.Errorf("%s: %d goroutines", where, extra)
	}
	close(s.release)
	time.Sleep(10 * time.Second)
	check(a, "at last")
	require.NoError(t, a.Close(ctx))
	require.NoError(t, b.Close(ctx))
	time.Sleep(time.Minute)
	// synctest fails if a goroutine is left.
}

// verdict returns the error of the package that err wraps, or nil.
func verdict(err error) error {
	for _, why := range []error{keys.ErrUnknown, keys.ErrMalformed, keys.ErrExpired, keys.ErrDisabled, keys.ErrInvalidated} {
		if errors.Is(err, why) {
			return why
		}
	}
	return err
}
