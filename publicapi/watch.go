package publicapi

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
)

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
