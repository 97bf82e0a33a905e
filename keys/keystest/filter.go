package keystest

import (
	"fmt"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

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
