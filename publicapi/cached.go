package publicapi

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
	"github.com/latchkey-go/latchkey/keys"
)

const (
	readTimeout = time.Second // for one call of the store
	maxReadings = 4           // calls that hang; then the store is not asked until one returns
	maxWaiting  = 64          // callers that may ask the store at once; others wait
)

var errClosed = errors.New("publicapi: the service is closed")

// A cached holds the setting in memory. It polls the store.
type cached struct {
	*fresh.Follower
	setting atomic.Pointer[Setting]
}

// newCached returns a cached that reads the store without the values of a caller's context: a request's transaction may be
// rolled back.
func newCached(store Store, staleness time.Duration) *cached {
	c := new(cached)
	limit := ask.New(keys.ErrStore, readTimeout, maxReadings)
	c.Follower = fresh.NewFollower(fresh.Options{
		Staleness: staleness,
		Poll: func(ctx context.Context, _ Revision) (fresh.Answer, error) {
			setting, err := ask.Do(ctx, limit, store.Load)
			return fresh.Answer{Revision: setting.Revision, Apply: func(fresh.Lease, bool) { c.setting.Store(&setting) }}, err
		},
		Closed: errClosed, Timeout: errors.New("publicapi: no answer in time"),
	})
	return c
}

// peek returns the setting if it is valid. It never blocks.
func (c *cached) peek() (Setting, bool) {
	if c == nil || !c.Valid(time.Now()) {
		return Setting{}, false
	}
	return *c.setting.Load(), true
}

// load returns the setting, from the store if the cached one is not valid. Concurrent callers share one answer.
func (c *cached) load(ctx context.Context) (Setting, error) {
	if setting, ok := c.peek(); ok {
		return setting, nil
	}
	if err := c.Wait(ctx); err != nil {
		return Setting{}, err
	}
	return *c.setting.Load(), nil
}

// Watch calls f after each change of the setting through this service, and after each [Service.Reload], until stop is
// called, in the goroutine that made the change. Use it in [auth.Config.Changes], so that streams of callers without a
// key end when the public API is closed. f must be quick and must not use the service. A panic in f is ignored.
func (s *Service) Watch(f func(auth.Change)) (stop func()) { return s.watchers.Add(f) }

// changed invalidates the cached setting and calls the watchers.
func (s *Service) changed() {
	if s.cached != nil {
		s.cached.Invalidate()
	}
	s.watchers.Call(auth.Change{}, nil)
}

// A notifyingStore reports each write, even one that failed: it may be stored anyway.
type notifyingStore struct {
	Store
	service *Service
}

func (n notifyingStore) Save(ctx context.Context, setting Setting) error {
	defer n.service.changed() // once the write has ended
	if c := n.service.cached; c != nil {
		defer c.Writing()()
	}
	return n.Store.Save(ctx, setting)
}
