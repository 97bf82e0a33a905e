package keys

import (
	"context"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

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
