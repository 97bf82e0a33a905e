package keys

import (
	"context"
	"fmt"
	"sync"
)

const maxBackground = 64

// background counts the background tasks of a ring: their number is bounded, and Close waits for them.
type background struct {
	slots chan struct{}

	closing sync.Mutex
	held    int // slots that close has taken, permanently
}

func newBackground() background { return background{slots: make(chan struct{}, maxBackground)} }

// begin reports whether one more task may run. The task must call end.
func (b *background) begin() bool {
	select {
	case b.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (b *background) end() { <-b.slots }

// close waits for running tasks and prevents new ones, by taking all slots.
func (b *background) close(ctx context.Context) error {
	b.closing.Lock()
	defer b.closing.Unlock()
	for ; b.held < maxBackground; b.held++ {
		select {
		case b.slots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("%w: background tasks are still running: %w", ErrStore, ctx.Err())
		}
	}
	return nil
}
