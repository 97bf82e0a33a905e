package publicapi

import (
	"context"
	"slices"

	"github.com/latchkey-go/latchkey/auth"
)

type watcher struct{ heard func(auth.Change) }

// Watch calls f after each change of the setting through this service, and after each [Service.Reload], until stop
// is called, in the goroutine that made the change. It is one of [auth.Config.Changes], so that streams of callers
// without a key end when the public API is closed. f must be quick and must not use the service. A panic in it is
// swallowed.
func (s *Service) Watch(f func(auth.Change)) (stop func()) {
	w := &watcher{f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = append(slices.Clip(s.watchers), w)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watchers = slices.DeleteFunc(slices.Clone(s.watchers), func(o *watcher) bool { return o == w })
	}
}

// changed says that the setting may be another one by now: nothing that is kept counts, and the watchers hear of it.
func (s *Service) changed() {
	s.keeper.forget()
	s.mu.Lock()
	watchers := s.watchers
	s.mu.Unlock()
	for _, w := range watchers {
		func() {
			defer func() { _ = recover() }()
			w.heard(auth.Change{})
		}()
	}
}

// A telling store tells of each write, whatever came of it: what failed may have been written all the same.
type telling struct {
	Store
	service *Service
}

func (t telling) Save(ctx context.Context, setting Setting) error {
	defer t.service.changed()
	return t.Store.Save(ctx, setting)
}
