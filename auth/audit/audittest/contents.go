package audittest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/internal/suite"
)

// contents are the promises on appended and listed records.
var contents = []promise{
	{"a new log is empty, without an error", func(t reporter, log audit.Log) {
		expect(t, log, audit.Filter{})
	}},
	{"an appended record is listed with every field", func(t reporter, log audit.Log) {
		expectSame(t, log, record(t, 1, func(r *audit.Record) {
			r.ActorName, r.Space, r.From = "Ada", "tenant", "2001:db8::1"
			r.Before, r.After = map[string]any{"name": "old"}, map[string]any{"name": "new"}
		}))
	}},
	{"what a record does not have is nil and empty", func(t reporter, log audit.Log) {
		expectSame(t, log, record(t, 1, nil))
	}},
	{"texts in any script come back as they were", func(t reporter, log audit.Log) {
		const odd = "Ä “L” 名 🗝 e\u0301 <b>&\t'; DROP TABLE x; -- \\ \u2028 "
		expectSame(t, log, record(t, 1, func(r *audit.Record) {
			r.Actor, r.ActorName, r.Action, r.Object, r.Space, r.From = odd, odd, odd, odd, odd, odd
		}))
	}},
	{"values come back in their plain form", func(t reporter, log audit.Log) {
		expectSame(t, log, record(t, 1, func(r *audit.Record) {
			r.Before = map[string]any{"role": nil, "scopes": []string{"content/**", ""}, "n": 3, "f": -1.5e-9}
			r.After = map[string]any{"permissions": map[string]bool{"content/posts/read": true, "x": false}, "": "a\u2028\x00b"}
		}))
	}},
	{"a second record with one ID is an error", func(t reporter, log audit.Log) {
		add(t, log, record(t, 1, nil))
		if err := log.Append(background, record(t, 1, forged)); err == nil {
			t.Errorf("a second record with one ID was taken")
		}
	}},
	{"a second record with the same ID does not change the first", func(t reporter, log audit.Log) {
		add(t, log, record(t, 1, nil))
		_ = log.Append(background, record(t, 1, forged)) // the promise before this one is on its error
		expect(t, log, audit.Filter{}, "k1")
	}},
	{"of concurrent records with one ID exactly one is taken", func(t reporter, log audit.Log) {
		errs := suite.Together(8, func(n int) error {
			return log.Append(background, record(t, 1, func(r *audit.Record) { r.Object = fmt.Sprint(n) }))
		})
		if refused := slices.DeleteFunc(errs, func(err error) bool { return err == nil }); len(refused) != 7 {
			t.Errorf("%d of 8 were taken", 8-len(refused))
		}
	}},
	{"all records of concurrent appends are listed", func(t reporter, log audit.Log) {
		const writers, each = 8, 25
		suite.Each(t, writers, func(t reporter, w int) {
			for i := range each {
				add(t, log, record(t, w*each+i, nil))
				list(t, log, audit.Filter{Limit: 3})
			}
		})
		if n := len(list(t, log, audit.Filter{Limit: 1000})); n != writers*each {
			t.Errorf("%d records of %d are there", n, writers*each)
		}
	}},
}

func forged(r *audit.Record) { r.Object = "forged" }

// expectSame appends a record and wants it back.
func expectSame(t reporter, log audit.Log, r audit.Record) {
	t.Helper()
	add(t, log, r)
	if got := list(t, log, audit.Filter{Space: r.Space}); !reflect.DeepEqual(got, []audit.Record{r}) {
		t.Errorf("a record came back as\n%#v\nwant\n%#v", got, r)
	}
}
