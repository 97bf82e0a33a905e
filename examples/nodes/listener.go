package main

import (
	"context"
	"sync"

	"github.com/latchkey-go/latchkey/examples/pglisten"
)

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
