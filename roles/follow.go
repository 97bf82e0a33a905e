package roles

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
)

// poll asks for the revision and, if it is not since, loads and compiles the roles.
func (d *Directory) poll(ctx context.Context, since Revision) (fresh.Answer, error) {
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
		if p, broken = good.Recompile(snap.roles...); broken == nil && !(since == Revision{} && sameRoles(good, p)) {
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

// sameRoles reports whether two policies are made of equal roles. It is for stores that have no revision yet.
func sameRoles(a, b *Policy) bool { return a != nil && reflect.DeepEqual(a.Roles(), b.Roles()) }

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

// expire takes the policy away if its lease has ended, and else looks again when it will have. It looks every second, for
// the wall clock tells of a suspended machine and the timer does not. The follower's lock is held.
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

// tell sets what Err returns and calls OnError.
func (d *Directory) tell(err error) {
	d.follower.Locked(func() {
		if !d.closed {
			d.failure.Store(&err)
		}
	})
	d.report(err)
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

// Save stores the role, added or in place of the one with its appid, if all roles still compile with it and it is within
// the bound of [Policy.With]; otherwise nothing is stored and the error holds each [*Problem]. Once Save has returned nil,
// Policy shows the change. If others change roles at the same time it tries again a few times, then returns an error
// wrapping [ErrConflict]. After an error of the store itself it is not known whether the role was stored.
func (d *Directory) Save(ctx context.Context, role Role) error {
	role = role.clone()
	return d.change(ctx, role.AppID,
		func(rs []Role, i int) ([]Role, error) {
			if i < 0 {
				return append(rs, role), nil
			}
			rs[i] = role
			return rs, nil
		},
		func(ctx context.Context, revision Revision) error { return d.store.Save(ctx, role, revision) })
}

// Delete drops a role, in the same way as Save. It returns an error wrapping [ErrNotFound] if there is none with this
// appid. A role that others inherit from cannot be dropped.
func (d *Directory) Delete(ctx context.Context, appid string) error {
	return d.change(ctx, appid,
		func(rs []Role, i int) ([]Role, error) {
			if i < 0 {
				return nil, notFound(appid)
			}
			return slices.Delete(rs, i, i+1), nil
		},
		func(ctx context.Context, revision Revision) error { return d.store.Delete(ctx, appid, revision) })
}

// change loads the roles, alters them, where i is the place of the role in question or -1, and writes the change if they
// compile. Changes through this directory take turns.
func (d *Directory) change(ctx context.Context, appid string, alter func(rs []Role, i int) ([]Role, error),
	write func(ctx context.Context, revision Revision) error) error {
	select {
	case d.saving <- struct{}{}:
		defer func() { <-d.saving }()
	case <-ctx.Done():
		return fmt.Errorf("roles: waiting for another change: %w", ctx.Err())
	case <-d.follower.Life().Done():
		return errClosed
	}
	const tries = 5
	for try := 1; ; try++ {
		if d.follower.Life().Err() != nil {
			return errClosed
		}
		snap, err := d.load(ctx)
		if err != nil {
			return err
		}
		var before *Policy
		d.follower.Locked(func() { before = d.good })
		if p, broken := before.Recompile(snap.roles...); broken == nil { // else the change may mend them
			before = p
		}
		i := slices.IndexFunc(snap.roles, func(r Role) bool { return r.AppID == appid })
		rs, err := alter(snap.roles, i)
		if err != nil {
			return err
		}
		p, err := before.update(appid).compile(rs)
		if err != nil {
			return err
		}
		began := d.follower.Begin()
		_, err = call(ctx, d, func(ctx context.Context) (struct{}, error) { return struct{}{}, write(ctx, snap.revision) })
		if err == nil {
			d.written(ctx, began, p)
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			d.follower.Invalidate() // it may have been stored: a poll follows
			return err
		}
		if try == tries {
			return fmt.Errorf("%w, %d times in a row", err, tries)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("roles: %w", ctx.Err())
		case <-d.follower.Life().Done():
			return errClosed
		case <-time.After(rand.N(time.Duration(try) * 5 * time.Millisecond)):
		}
	}
}

// written takes p into use, which the store held exactly after the write that began as began, or a later policy. If the
// store does not tell which, there is no policy until it does.
func (d *Directory) written(ctx context.Context, began fresh.Call, p *Policy) {
	var before *Policy
	installed := d.follower.Wrote(began, func(l fresh.Lease) {
		before = d.good
		d.install(p, nil, l)
	})
	if installed {
		d.changed(before, p)
	}
	if err := d.follower.Refresh(ctx); err != nil && !installed {
		d.follower.Locked(func() { d.current.Store(nil) }) // first, since a poll may follow at once
		d.follower.Invalidate()
	}
}
