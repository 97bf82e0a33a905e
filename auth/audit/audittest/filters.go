package audittest

import (
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth/audit"
)

// filters are the promises on which records are listed.
var filters = []promise{
	{"Actor narrows the list", among(3, page{audit.Filter{Actor: "user:ada"}, "k3 k1"})},
	{"Action narrows the list", among(3, page{audit.Filter{Action: "key.create"}, "k3 k1"})},
	{"Object narrows the list", func(t reporter, log audit.Log) {
		series(t, log, 2)
		add(t, log, record(t, 3, func(r *audit.Record) { r.Object = "k1" }))
		expect(t, log, audit.Filter{Object: "k1"}, "k1", "k1")
	}},
	{"what Actor, Action and Object name is compared byte by byte", func(t reporter, log audit.Log) {
		texts := []string{"a", "A", "a ", " a", "%", "_", "ä", "a\u0308"}
		for i, text := range texts {
			add(t, log, record(t, i, func(r *audit.Record) { r.Actor, r.Action = text, text }))
			add(t, log, record(t, 100+i, func(r *audit.Record) { r.Object = text }))
		}
		for i, text := range texts {
			name := record(t, i, nil).Object
			// Several at once, so that a filter that does not count at all is the other promises' to find.
			expect(t, log, audit.Filter{Actor: text, Until: at(50)}, name)
			expect(t, log, audit.Filter{Action: text, Until: at(50)}, name)
			expect(t, log, audit.Filter{Object: text, Since: at(50)}, text)
		}
		expect(t, log, audit.Filter{Actor: "A ", Until: at(50)})
	}},
	{"Since is the first instant that counts", among(3, page{audit.Filter{Since: at(2)}, "k3 k2"})},
	{"Until is the first instant that does not count any more", among(3, page{audit.Filter{Until: at(2)}, "k1"})},
	{"Since and Until may be between two microseconds", among(3,
		page{audit.Filter{Since: at(2).Add(time.Nanosecond)}, "k3"},
		page{audit.Filter{Until: at(2).Add(time.Nanosecond)}, "k2 k1"})},
	{"Since and Until may be in any zone", func(t reporter, log audit.Log) {
		series(t, log, 3)
		for _, hours := range []int{-11, 5} {
			between := at(2).Add(-time.Millisecond).In(time.FixedZone("", hours*3600))
			expect(t, log, audit.Filter{Since: between}, "k3", "k2")
			expect(t, log, audit.Filter{Until: between}, "k1")
		}
	}},
	{"filters combine", func(t reporter, log audit.Log) {
		for n := range 32 { // each with another set of fields that do not pass
			add(t, log, record(t, n, func(r *audit.Record) {
				r.At = at(10)
				for i, miss := range []func(){
					func() { r.Actor = "user:grace" }, func() { r.Action = "role.update" }, func() { r.Object = "other" },
					func() { r.At = at(4) }, func() { r.At = at(16) },
				} {
					if n>>i&1 == 1 {
						miss()
					}
				}
			}))
		}
		expect(t, log, audit.Filter{Actor: "user:ada", Action: "key.create", Object: "k0", Since: at(5), Until: at(15)}, "k0")
	}},
	{"Space always counts", func(t reporter, log audit.Log) {
		add(t, log, record(t, 1, nil), record(t, 2, in("a")))
		expect(t, log, audit.Filter{}, "k1")
		expect(t, log, audit.Filter{Space: "a"}, "k2")
		expect(t, log, audit.Filter{Space: "a", Object: "k1"})
	}},
	{"spaces are compared byte by byte", func(t reporter, log audit.Log) {
		add(t, log, record(t, 1, in("a")), record(t, 2, in("A")), record(t, 3, in("a ")))
		expect(t, log, audit.Filter{Space: "a"}, "k1")
		expect(t, log, audit.Filter{Space: "A"}, "k2")
		expect(t, log, audit.Filter{Space: "a "}, "k3")
		expect(t, log, audit.Filter{Space: "%"})
	}},
}

func in(space string) func(*audit.Record) { return func(r *audit.Record) { r.Space = space } }

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
	{"a page has at most Limit records, the newest", among(5,
		page{audit.Filter{Limit: 3}, "k5 k4 k3"},
		page{audit.Filter{Limit: 1}, "k5"})},
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
	{"a page begins below Before", among(5,
		page{audit.Filter{Before: "00000003"}, "k2 k1"},
		page{audit.Filter{Before: "00000001"}, ""})},
	{"Before need not be the ID of a record", among(5, page{audit.Filter{Before: "000000035"}, "k3 k2 k1"})},
}

// A page is a filter and the objects of the records that it lists.
type page struct {
	filter  audit.Filter
	objects string
}

// among is the check of the pages of a log that has the records 1 to n.
func among(n int, pages ...page) func(t reporter, log audit.Log) {
	return func(t reporter, log audit.Log) {
		series(t, log, n)
		for _, p := range pages {
			expect(t, log, p.filter, strings.Fields(p.objects)...)
		}
	}
}
