package keys

import (
	"context"
	"fmt"
	"sync"
)

const maxBackground = 64

// background is work off the request path: bounded in number, and awaited by Close.
type background struct {
	places chan struct{}

	closing sync.Mutex
	held    int // places that close has taken, for good
}

func newBackground() background { return background{places: make(chan struct{}, maxBackground)} }

// begin reports whether there is a place for one more errand, which has to call end.
func (e *background) begin() bool {
	select {
	case e.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (e *background) end() { <-e.places }

// close waits for what is under way and lets nothing more begin, by taking all places.
func (e *background) close(ctx context.Context) error {
	e.closing.Lock()
	defer e.closing.Unlock()
	for ; e.held < maxBackground; e.held++ {
		select {
		case e.places <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("%w: it is still at work: %w", ErrStore, ctx.Err())
		}
	}
	return nil
}
