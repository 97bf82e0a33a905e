package keys

import (
	"context"
	"fmt"
	"sync"
)

const maxErrands = 64

// errands are pieces of work off the request path: bounded in number, and waited for by Close.
type errands struct {
	places chan struct{}

	closing sync.Mutex
	held    int // places that close has taken, for good
}

func newErrands() errands { return errands{places: make(chan struct{}, maxErrands)} }

// begin reports whether there is a place for one more errand, which has to call end.
func (e *errands) begin() bool {
	select {
	case e.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (e *errands) end() { <-e.places }

// close waits for what is under way and lets nothing more begin, by taking all places.
func (e *errands) close(ctx context.Context) error {
	e.closing.Lock()
	defer e.closing.Unlock()
	for ; e.held < maxErrands; e.held++ {
		select {
		case e.places <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("%w: it is still at work: %w", ErrStore, ctx.Err())
		}
	}
	return nil
}
