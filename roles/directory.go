package roles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
)

// Values of durations in [Config].
const (
	AlwaysAsk   time.Duration = -1 // as Staleness: each call of Policy asks the store
	NeverBlocks time.Duration = -1 // as Timeout: the store answers at once
)

// A Config says how a [Directory] follows its store.
type Config struct {
	// Store keeps the roles. It is required.
	Store Store

	// Staleness is how long a policy may be used after the store last confirmed that it is current: the longest time
	// after which a change made by another process is seen, and after which a store that cannot be reached leaves no
	// policy. 0 means 5 seconds. With [AlwaysAsk], each call of Policy asks the store for its revision.
	Staleness time.Duration

	// Timeout bounds one call of the store. 0 means 1 second. With [NeverBlocks] calls are not bounded.
	Timeout time.Duration

	// OnError, if not nil, receives each failure to follow the store: a call that failed, and, once for each revision,
	// roles that do not compile. It also receives, once, each stored role over the bound of [Policy.With], as a
	// [*Problem]; such a role works, but decisions take longer. OnError may be called concurrently, must return soon,
	// and must not use the directory. A panic in it is swallowed.
	OnError func(error)
}

// A Directory is a [Source] that follows the roles in a [Store]. It is safe for concurrent use.
//
// It keeps the last good policy while the stored roles do not compile, and says so by Err and OnError. While the store
// cannot be reached it keeps it for Config.Staleness after the store last confirmed it, and has no policy after that. Both
// end when the cause does, without a restart. After a suspension of the machine, an outdated policy ends within a second.
type Directory struct {
	store     Store
	staleness time.Duration
	limit     *ask.Limit
	onError   func(error)
	follower  *fresh.Follower

	current  atomic.Pointer[Policy] // nil: none may be used
	failure  atomic.Pointer[error]  // what Err returns
	watchers fresh.Listeners[change]
	saving   chan struct{} // holds a token while a change is made

	// Under the follower's lock:
	good   *Policy // the last policy that compiled
	broken error   // why the stored roles do not compile, or nil
	lease  fresh.Lease
	expiry *time.Timer
	closed bool
}

// A change is from one policy to the next.
type change struct{ before, now *Policy }

var (
	errClosed = errors.New("roles: the directory is closed")
	errStore  = errors.New("roles: store")
)

// maxCalls is how many calls of the store may be under way: a store that hangs keeps one goroutine.
const maxCalls = 1

// Open loads the roles and follows them until Close. It is an error if the store does not answer or if its roles do not
// compile: there is no last good policy yet.
func Open(ctx context.Context, c Config) (*Directory, error) {
	c.Staleness, c.Timeout = cmp.Or(c.Staleness, 5*time.Second), cmp.Or(c.Timeout, time.Second)
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("roles: a directory needs a store"))
	}
	if c.Staleness < 0 && c.Staleness != AlwaysAsk {
		errs = append(errs, errors.New("roles: Staleness is negative"))
	}
	if c.Timeout < 0 && c.Timeout != NeverBlocks {
		errs = append(errs, errors.New("roles: Timeout is negative"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	d := &Directory{store: c.Store, staleness: c.Staleness, onError: c.OnError, saving: make(chan struct{}, 1)}
	if d.limit = ask.Inline(errStore); c.Timeout != NeverBlocks {
		d.limit = ask.New(errStore, c.Timeout, maxCalls)
	}
	d.follower = fresh.NewFollower(fresh.Options{
		Staleness: c.Staleness, Poll: d.poll, Failed: func(err error, _ bool) { d.report(err) },
		Closed: errClosed, Timeout: errors.New("roles: waiting for the store"),
	})
	d.expiry = time.AfterFunc(time.Hour, func() { d.follower.Locked(d.expire) })
	if err := d.Reload(ctx); err != nil {
		d.follower.Close(context.WithoutCancel(ctx))
		d.expiry.Stop()
		return nil, err
	}
	return d, nil
}

// Policy returns the current policy, or nil if the store has not confirmed one in time, or the directory is closed. It is
// one atomic load, unless Staleness is [AlwaysAsk]: then it asks the store, and concurrent callers share one answer.
func (d *Directory) Policy() *Policy {
	if d.staleness == AlwaysAsk && d.follower.Refresh(d.follower.Life()) != nil {
		return nil
	}
	return d.current.Load()
}

// Err returns nil if the latest check found the store in order, else why it did not: the store's error, or the mistakes in
// the stored roles (see [Problems]), as long as the policy in use is an older one.
func (d *Directory) Err() error {
	if err := d.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// Age is how long ago the store last confirmed the current policy; more than Staleness if there is none.
func (d *Directory) Age() time.Duration {
	var left time.Duration
	d.follower.Locked(func() { left = d.lease.Left(fresh.At(time.Now())) })
	return d.staleness - left
}

// Reload asks the store at once instead of waiting for the next poll. It returns what Err would: nil means that Policy
// shows the roles as they were stored when Reload was called, or later.
func (d *Directory) Reload(ctx context.Context) error {
	if err := d.follower.Refresh(ctx); err != nil {
		return err
	}
	return d.Err()
}

// Watch calls f whenever this directory takes another policy into use, through its own Save and Delete before these return
// or because it found the store changed, until stop is called. It does not report that a policy ended because the store
// cannot be reached. f runs while the directory waits: it must be quick and must not use the directory. A panic in it is
// swallowed.
func (d *Directory) Watch(f func(before, now *Policy)) (stop func()) {
	return d.watchers.Add(func(c change) { f(c.before, c.now) })
}

// Close ends following. Policy returns nil from then on. It waits until no goroutine of the directory is left or ctx is
// done, which is an error. It may be called again.
func (d *Directory) Close(ctx context.Context) error {
	d.follower.Locked(func() {
		d.closed = true
		d.expiry.Stop()
		d.lease = fresh.Lease{}
		d.current.Store(nil)
		d.failure.Store(&errClosed)
	})
	err := d.follower.Close(ctx)
	for taken := 0; err == nil && taken < cap(d.limit.Places); taken++ {
		select {
		case d.limit.Places <- struct{}{}:
			defer func() { <-d.limit.Places }()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("roles: the store still has not answered: %w", err)
	}
	return nil
}
