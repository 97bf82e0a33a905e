// Package audittest tests whether an [audit.Log] keeps its promises. A host calls it from its tests:
//
//	func TestLog(t *testing.T) {
//		audittest.TestLog(t, func(t *testing.T) audit.Log { return openTestLog(t) })
//	}
//
// Each promise is a subtest, so that the name of a failing subtest states the promise.
package audittest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/internal/suite"
)

// TestLog checks each promise of [audit.Log] in its own subtest, for a log that can be listed. It calls open once for
// each, with the subtest, for a new, empty log; open can clean up with t.Cleanup. Subtests do
// not run in parallel with each other.
func TestLog(t *testing.T, open func(*testing.T) audit.Log) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.check(t, open(t)) })
	}
}

// promises are all promises of a log, each with its check.
var promises = slices.Concat(contents, filters, pages, borders)

type promise struct {
	name  string
	check func(t reporter, log audit.Log)
}

type reporter = suite.TB

var background = context.Background()

var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// at is when the n-th record of a series was made: they are one second apart.
func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

// record is the n-th of a series, with the object kn.
func record(t reporter, n int, change func(*audit.Record)) audit.Record {
	t.Helper()
	r := audit.Record{ID: fmt.Sprintf("%08d", n), At: at(n), Actor: "user:ada", Action: "key.create", Object: fmt.Sprint("k", n)}
	if change != nil {
		change(&r)
	}
	r, err := audit.Stamp(r)
	if err != nil {
		t.Fatalf("Stamp: %v", err)
	}
	return r
}

// series appends the records 1 to n. Those with an even number have another actor and another action.
func series(t reporter, log audit.Log, n int) {
	t.Helper()
	for i := range n {
		add(t, log, record(t, i+1, func(r *audit.Record) {
			if i%2 == 1 {
				r.Actor, r.Action = "user:grace", "role.update"
			}
		}))
	}
}

func add(t reporter, log audit.Log, rs ...audit.Record) {
	t.Helper()
	for _, r := range rs {
		if err := log.Append(background, r); err != nil {
			t.Fatalf("Append of %q: %v", r.ID, err)
		}
	}
}

func list(t reporter, log audit.Log, f audit.Filter) []audit.Record {
	t.Helper()
	rs, err := log.List(background, f)
	if err != nil {
		t.Fatalf("List(%+v): %v", f, err)
	}
	return rs
}

// expect wants exactly these objects in this order.
func expect(t reporter, log audit.Log, f audit.Filter, objects ...string) {
	t.Helper()
	var got []string
	for _, r := range list(t, log, f) {
		got = append(got, r.Object)
	}
	if !slices.Equal(got, objects) {
		t.Errorf("List(%+v) has %q, want %q", f, got, objects)
	}
}

// borders are the promises on shared memory and on contexts.
var borders = []promise{
	{"the log copies an appended record", func(t reporter, log audit.Log) {
		r := nested(t)
		add(t, log, r)
		spoil(r)
		expectNested(t, list(t, log, audit.Filter{}))
	}},
	{"the log returns copies", func(t reporter, log audit.Log) {
		add(t, log, nested(t))
		for _, r := range list(t, log, audit.Filter{}) {
			spoil(r)
		}
		expectNested(t, list(t, log, audit.Filter{}))
	}},
	{"a context that is done stops Append before it begins", func(t reporter, log audit.Log) {
		if err := log.Append(suite.Done(), record(t, 1, nil)); err == nil {
			t.Errorf("Append gave no error")
		}
		expect(t, log, audit.Filter{})
	}},
	{"a context that is done stops List", func(t reporter, log audit.Log) {
		add(t, log, record(t, 1, nil))
		if page, err := log.List(suite.Done(), audit.Filter{}); err == nil || len(page) > 0 {
			t.Errorf("List gave %d records and the error %v", len(page), err)
		}
	}},
	{"the error of Append wraps the one of its context", func(t reporter, log audit.Log) {
		if err := log.Append(suite.Done(), record(t, 1, nil)); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}},
	{"the error of List wraps the one of its context", func(t reporter, log audit.Log) {
		if _, err := log.List(suite.Done(), audit.Filter{}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}},
}

// nested is a record with values within values.
func nested(t reporter) audit.Record {
	return record(t, 1, func(r *audit.Record) {
		r.After = map[string]any{"list": []string{"a"}, "map": map[string]any{"b": "c"}}
	})
}

// spoil changes the values of a nested record.
func spoil(r audit.Record) {
	if l, ok := r.After["list"].([]any); ok && len(l) > 0 {
		l[0] = "spoilt"
	}
	if m, ok := r.After["map"].(map[string]any); ok {
		m["b"] = "spoilt"
	}
	if r.After != nil {
		r.After["more"] = true
	}
}

func expectNested(t reporter, page []audit.Record) {
	t.Helper()
	if len(page) != 1 || !reflect.DeepEqual(page[0].After, nested(t).After) {
		t.Errorf("what a caller changed outside is changed inside: %#v", page)
	}
}
