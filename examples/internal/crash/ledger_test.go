package crash

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/latchkey-go/latchkey/keys"
)

// A step is one operation of a worker on one key. It is reported twice: before it begins, and when it is done. A step
// that was not reported as done may or may not have been done.
type step struct {
	What  string // "issue", "refresh", "invalidate"
	Key   string // ID of the record; for an issue that begins, the name
	Name  string // for an issue that is done
	Value string // for an issue or refresh that is done
	Done  bool
}

// A ledger is the expected contents of a correct store: every step that was reported as done.
type ledger struct {
	mu      sync.Mutex
	entries map[string]*entry // by ID
	issuing map[string]bool   // names of issues that began
	last    string            // the greatest ID seen
	acked   int               // steps reported as done
	lost    int               // steps done but not reported
}

// An entry is the known state of one key.
type entry struct {
	values      []string // all reported values; only the last can be good
	changes     uint64   // reported or found since the key was issued
	invalidated bool
	hidden      bool   // refreshed without a report: its good value is unknown
	begun       string // a step that was not reported as done
}

func newLedger() *ledger { return &ledger{entries: map[string]*entry{}, issuing: map[string]bool{}} }

// note records a step.
func (l *ledger) note(s step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.What == "issue" {
		if !s.Done {
			l.issuing[s.Key] = true
			return
		}
		delete(l.issuing, s.Name)
		l.entries[s.Key] = &entry{values: []string{s.Value}}
		l.acked++
		return
	}
	e := l.entries[s.Key]
	if !s.Done {
		e.begun = s.What
		return
	}
	l.acked++
	e.begun = ""
	e.changes++
	switch s.What {
	case "refresh":
		e.values, e.hidden = append(e.values, s.Value), false
	case "invalidate":
		e.invalidated = true
	}
}

// check compares the ledger with the keys that began a step since the last check, with all new keys, and with a
// number of others. If it finds an unreported step done, it records it as done: from then on it must stay so. It
// returns all errors.
func (l *ledger) check(ctx context.Context, ring *keys.Ring, touched []string, others int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wrong := []error{l.adopt(ctx, ring)}
	look := map[string]bool{}
	for _, id := range touched {
		look[id] = true
	}
	for id := range l.entries { // the order is random
		if others--; others < 0 {
			break
		}
		look[id] = true
	}
	for id := range look {
		if e, ok := l.entries[id]; ok {
			wrong = append(wrong, l.checkOne(ctx, ring, id, e))
		}
	}
	return errors.Join(wrong...)
}

// adopt adds records that were issued without a report.
func (l *ledger) adopt(ctx context.Context, ring *keys.Ring) error {
	for {
		page, err := ring.List(ctx, keys.Filter{After: l.last, Limit: 1000})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			l.last = r.ID
			if _, known := l.entries[r.ID]; known {
				continue
			}
			if !l.issuing[r.Name] {
				return fmt.Errorf("record %s, %q, was never issued", r.ID, r.Name)
			}
			delete(l.issuing, r.Name)
			l.entries[r.ID] = &entry{hidden: true}
			l.lost++
		}
	}
}

func (l *ledger) checkOne(ctx context.Context, ring *keys.Ring, id string, e *entry) error {
	r, err := ring.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("key %s: acknowledged and lost: %w", id, err)
	}
	if e.begun != "" && r.Generation == e.changes+2 {
		l.lost++
		e.changes++
		e.hidden = e.hidden || e.begun == "refresh"
		e.invalidated = e.invalidated || e.begun == "invalidate"
	}
	e.begun = ""
	if r.Generation != e.changes+1 {
		return fmt.Errorf("key %s: generation %d after %d changes", id, r.Generation, e.changes)
	}
	if got := !r.InvalidatedAt.IsZero(); got != e.invalidated {
		return fmt.Errorf("key %s: invalidated is %v, want %v", id, got, e.invalidated)
	}
	for i, value := range e.values {
		last := i == len(e.values)-1 && !e.hidden
		want := keys.ErrUnknown // replaced
		switch {
		case last && e.invalidated:
			want = keys.ErrInvalidated
		case last:
			want = nil
		}
		switch v, err := ring.Verify(ctx, value); {
		case !errors.Is(err, want):
			return fmt.Errorf("key %s: value %d of %d: %v, want %v", id, i+1, len(e.values), err, want)
		case err == nil && v.ID() != id:
			return fmt.Errorf("key %s: its value is good for %s", id, v.ID())
		}
	}
	return nil
}

// all returns the IDs of all keys.
func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.entries))
}
