package keys

import (
	"context"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

const maxPolls = 4 // that hang; with more, the feed is not asked until one returns

// A follower is what a cache needs to follow its feed. The goroutine that polls is begun with the first question, so
// that a ring nobody asks needs none.
type follower struct {
	feed     Feed
	deadline *ask.Limit // for one poll
	unwatch  func()
	wanted   chan struct{} // holds a token while a poll is wanted at once

	life    context.Context // of the polling
	end     context.CancelFunc
	polling chan struct{} // closed when it is over; nil: not begun. The cache's lock is for this and closed
	closed  bool
}

// follow makes c ready to follow the feed.
func (c *cache) follow(config Config) {
	c.feed = config.Feed
	patience := config.StoreTimeout
	if patience <= 0 {
		patience = time.Second
	}
	// An answer that took longer than the staleness would confirm nothing.
	c.deadline = ask.New(ErrStore, min(patience, c.staleness), maxPolls)
	c.wanted = make(chan struct{}, 1)
	c.life, c.end = context.WithCancel(context.Background())
	if c.unwatch = c.feed.Watch(c.doubt); c.unwatch == nil {
		c.unwatch = func() {}
	}
}

// kick has the feed asked at once. If a poll is under way, another one follows it.
func (c *cache) kick() {
	select {
	case c.wanted <- struct{}{}:
	default:
	}
}

// begin begins the polling, once.
func (c *cache) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.polling == nil && !c.closed {
		c.polling = make(chan struct{})
		go c.poll(c.polling)
	}
}

// poll asks the feed until the ring is closed: at least twice in the time of staleness, and a bit sooner than that,
// so that an answer may be late without a gap.
func (c *cache) poll(over chan struct{}) {
	defer close(over)
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-timer.C:
		case <-c.wanted:
		case <-c.life.Done():
			return
		}
		began := time.Now()
		err := c.ask(began)
		if c.life.Err() != nil {
			return
		}
		next := c.staleness * 2 / 5
		if err != nil {
			next = min(c.staleness/10, time.Second)
			if !failing {
				c.report(fmt.Errorf("keys: the feed does not say what was changed, so the store is asked each time: %w", noVerdict(err)))
			}
		}
		failing = err != nil
		timer.Reset(max(next-time.Since(began), time.Millisecond))
	}
}

// ask polls once.
func (c *cache) ask(began time.Time) error {
	m := c.present()
	told, err := ask.Do(c.life, c.deadline, func(ctx context.Context) (Changes, error) {
		return c.feed.Changes(ctx, m.revision)
	})
	if err == nil {
		c.take(told, m, began)
	}
	return err
}

// close ends the polling. A nil cache has none.
func (c *cache) close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	polling := c.polling
	c.mu.Unlock()
	if first {
		c.unwatch()
	}
	c.end()
	if polling == nil {
		return nil
	}
	select {
	case <-polling:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the feed is still being asked: %w", ErrStore, ctx.Err())
	}
}
