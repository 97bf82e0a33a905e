package main

import (
	"context"
	"sync"

	"github.com/latchkey-go/latchkey/examples/pglisten"
)

// channel is the channel that a store with the default prefix notifies.
const channel = "latchkey_changes"

// A listener can be stopped, to show that it only makes changes faster to see.
type listener struct {
	dsn  string
	wake func()
	stop func() // nil while stopped
}

// restore starts listening, and returns when connected.
func (l *listener) restore() (err error) {
	if l.stop != nil {
		return nil
	}
	connected := make(chan struct{})
	var once sync.Once
	l.stop, err = pglisten.Listen(context.Background(), l.dsn, channel, func() {
		l.wake()
		once.Do(func() { close(connected) })
	}, logError)
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
