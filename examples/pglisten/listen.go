// Package pglisten wakes a program when PostgreSQL notifies a channel.
//
// It is the listener that several nodes on one database want: [Listen] holds a connection of its own, made with
// pgx, and calls back at each notification and after each connect. The callback reads what changed; a listener that
// was away has missed notifications for good, so "connected again" and "something changed" are one and the same.
//
// Notification only makes things faster. A listener that is cut off, or whose server lets nobody LISTEN (a pooler in
// transaction mode, for one), costs time and never correctness: sqlstore's revision is polled all the same.
package pglisten

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
	// quiet is how long nothing may be heard before the connection is tried: a peer that is gone without a word
	// would leave the listener deaf for as long as TCP keeps hope.
	quiet = 30 * time.Second
	// patience is for one connect, one LISTEN, one ping.
	patience = 10 * time.Second
)

// Listen listens on a channel of the database at dsn until ctx is done or stop is called, which waits until no
// goroutine and no connection is left. stop may be called again, and must not be called by wake or onError.
//
// wake is called after every connect and at each notification; those that arrive while it runs make one more call.
// It is never called twice at once. When a connection is lost, or none can be made, onError (nil: nobody) hears why
// and the listener tries again: at once after a connection that worked, then after 50 ms, and at most every 5 s, each
// shortened at random by up to a half, so that nodes do not come back in step.
//
// The channel's name is taken to the letter. An error of Listen itself is about dsn; nothing has been started then.
func Listen(ctx context.Context, dsn, channel string, wake func(), onError func(error)) (stop func(), err error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pglisten: %w", err)
	}
	if channel == "" || wake == nil {
		return nil, errors.New("pglisten: a channel and a function to wake are needed")
	}
	if onError == nil {
		onError = func(error) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &listener{config: config, channel: channel, heard: make(chan struct{}, 1)}
	var running sync.WaitGroup
	running.Go(func() { l.follow(ctx, onError) })
	running.Go(func() { l.deliver(ctx, wake) })
	return func() {
		cancel()
		running.Wait()
	}, nil
}

type listener struct {
	config  *pgx.ConnConfig
	channel string
	// heard holds one notice at most. Waking has a goroutine of its own: a connection that is not read holds up the
	// server's queue of notifications, for everybody.
	heard chan struct{}
}

func (l *listener) deliver(ctx context.Context, wake func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.heard:
			wake()
		}
	}
}

func (l *listener) notice() {
	select {
	case l.heard <- struct{}{}:
	default: // one is on its way, and has not been looked at yet
	}
}

// follow connects again and again until ctx is done.
func (l *listener) follow(ctx context.Context, onError func(error)) {
	wait := time.Duration(0)
	for {
		began := time.Now()
		err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		onError(fmt.Errorf("pglisten: %w", err))
		if time.Since(began) > lastRetry {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait - rand.N(wait/2+1)):
		}
		wait = min(max(2*wait, firstRetry), lastRetry)
	}
}

// session listens on one connection until it is lost.
func (l *listener) session(ctx context.Context) error {
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // it is lost already, or no longer wanted
	}()
	l.notice() // what was notified before is lost: look now
	for {
		if err := l.wait(ctx, conn); err != nil {
			return err
		}
	}
}

func (l *listener) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{l.channel}.Sanitize()); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// wait passes on one notification, or makes sure after a quiet time that the connection is still there.
func (l *listener) wait(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	_, err := conn.WaitForNotification(waiting)
	if err == nil {
		l.notice()
		return nil
	}
	if waiting.Err() == nil || ctx.Err() != nil || conn.IsClosed() {
		return err
	}
	ping, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return conn.Ping(ping)
}
