package publicapi

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
)

// Watch calls f after each change of the setting through this service, and after each [Service.Reload], until stop is
// called, in the goroutine that made the change. It is one of [auth.Config.Changes], so that streams of callers without a
// key end when the public API is closed. f must be quick and must not use the service. A panic in it is swallowed.
func (s *Service) Watch(f func(auth.Change)) (stop func()) { return s.watchers.Add(f) }

// changed says that the setting may have changed: the cached one is not used, and the watchers hear of it.
func (s *Service) changed() {
	s.cached.invalidate()
	s.watchers.Call(auth.Change{}, nil)
}

// A notifyingStore tells of each write, whether it succeeded or not: one that failed may have been stored.
type notifyingStore struct {
	Store
	service *Service
}

func (n notifyingStore) Save(ctx context.Context, setting Setting) error {
	if c := n.service.cached; c != nil {
		defer c.Writing()()
	}
	defer n.service.changed()
	return n.Store.Save(ctx, setting)
}
