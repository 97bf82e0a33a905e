package keys

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

const maxBackground = 64

// background counts the background tasks of a ring: their number is bounded, and Close waits for them.
type background struct {
	slots chan struct{}

	closing sync.Mutex
	held    int // slots that close has taken, permanently
}

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

const (
	surveyTimeout = time.Minute // for one page
	surveyAgain   = time.Minute // after a failure
)

// A survey searches one space of the store, in the background, for records that the ring's configuration refuses.
// Only OnError receives the result.
type survey struct {
	failed string                                  // the report if the store fails
	search func(*Ring) (finding string, err error) // "" if there is nothing to report
}

// A surveyID identifies a survey of one space.
type surveyID struct {
	*survey
	space string
}

// begin searches r's space and reports the finding, once for each space. If the store fails, it reports that once
// and tries again until it succeeds.
func (s *survey) begin(r *Ring) {
	if r.onError == nil {
		return
	}
	if _, begun := r.surveyed.LoadOrStore(surveyID{s, r.space}, true); !begun {
		s.try(r, true)
	}
}

// try searches once. If the store fails, it schedules another try, and reports the failure if report is set.
func (s *survey) try(r *Ring, report bool) {
	if r.open() != nil {
		return
	}
	again := func() { time.AfterFunc(surveyAgain, func() { s.try(r, false) }) }
	if !r.background.begin() {
		again()
		return
	}
	go func() {
		defer r.background.end()
		finding, err := s.search(r)
		switch {
		case r.open() != nil:
		case err != nil:
			if report {
				r.report(fmt.Errorf("keys: %s: %w", s.failed, err))
			}
			again()
		case finding != "":
			r.report(fmt.Errorf("keys: %s", finding))
		}
	}()
}

// page returns one page of the list of r's space, for a survey. It gives up after surveyTimeout, or when
// the ring is closed.
func (r *Ring) page(f Filter) ([]Record, error) {
	page, err := ask.Do(r.surveys, r.surveyPages, func(ctx context.Context) ([]Record, error) {
		return r.store.List(ctx, r.space, f)
	})
	if err != nil {
		return nil, wrapStoreError(err)
	}
	return page, nil
}
