package keystest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

var listChecks = []check{
	{"List returns records in ascending order of ID", func(p *probe) {
		records := several(20)
		for _, i := range rand.Perm(len(records)) {
			p.insert(records[i])
		}
		p.update(records[3])
		p.update(records[0])
		if got := ids(p.list("", keys.Filter{})); !slices.IsSorted(got) {
			p.broken("20 records inserted in another order are listed as %v", got)
		}
	}},
	{"List returns at most Limit records, those with the lowest IDs", func(p *probe) {
		records := several(7)
		p.insert(records...)
		for _, limit := range []int{1, 3, 6, 7, 8} {
			p.lists("", keys.Filter{Limit: limit}, "7 records with a limit", records[:min(limit, 7)]...)
		}
	}},
	{"List returns 100 records if Limit is 0", func(p *probe) {
		records := several(103)
		p.insert(records...)
		p.lists("", keys.Filter{}, "103 records without a limit", records[:100]...)
	}},
	{"List returns at most 1000 records", func(p *probe) {
		records := several(1003)
		p.insert(records...)
		for _, limit := range []int{1000, 5000} {
			if n := len(p.list("", keys.Filter{Limit: limit})); n != 1000 {
				p.broken("of 1003 records and with limit %d, List returns %d", limit, n)
			}
		}
	}},
	{"List returns those with an ID above After", func(p *probe) {
		records := several(6)
		p.insert(slices.Concat(records[:3], records[4:])...)
		for i, r := range records { // the fourth exists no more, as after a Delete between two pages
			rest := slices.DeleteFunc(slices.Clone(records[i+1:]), func(r keys.Record) bool { return r.ID == records[3].ID })
			p.lists("", keys.Filter{After: r.ID}, "the records after one of six", rest...)
		}
	}},
	{"List goes through all records in pages by After and Limit", func(p *probe) {
		records := several(10)
		for i := 3; i < 7; i++ { // more than a page
			records[i].Role = "viewer"
		}
		for i := range records {
			records[i].CreatedAt = noon.Add(-time.Duration(i) * time.Hour) // those with a later ID were issued before
		}
		p.insert(records...)
		for _, f := range []keys.Filter{{Limit: 3}, {Limit: 3, Role: "editor"}, {Limit: 3, IssuedUntil: noon.Add(-3 * time.Hour)}} {
			want := p.list("", keys.Filter{Role: f.Role, IssuedUntil: f.IssuedUntil})
			var got []keys.Record
			for range 10 {
				page := p.list("", f)
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
				f.After = slices.Max(ids(page))
			}
			if !slices.Equal(sortedIDs(got), sortedIDs(want)) {
				p.broken("pages of 3 with role %q hold %d records, all at once %d", f.Role, len(got), len(want))
			}
		}
	}},
	{"List of none is an empty list and no error", func(p *probe) {
		filters := []keys.Filter{{UserID: "unknown"}, {ForeignID: "none"}, {After: custom().ID}, {State: keys.StateDisabled, At: noon}}
		p.lists("", keys.Filter{}, "an empty store")
		for _, f := range filters {
			p.lists("", f, fmt.Sprintf("an empty store, filter %+v", f))
		}
		last := p.inserted(custom())
		filters[2].After = last.ID
		for _, f := range filters {
			p.lists("", f, fmt.Sprintf("one record that does not pass filter %+v", f))
		}
	}},
}

// several returns n new records in ascending order of ID.
func several(n int) []keys.Record {
	records := make([]keys.Record, n)
	for i := range records {
		records[i] = custom()
	}
	return records
}

var filterChecks = []check{
	{"List by no field returns every record", func(p *probe) {
		records := mixed()
		p.insert(records...)
		p.lists("", keys.Filter{}, "a zero filter", records...)
		p.lists("", keys.Filter{At: noon}, "a filter with a time and no state", records...)
	}},
	{"List by Kind returns records of that kind", filters(
		func(r keys.Record) keys.Filter { return keys.Filter{Kind: r.Kind} })},
	{"List by UserID returns records of that user", filters(
		func(r keys.Record) keys.Filter { return keys.Filter{UserID: r.UserID} })},
	{"List by Role returns records with that role", filters(
		func(r keys.Record) keys.Filter { return keys.Filter{Role: r.Role} })},
	{"List by ForeignID returns the record with that foreign ID", filters(
		func(r keys.Record) keys.Filter { return keys.Filter{ForeignID: r.ForeignID} })},
	{"List by Legacy returns only legacy records", filters(
		func(r keys.Record) keys.Filter { return keys.Filter{Legacy: r.Legacy} })},
	{"List by State returns records in that state", filters(
		func(r keys.Record) keys.Filter { return keys.Filter{State: r.State(noon), At: noon} })},
	{"List by State tells it as it is at time At", func(p *probe) {
		r := custom()
		r.ExpiresAt = noon
		p.insert(r)
		berlin := time.FixedZone("CET", 3600)
		for _, at := range []time.Time{
			noon.Add(-time.Hour), noon.Add(-time.Microsecond), noon.Add(-1), noon, // it expires at this very instant
			noon.Add(1), noon.Add(time.Microsecond), noon.AddDate(100, 0, 0), noon.Add(-time.Minute).In(berlin), noon.In(berlin),
		} {
			for _, state := range []keys.State{keys.StateActive, keys.StateExpired} {
				var want []keys.Record
				if r.State(at) == state {
					want = append(want, r)
				}
				p.lists("", keys.Filter{State: state, At: at}, fmt.Sprintf("%s keys at %v of its expiry", state, at.Sub(noon)), want...)
			}
		}
	}},
	{"List by IssuedUntil returns records whose value was issued by then: RefreshedAt, else CreatedAt, and those with neither", func(p *probe) {
		made, refreshed, neither, later := custom(), custom(), custom(), ofUser("ada")
		made.CreatedAt = noon
		refreshed.CreatedAt, refreshed.RefreshedAt = noon.Add(-time.Hour), noon
		neither.CreatedAt = time.Time{}
		later.CreatedAt, later.RefreshedAt = noon.Add(-time.Hour), noon.Add(time.Hour)
		p.insert(made, refreshed, neither, later)
		berlin := time.FixedZone("CET", 3600)
		for _, until := range []time.Time{
			noon.Add(-time.Hour), noon.Add(-time.Microsecond), noon.Add(-1), noon, noon.Add(1), noon.Add(time.Microsecond),
			noon.Add(time.Hour), noon.Add(-time.Minute).In(berlin), noon.In(berlin),
		} {
			want := []keys.Record{neither}
			if !until.Before(noon) {
				want = []keys.Record{made, refreshed, neither}
			}
			if !until.Before(later.RefreshedAt) {
				want = append(want, later)
			}
			p.lists("", keys.Filter{IssuedUntil: until}, fmt.Sprintf("values issued by %v after noon", until.Sub(noon)), want...)
		}
	}},
	{"List by several fields returns what the lists by each have in common", func(p *probe) {
		records := mixed()
		p.insert(records...)
		lists := map[keys.Filter][]string{} // by one field, as the store tells them
		combine := func(fs ...keys.Filter) {
			var all keys.Filter
			common := slices.Clone(records)
			for _, f := range fs {
				all.Kind, all.UserID, all.Role = all.Kind+f.Kind, all.UserID+f.UserID, all.Role+f.Role
				all.ForeignID, all.State, all.Legacy = all.ForeignID+f.ForeignID, all.State+f.State, all.Legacy || f.Legacy
				if f.State != "" {
					all.At = f.At
				}
				if !f.IssuedUntil.IsZero() {
					all.IssuedUntil = f.IssuedUntil
				}
				if lists[f] == nil {
					lists[f] = ids(p.list("", f))
				}
				common = slices.DeleteFunc(common, func(r keys.Record) bool { return !slices.Contains(lists[f], r.ID) })
			}
			p.lists("", all, fmt.Sprintf("filter %+v", all), common...)
		}
		for _, r := range []keys.Record{records[2], records[4], records[6], records[8]} {
			single := []keys.Filter{{Kind: r.Kind}, {UserID: r.UserID}, {Role: r.Role}, {ForeignID: r.ForeignID}, {Legacy: r.Legacy}, {State: r.State(noon), At: noon},
				{IssuedUntil: noon.Add(-time.Hour)}}
			for i, a := range single {
				for _, b := range single[i+1:] {
					combine(a, b)
				}
			}
			combine(single...)
		}
		combine(keys.Filter{Kind: keys.KindUser}, keys.Filter{Role: "editor"})
		combine(keys.Filter{UserID: "ada"}, keys.Filter{State: keys.StateExpired, At: noon})
		combine(keys.Filter{UserID: "ada"}, keys.Filter{ForeignID: "f3"})
	}},
}

// mixed returns records of which no two have all in common.
func mixed() []keys.Record {
	records := []keys.Record{custom(), custom(), custom(), custom(), ofUser("ada"), ofUser("ada"), ofUser("ada"), ofUser("bob"), ofUser("bob"), ofUser("bob")}
	at := func(i int) *keys.Record { return &records[i] }
	at(1).Role, at(1).DisabledAt = "viewer", noon.Add(-time.Hour)
	at(2).Role, at(2).Legacy, at(2).ForeignID = "", true, "f1"
	at(3).ExpiresAt, at(3).Legacy = noon.Add(-time.Hour), true
	at(4).ForeignID, at(4).Legacy = "f2", true
	at(5).DisabledAt, at(5).ExpiresAt = noon.Add(-time.Hour), noon.Add(-time.Hour)
	at(6).InvalidatedAt, at(6).DisabledAt, at(6).ExpiresAt = noon.Add(-time.Hour), noon.Add(-time.Hour), noon.Add(-time.Hour)
	at(7).InvalidatedAt = noon.Add(-time.Hour)
	at(8).ExpiresAt = noon.Add(-time.Hour)
	at(9).ForeignID = "f3"
	at(2).CreatedAt, at(5).CreatedAt, at(8).CreatedAt = noon.Add(-2*time.Hour), noon.Add(-time.Hour), noon.Add(-2*time.Hour)
	return records
}

// filters checks a filter of one field: for each of the mixed records, exactly those pass that yield the same
// filter.
func filters(by func(keys.Record) keys.Filter) func(p *probe) {
	return func(p *probe) {
		records := mixed()
		p.insert(records...)
		for _, r := range records {
			f := by(r)
			if f == (keys.Filter{}) {
				continue // this record's value means not narrowed
			}
			alike := slices.DeleteFunc(slices.Clone(records), func(o keys.Record) bool { return by(o) != f })
			p.lists("", f, fmt.Sprintf("filter %+v", f), alike...)
		}
	}
}
