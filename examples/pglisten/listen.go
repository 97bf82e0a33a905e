// Package pglisten wakes a program when PostgreSQL notifies a channel.
//
// Use it if several nodes share one database: [Listen] holds a connection of its own, made with pgx, and calls wake
// after each connect and at each notification. wake must read what changed: notifications sent while the connection
// was lost are gone, so a new connection counts as a change.
//
// Notifications only make changes faster to see. If the connection is lost, or the server does not support LISTEN (a
// pooler in transaction mode, for one), changes arrive later and nothing else: sqlstore's revision is polled anyway.
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
	// quiet is how long to wait for a message before testing the connection: otherwise the loss of a peer is noticed
	// only when TCP gives up.
	quiet = 30 * time.Second
	// patience is the time for one connect, one LISTEN, one ping.
	patience = 10 * time.Second
)

// Listen listens on a channel of the database at dsn until ctx is done or stop is called. stop waits until all
// goroutines have ended and the connection is closed. It may be called again, but not by wake or onError.
//
// wake is called after every connect and at each notification; several notifications that arrive while it runs make
// one more call. Its calls never overlap. When a connection is lost or fails, onError is called with the reason,
// unless it is nil. The listener tries again: at once after a connection that worked, then after 50 ms, and at most
// every 5 s, each shortened at random by up to half, so that nodes do not reconnect in step.
//
// The channel's name is used exactly as given, in upper and lower case. An error of Listen itself is about dsn; then
// nothing has been started.
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
	// heard holds at most one notice. wake has a goroutine of its own: a connection that is not read blocks the
	// server's notification queue for all clients.
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
	default: // one is pending already
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
		_ = conn.Close(ctx) // it is lost already, or not needed
	}()
	l.notice() // earlier notifications are lost: look now
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

// wait returns at a notification, or tests the connection after a quiet time.
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
