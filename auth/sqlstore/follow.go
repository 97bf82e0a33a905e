package sqlstore

import (
	"context"
	"sync"

	"github.com/latchkey-go/latchkey/keys"
)

// Follow calls onChange, unless it is nil, after each change that is committed through this store, at each [Store.Wake], and
// when the ring over [Store.Keys] polls and finds a change of another node. Then it calls each reload in turn, in a
// goroutine of its own. It does so until stop is called:
//
//	stop := store.Follow(users.Clear, directory.Reload, public.Reload)
//
// onChange runs before the changing call returns. It must be quick, and must not use anything that waits for that call,
// such as the directory that is saving a role. A panic in it is swallowed. The errors of reload are dropped: the caches
// behind them also poll, retry and report their own store errors. Follow only makes them faster.
//
// stop waits for running callbacks, so a callback must not call it. onChange may run once more after stop.
func (s *Store) Follow(onChange func(), reload ...func(context.Context) error) (stop func()) {
	changed := make(chan struct{}, 1)
	unfollow := s.followers.Add(func(struct{}) {
		if onChange != nil {
			onChange()
		}
		select {
		case changed <- struct{}{}:
		default: // the reloads have not begun yet, and will see this change
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			for _, f := range reload {
				_ = f(ctx)
			}
		}
	})
	return func() {
		unfollow()
		cancel()
		running.Wait()
	}
}

// notice calls the followers if the latest poll saw another revision.
func (s *Store) notice(revision keys.Revision) {
	s.mu.Lock()
	before := s.seen
	s.seen = revision
	s.mu.Unlock()
	if before != (keys.Revision{}) && before != revision {
		s.followers.Call(struct{}{}, nil)
	}
}

// Wake reports that another process may have changed something. A host that listens to the database calls it for each
// notification, and after each reconnect, because a missed notification is not repeated.
func (s *Store) Wake() {
	s.watchers.Call(struct{}{}, nil)
	s.followers.Call(struct{}{}, nil)
}

// Channel returns the name of PostgreSQL's channel that notifies of changes.
func (s *Store) Channel() string { return s.prefix + "changes" }
