package main

import (
	"context"
	"sync"

	"github.com/latchkey-go/latchkey/examples/pglisten"
)

// A follower brings everything that is kept in memory up to date when the database may have changed, long before it
// would run out by itself. Keys have a feed of their own.
type follower struct {
	changed chan struct{} // holds one at most
	unwatch func()
	end     context.CancelFunc
	running sync.WaitGroup
}

func follow(n *node) *follower {
	ctx, end := context.WithCancel(context.Background())
	f := &follower{changed: make(chan struct{}, 1), end: end}
	f.unwatch = n.store.Watch(func() {
		// Users are forgotten before the changing call returns, so this node sees its own change at once. Roles and
		// the public setting see to that themselves; and the directory may be waiting for this very call.
		n.users.Clear()
		select {
		case f.changed <- struct{}{}:
		default:
		}
	})
	f.running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-f.changed:
			}
			// Should these fail, what is in memory runs out in its own time.
			_ = n.roles.Reload(ctx)
			_ = n.public.Reload(ctx)
		}
	})
	return f
}

func (f *follower) close() {
	f.unwatch()
	f.end()
	f.running.Wait()
}

// channel is where a store with the default prefix notifies.
const channel = "latchkey_changes"

// A listener can be cut off, to see that it only makes things faster.
type listener struct {
	dsn  string
	wake func()
	stop func() // nil while it is cut off
}

// restore listens again, and returns once it does.
func (l *listener) restore() (err error) {
	if l.stop != nil {
		return nil
	}
	connected := make(chan struct{})
	var once sync.Once
	l.stop, err = pglisten.Listen(context.Background(), l.dsn, channel, func() {
		l.wake()
		once.Do(func() { close(connected) })
	}, trouble)
	if err == nil {
		<-connected
	}
	return err
}

func (l *listener) cut() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}
