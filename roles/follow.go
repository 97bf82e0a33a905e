package roles

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
)

// poll asks for the revision and, if it differs from since, loads and compiles the roles. Callers who wait for it find in
// Err why it failed.
func (d *Directory) poll(ctx context.Context, since Revision) (_ fresh.Answer, err error) {
	defer func() {
		if err != nil {
			d.failure.Store(&err)
		}
	}()
	var good *Policy
	var broken error
	d.follower.Locked(func() { good, broken = d.good, d.broken })
	loaded := false
	var asked time.Time
	for range 3 {
		asked = time.Now()
		if since != (Revision{}) {
			revision, err := call(ctx, d, d.store.Revision)
			if err != nil {
				return fresh.Answer{}, err
			}
			if revision == since {
				break
			}
			asked = time.Now()
		}
		snap, err := d.load(ctx)
		if err != nil {
			return fresh.Answer{}, err
		}
		var p *Policy
		if p, broken = good.Recompile(snap.roles...); broken == nil && (since != Revision{} || good == nil || !reflect.DeepEqual(p.Roles(), good.Roles())) {
			good = p
		}
		loaded, since = true, snap.revision
		// Compiling very many roles takes its time. If little is left of the staleness since the load, ask again
		// whether this is still the revision.
		if d.staleness == AlwaysAsk || time.Since(asked) < d.staleness/2 {
			break
		}
	}
	var before *Policy
	return fresh.Answer{
		Revision: since,
		Asked:    asked,
		Apply: func(l fresh.Lease, _ bool) {
			before = d.good
			d.install(good, broken, l)
		},
		After: func() {
			d.changed(before, good)
			if !loaded {
				return
			}
			if broken != nil {
				d.report(broken)
			} else if over := good.overBound(before); over != nil {
				d.report(over)
			}
		},
	}, nil
}

// install makes p the current policy while l holds. The follower's lock is held.
func (d *Directory) install(p *Policy, broken error, l fresh.Lease) {
	if d.closed {
		return
	}
	d.good, d.broken, d.lease = p, broken, l
	if broken != nil {
		d.failure.Store(&broken)
	} else {
		d.failure.Store(nil)
	}
	if d.current.Store(p); d.staleness != AlwaysAsk {
		d.expire()
	}
}

// expire removes the policy if its lease has ended; otherwise it arms the timer again, for a second at most: the wall clock
// tells of a suspended machine, and the timer does not. The follower's lock is held.
func (d *Directory) expire() {
	now := fresh.At(time.Now())
	if !d.lease.Holds(now) {
		d.current.Store(nil)
		return
	}
	d.expiry.Reset(min(d.lease.Left(now), time.Second))
}

// changed tells the watchers.
func (d *Directory) changed(before, now *Policy) {
	if before != nil && before != now {
		d.watchers.Call(change{before, now}, nil)
	}
}

// report calls OnError.
func (d *Directory) report(err error) {
	if d.onError == nil || d.follower.Life().Err() != nil {
		return
	}
	defer func() { _ = recover() }()
	d.onError(err)
}

type snapshot struct {
	roles    []Role
	revision Revision
}

func (d *Directory) load(ctx context.Context) (snapshot, error) {
	return call(ctx, d, func(ctx context.Context) (snapshot, error) {
		rs, revision, err := d.store.Load(ctx)
		return snapshot{rs, revision}, err
	})
}

// call calls the store, for at most the timeout and until the directory is closed. Every error that it returns wraps
// errStore.
func call[T any](ctx context.Context, d *Directory, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.follower.Life(), cancel)()
	value, err := ask.Do(ctx, d.limit, f)
	if err != nil && !errors.Is(err, errStore) {
		err = fmt.Errorf("%w: %w", errStore, err)
	}
	return value, err
}
