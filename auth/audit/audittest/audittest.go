// Package audittest says whether an [audit.Log] keeps its promises. A host calls it from a test of its own:
//
//	func TestLog(t *testing.T) {
//		audittest.TestLog(t, func(t *testing.T) audit.Log { return newLog(t) })
//	}
package audittest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/auth/audit"
)

// TestLog checks each promise of [audit.Log] in its own subtest. open returns a new, empty log.
func TestLog(t *testing.T, open func(*testing.T) audit.Log) {
	for _, promise := range []struct {
		name  string
		check func(*testing.T, audit.Log)
	}{
		{"Empty", empty}, {"WhatGoesInComesOut", whole}, {"NewestFirst", newestFirst}, {"Filters", filters},
		{"SpacesNeverMeet", spaces}, {"Pages", pages}, {"Limits", limits}, {"IDsAreTakenOnce", taken},
		{"CopiesAtTheBorder", copies}, {"DoneContexts", done}, {"Concurrently", concurrently},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.check(t, open(t)) })
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// record is the n-th of a series: one second apart.
func record(t *testing.T, n int, change func(*audit.Record)) audit.Record {
	t.Helper()
	r := audit.Record{ID: fmt.Sprintf("%08d", n), At: start.Add(time.Duration(n) * time.Second),
		Actor: "user:ada", Action: "key.create", Object: fmt.Sprint("k", n)}
	if change != nil {
		change(&r)
	}
	r, err := audit.Stamp(r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func add(t *testing.T, log audit.Log, rs ...audit.Record) {
	t.Helper()
	for _, r := range rs {
		if err := log.Append(t.Context(), r); err != nil {
			t.Fatalf("Append of %s: %v", r.ID, err)
		}
	}
}

func list(t *testing.T, log audit.Log, f audit.Filter) []audit.Record {
	t.Helper()
	rs, err := log.List(t.Context(), f)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return rs
}

// expect wants exactly these objects in this order.
func expect(t *testing.T, log audit.Log, f audit.Filter, objects ...string) {
	t.Helper()
	var got []string
	for _, r := range list(t, log, f) {
		got = append(got, r.Object)
	}
	if !slices.Equal(got, objects) {
		t.Errorf("List(%+v) has %q, want %q", f, got, objects)
	}
}

func empty(t *testing.T, log audit.Log) { expect(t, log, audit.Filter{}) }

func whole(t *testing.T, log audit.Log) {
	full := record(t, 1, func(r *audit.Record) {
		r.ActorName, r.Space, r.From = "Ada “L” <b>&\t'; DROP TABLE x; --", "tenant ä", "2001:db8::1"
		r.Before = map[string]any{"name": "a\u2028b", "role": nil, "scopes": []string{"content/**"}, "n": 3}
		r.After = map[string]any{"permissions": map[string]bool{"content/posts/read": true, "x": false}, "": ""}
	})
	bare := record(t, 2, func(r *audit.Record) { r.Space = full.Space })
	add(t, log, full, bare)
	got := list(t, log, audit.Filter{Space: full.Space})
	if len(got) != 2 {
		t.Fatalf("List has %d records, want 2", len(got))
	}
	for i, want := range []audit.Record{bare, full} {
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("a record came back as\n%#v\nwant\n%#v", got[i], want)
		}
	}
}

func newestFirst(t *testing.T, log audit.Log) {
	add(t, log, record(t, 2, nil), record(t, 1, nil), record(t, 3, nil)) // appended in another order than made
	expect(t, log, audit.Filter{}, "k3", "k2", "k1")
}

func filters(t *testing.T, log audit.Log) {
	add(t, log, record(t, 1, nil),
		record(t, 2, func(r *audit.Record) { r.Actor = "user:Ada" }),
		record(t, 3, func(r *audit.Record) { r.Action = "role.update" }),
		record(t, 4, func(r *audit.Record) { r.Object = "k1" }),
		record(t, 5, func(r *audit.Record) { r.Actor, r.Action = "user:%", "key_create" }))
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	expect(t, log, audit.Filter{Actor: "user:ada"}, "k1", "k3", "k1")
	expect(t, log, audit.Filter{Actor: "user:%"}, "k5")
	expect(t, log, audit.Filter{Actor: "user:ada "})
	expect(t, log, audit.Filter{Action: "key.create"}, "k1", "k2", "k1")
	expect(t, log, audit.Filter{Action: "role.update"}, "k3")
	expect(t, log, audit.Filter{Object: "k1"}, "k1", "k1")
	expect(t, log, audit.Filter{Object: "K1"})
	expect(t, log, audit.Filter{Actor: "user:ada", Action: "role.update", Object: "k1"})
	expect(t, log, audit.Filter{Since: at(3)}, "k5", "k1", "k3")
	expect(t, log, audit.Filter{Until: at(3)}, "k2", "k1")
	expect(t, log, audit.Filter{Since: at(2), Until: at(4)}, "k3", "k2")
	expect(t, log, audit.Filter{Since: at(2).Add(time.Microsecond), Until: at(3)})
	expect(t, log, audit.Filter{Since: at(2).In(time.FixedZone("", 5*3600)), Until: at(3)}, "k2")
}

func spaces(t *testing.T, log audit.Log) {
	in := func(space string) func(*audit.Record) { return func(r *audit.Record) { r.Space = space } }
	add(t, log, record(t, 1, nil), record(t, 2, in("a")), record(t, 3, in("A")))
	expect(t, log, audit.Filter{}, "k1")
	expect(t, log, audit.Filter{Space: "a"}, "k2")
	expect(t, log, audit.Filter{Space: "A"}, "k3")
	expect(t, log, audit.Filter{Space: "%"})
	expect(t, log, audit.Filter{Space: "a", Object: "k1"})
}

func pages(t *testing.T, log audit.Log) {
	for n := 1; n <= 7; n++ {
		add(t, log, record(t, n, nil))
	}
	expect(t, log, audit.Filter{Limit: 3}, "k7", "k6", "k5")
	expect(t, log, audit.Filter{Limit: 3, Before: "00000005"}, "k4", "k3", "k2")
	expect(t, log, audit.Filter{Limit: 3, Before: "00000002"}, "k1")
	expect(t, log, audit.Filter{Limit: 3, Before: "00000001"})
	expect(t, log, audit.Filter{Limit: 2, Before: "000000045"}, "k4", "k3") // of a record that is not there
}

func limits(t *testing.T, log audit.Log) {
	for n := 1; n <= 1001; n++ {
		add(t, log, record(t, n, nil))
	}
	for limit, want := range map[int]int{0: 100, 1: 1, 1000: 1000, 1001: 1000, 5000: 1000} {
		if got := len(list(t, log, audit.Filter{Limit: limit})); got != want {
			t.Errorf("Limit %d gives %d records, want %d", limit, got, want)
		}
	}
}

func taken(t *testing.T, log audit.Log) {
	add(t, log, record(t, 1, nil))
	if err := log.Append(t.Context(), record(t, 1, func(r *audit.Record) { r.Object = "forged" })); err == nil {
		t.Error("a second record with one ID was taken")
	}
	expect(t, log, audit.Filter{}, "k1")
}

func copies(t *testing.T, log audit.Log) {
	r := record(t, 1, func(r *audit.Record) {
		r.After = map[string]any{"list": []string{"a"}, "map": map[string]any{"b": "c"}}
	})
	want := record(t, 1, func(again *audit.Record) { again.After = r.After })
	add(t, log, r)
	spoil := func(r audit.Record) {
		r.After["list"].([]any)[0] = "spoilt"
		r.After["map"].(map[string]any)["b"] = "spoilt"
		r.After["more"] = true
	}
	spoil(r)
	for range 2 {
		got := list(t, log, audit.Filter{})
		if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Fatalf("what a caller changed outside is changed inside: %#v", got)
		}
		spoil(got[0])
	}
}

func done(t *testing.T, log audit.Log) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Append(ctx, record(t, 1, nil)); err == nil {
		t.Error("Append ran with a context that was done")
	}
	if _, err := log.List(ctx, audit.Filter{}); err == nil {
		t.Error("List ran with a context that was done")
	}
	expect(t, log, audit.Filter{})
}

func concurrently(t *testing.T, log audit.Log) {
	const writers, each = 8, 25
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				r, err := audit.Stamp(audit.Record{Actor: fmt.Sprint("user:", w), Action: "key.create", Object: fmt.Sprint(i)})
				if err != nil {
					t.Error(err)
					return
				}
				if err := log.Append(t.Context(), r); err != nil {
					t.Errorf("Append: %v", err)
				}
				if _, err := log.List(t.Context(), audit.Filter{Limit: 3}); err != nil {
					t.Errorf("List: %v", err)
				}
			}
		})
	}
	group.Wait()
	all := list(t, log, audit.Filter{Limit: 1000})
	if len(all) != writers*each {
		t.Errorf("%d records of %d are there", len(all), writers*each)
	}
	if !slices.IsSortedFunc(all, func(a, b audit.Record) int {
		if a.ID > b.ID {
			return -1
		}
		return 1
	}) {
		t.Error("records are not in descending order of ID")
	}
}
