package main

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A listener wakes a store at each change on another node. It can be stopped, to show that it only makes changes faster
// to see.
type listener struct {
	dsn     string
	channel string
	wake    func()
	stop    func() // nil while stopped
}

// restore starts listening, and returns when connected.
func (l *listener) restore() error {
	if l.stop != nil {
		return nil
	}
	config, err := pgx.ParseConfig(l.dsn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	connected, ended := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(connected) })
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			err := l.listen(ctx, config, once)
			if ctx.Err() == nil {
				logError(err)
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	l.stop = func() {
		cancel()
		<-ended
	}
	<-connected
	return nil
}

// listen listens until ctx is done or the connection fails. A notification that was sent before it connected is lost, so
// it wakes the store once.
func (l *listener) listen(ctx context.Context, config *pgx.ConnConfig, connected func()) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "LISTEN "+pgx.Identifier{l.channel}.Sanitize())
	for err == nil {
		l.wake()
		connected()
		_, err = conn.WaitForNotification(ctx)
	}
	return err
}

func (l *listener) cut() {
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
}
