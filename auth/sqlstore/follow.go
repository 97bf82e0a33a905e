package sqlstore

import (
	"context"
	"sync"

	"github.com/latchkey-go/latchkey/keys"
)

// Follow keeps what this node has in memory up to date with the database, until stop is called, which waits until
// none of later runs any more, and so is not for them to call; a change that is made meanwhile may still call now.
// After each change that is committed through this store, at each [Store.Wake], and when the ring over [Store.Keys]
// finds at its next poll that another node changed something, it calls now, if that is not nil, and then, in a
// goroutine of its own, each of later, one after the other:
//
//	stop := store.Follow(users.Clear, directory.Reload, public.Reload)
//
// now is called before the changing call returns; it must be quick and must not use what waits for that call, such as
// the directory through which a role is being saved. What later's functions return is dropped: what they serve polls too,
// tries again by itself, and reports its own trouble. So Follow makes things faster, and promises nothing.
func (s *Store) Follow(now func(), later ...func(context.Context) error) (stop func()) {
	changed := make(chan struct{}, 1)
	f := func() {
		if now != nil {
			now()
		}
		select {
		case changed <- struct{}{}:
		default: // it will see this change as well
		}
	}
	unfollow := s.register(&s.followers, f)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			for _, reload := range later {
				_ = reload(ctx)
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
		s.call(&s.followers)
	}
}

// Wake reports that another process may have changed something. A host that listens to the database calls it for each
// notification, and after each reconnect, because a missed notification is not repeated.
func (s *Store) Wake() {
	s.call(&s.watchers)
	s.call(&s.followers)
}

// listeners are functions to call, under the lock of the store.
type listeners map[*func()]struct{}

func (s *Store) register(to *listeners, f func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *to == nil {
		*to = listeners{}
	}
	(*to)[&f] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(*to, &f)
	}
}

func (s *Store) call(all *listeners) {
	s.mu.Lock()
	fs := make([]func(), 0, len(*all))
	for f := range *all {
		fs = append(fs, *f)
	}
	s.mu.Unlock()
	for _, f := range fs {
		f()
	}
}
