package audittest

import "github.com/latchkey-go/latchkey/auth/audit"

// pages are the promises on the order of records and how many there are.
var pages = []promise{
	{"records are in descending order of ID, however they came in", func(t reporter, log audit.Log) {
		add(t, log, record(t, 2, nil), record(t, 1, nil), record(t, 3, nil))
		expect(t, log, audit.Filter{}, "k3", "k2", "k1")
	}},
	{"IDs are compared byte by byte", func(t reporter, log audit.Log) {
		for _, id := range []string{"A", "B", "a", "a ", "a0", "b", "ä"} {
			add(t, log, record(t, 1, func(r *audit.Record) { r.ID, r.Object = id, id }))
		}
		expect(t, log, audit.Filter{}, "ä", "b", "a0", "a ", "a", "B", "A")
		expect(t, log, audit.Filter{Before: "a"}, "B", "A")
	}},
	{"a page has at most Limit records, the newest", func(t reporter, log audit.Log) {
		series(t, log, 5)
		expect(t, log, audit.Filter{Limit: 3}, "k5", "k4", "k3")
		expect(t, log, audit.Filter{Limit: 1}, "k5")
	}},
	{"Limit counts the records that pass", func(t reporter, log audit.Log) {
		add(t, log, record(t, 1, nil), record(t, 2, nil))
		for n := 3; n < 8; n++ {
			add(t, log, record(t, n, func(r *audit.Record) { r.Actor = "user:grace" }))
		}
		expect(t, log, audit.Filter{Actor: "user:ada", Until: at(100), Limit: 2}, "k2", "k1")
	}},
	{"a page has at most 100 records if Limit is 0", func(t reporter, log audit.Log) {
		series(t, log, 101)
		if n := len(list(t, log, audit.Filter{})); n != 100 {
			t.Errorf("%d records, want 100", n)
		}
	}},
	{"a page has at most 1000 records", func(t reporter, log audit.Log) {
		series(t, log, 1001)
		for _, limit := range []int{1000, 5000} {
			if n := len(list(t, log, audit.Filter{Limit: limit})); n != 1000 {
				t.Errorf("Limit %d gives %d records, want 1000", limit, n)
			}
		}
	}},
	{"a page begins below Before", func(t reporter, log audit.Log) {
		series(t, log, 5)
		expect(t, log, audit.Filter{Before: "00000003"}, "k2", "k1")
		expect(t, log, audit.Filter{Before: "00000001"})
	}},
	{"Before need not be the ID of a record", func(t reporter, log audit.Log) {
		series(t, log, 5)
		expect(t, log, audit.Filter{Before: "000000035"}, "k3", "k2", "k1")
	}},
}
