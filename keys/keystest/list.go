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
