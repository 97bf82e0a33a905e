package audittest

import (
	"context"
	"errors"
	"reflect"

	"github.com/latchkey-go/latchkey/auth/audit"
)

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
		if err := log.Append(ended(t), record(t, 1, nil)); err == nil {
			t.Errorf("Append gave no error")
		}
		expect(t, log, audit.Filter{})
	}},
	{"a context that is done stops List", func(t reporter, log audit.Log) {
		add(t, log, record(t, 1, nil))
		if page, err := log.List(ended(t), audit.Filter{}); err == nil || len(page) > 0 {
			t.Errorf("List gave %d records and the error %v", len(page), err)
		}
	}},
	{"the error of Append wraps the one of its context", func(t reporter, log audit.Log) {
		if err := log.Append(ended(t), record(t, 1, nil)); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}},
	{"the error of List wraps the one of its context", func(t reporter, log audit.Log) {
		if _, err := log.List(ended(t), audit.Filter{}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}},
}

func ended(t reporter) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
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
