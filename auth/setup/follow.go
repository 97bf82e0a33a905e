package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// follow makes changes of other nodes act sooner than the caches' own polls would.
func (lk *Installation) follow(listen func(context.Context, string, func()) error, onError func(error)) {
	if lk.Store == nil {
		return
	}
	var onChange func()
	if lk.users != nil {
		onChange = func() { lk.users.Forget() }
	}
	stop := lk.Store.Follow(onChange, lk.Roles.Reload, lk.Public.Reload)
	lk.onClose(func(context.Context) error {
		stop()
		return nil
	})
	if listen == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		again(ctx, func() error { return listen(ctx, lk.Store.Channel(), lk.Store.Wake) }, onError)
	}()
	lk.onClose(func(ctx context.Context) error {
		cancel()
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("setup: Config.Listen has not returned: %w", ctx.Err())
		}
	})
}

// pause is the time between two calls of Config.Listen, on average: nodes do not reconnect in step.
const pause = 2 * time.Second

// again calls listen until ctx is done.
func again(ctx context.Context, listen func() error, onError func(error)) {
	for {
		err := cmp.Or(listen(), errors.New("it returned"))
		if ctx.Err() != nil {
			return
		}
		onError(fmt.Errorf("setup: Config.Listen: %w", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// quiet is how long an error that repeats is not reported again.
const quiet = time.Minute

// reporter returns a function that logs errors: a store that cannot be reached is not reported at each try.
func reporter(logger *slog.Logger) func(error) {
	var mu sync.Mutex
	last := map[string]time.Time{}
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		text, now := err.Error(), time.Now()
		if at, known := last[text]; known && now.Sub(at) < quiet {
			return
		}
		if len(last) >= 100 { // texts differ without end
			clear(last)
		}
		last[text] = now
		logger.Error("latchkey", "error", text)
	}
}
