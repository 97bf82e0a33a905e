package roles

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of [Config].
const (
	DefaultStaleness = 5 * time.Second
	DefaultTimeout   = time.Second
)

// A Config says how a [Directory] follows its store.
type Config struct {
	// Store keeps the roles. There must be one.
	Store Store

	// Staleness is how long a policy may be used after the store last confirmed that it is current: the
	// longest time after which a change made by another process is seen, and after which a store that cannot
	// be reached leaves no policy at all. 0 means [DefaultStaleness]. Below zero, each call of Policy asks the
	// store for its revision.
	Staleness time.Duration

	// Timeout bounds one call of the store; 0 means [DefaultTimeout]. Below zero is an error.
	Timeout time.Duration

	// OnError, if not nil, hears of each failure to follow the store: a call that failed, and, once for each
	// revision, roles that do not compile. It also hears, once, of each stored role over the bound of
	// [Policy.With], as a [*Problem]; such a role works, but decisions take longer. OnError may be called
	// concurrently, must return soon, and must not use the directory. A panic in it is swallowed.
	OnError func(error)
}

// A Directory is a [Source] that follows the roles in a [Store]. Its methods may be called concurrently.
//
// It keeps the last good policy while the stored roles do not compile, and says so by Err and OnError. While
// the store cannot be reached it keeps it for Config.Staleness since the store last confirmed it, and has no
// policy after that. Both end by themselves when the cause does.
type Directory struct {
	store     Store
	staleness time.Duration // below zero: ask each time
	timeout   time.Duration
	onError   func(error)

	current atomic.Pointer[Policy] // nil: none can be vouched for
	failure atomic.Pointer[error]  // what Err returns
	started atomic.Uint64          // how many checks have begun

	life    context.Context // ends with Close
	end     context.CancelFunc
	polling chan struct{} // closed when no poll is under way or to come

	// slot is full while someone talks to the store. A call that hangs keeps it so: no more than one goroutine
	// can ever be stuck. The fields that follow belong to whoever filled it.
	slot    chan struct{}
	good    *Policy // the last policy that compiled
	loaded  bool    // rev is the revision of the roles loaded last
	rev     Revision
	broken  error  // why these do not compile, or nil
	checked uint64 // the value of started at the latest check that went well

	mu     sync.Mutex // for what follows, and for changes of current and failure
	until  time.Time  // when current stops being vouched for
	expiry *time.Timer

	watchers []*watcher // replaced, never changed
}

var errClosed = errors.New("roles: the directory is closed")

// Open loads the roles and follows them until Close. It is an error if the store does not answer or if its
// roles do not compile: there is no last good policy yet.
func Open(ctx context.Context, c Config) (*Directory, error) {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("roles: a directory needs a store"))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("roles: a timeout cannot be below zero"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	d := &Directory{store: c.Store, staleness: c.Staleness, timeout: c.Timeout, onError: c.OnError,
		slot: make(chan struct{}, 1), polling: make(chan struct{})}
	if d.staleness == 0 {
		d.staleness = DefaultStaleness
	}
	if d.timeout == 0 {
		d.timeout = DefaultTimeout
	}
	d.life, d.end = context.WithCancel(context.Background())
	d.expiry = time.AfterFunc(time.Hour, d.expire)
	if err := d.Reload(ctx); err != nil {
		d.end()
		d.expiry.Stop()
		return nil, err
	}
	if d.staleness > 0 {
		go d.poll()
	} else {
		close(d.polling)
	}
	return d, nil
}

// Policy returns the policy that counts now, or nil if none can be vouched for, as after Close. It is one atomic
// load, unless Staleness is below zero: then it asks the store, and those who ask at the same time share one
// answer.
func (d *Directory) Policy() *Policy {
	if d.staleness < 0 && d.confirm(d.life) != nil {
		return nil
	}
	return d.current.Load()
}

// Err returns nil if the latest check found the store in order, else why it did not: the store's error, or the
// mistakes in the stored roles (see [Problems]), as long as the policy in use is an older one.
func (d *Directory) Err() error {
	if err := d.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// Reload asks the store at once instead of waiting for the next poll. It returns what Err would: nil means that
// Policy shows the roles as they were stored when Reload was called, or later.
func (d *Directory) Reload(ctx context.Context) error {
	if err := d.confirm(ctx); err != nil {
		return err
	}
	return d.Err()
}

// Close ends following. Policy returns nil from then on. It waits until no goroutine of the directory is left
// or ctx is done, which is an error. It may be called again.
func (d *Directory) Close(ctx context.Context) error {
	d.mu.Lock()
	d.end()
	d.expiry.Stop()
	d.current.Store(nil)
	d.failure.Store(&errClosed)
	d.mu.Unlock()
	select {
	case <-d.polling:
	case <-ctx.Done():
		return fmt.Errorf("roles: the store still has not answered: %w", ctx.Err())
	}
	select {
	case d.slot <- struct{}{}:
		<-d.slot
		return nil
	case <-ctx.Done():
		return fmt.Errorf("roles: the store still has not answered: %w", ctx.Err())
	}
}
