package keystest

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

var fieldChecks = []check{
	{"Scopes come back in number, order and spelling", func(p *probe) {
		many := make([]string, 64)
		for i := range many {
			many[i] = fmt.Sprintf("content/%d/%s", i, strings.Repeat("x", 50))
		}
		for _, scopes := range [][]string{
			{"content/**"}, {"b", "a", "b"}, {"a,b", "c d", "e;f"}, {`"quoted"`, "'single'", `back\slash`}, {"{curly}", "[square]", "null", "NULL"}, {""}, {"", ""}, many,
		} {
			r := custom()
			r.Scopes = scopes
			p.insert(r)
			p.stands(r, fmt.Sprintf("scopes %.60q", scopes))
		}
	}},
	{"AllowedIPs come back in number, order and length of prefix", func(p *probe) {
		for _, networks := range [][]string{
			{"0.0.0.0/0"}, {"::/0"}, {"192.0.2.1/32", "10.0.0.0/8", "10.0.0.0/8"}, {"2001:db8::1/128", "fe80::/10"},
			{"10.1.2.3/8"}, {"::ffff:10.0.0.0/104"},
		} {
			r := custom()
			for _, n := range networks {
				r.AllowedIPs = append(r.AllowedIPs, netip.MustParsePrefix(n))
			}
			p.insert(r)
			p.stands(r, fmt.Sprintf("networks %v", networks))
		}
	}},
	{"No scopes and no networks come back as none", func(p *probe) {
		empty := custom()
		empty.Scopes, empty.AllowedIPs = []string{}, []netip.Prefix{}
		for _, r := range []keys.Record{custom(), empty} {
			p.insert(r)
			if got := p.get(r); len(got.Scopes) != 0 || len(got.AllowedIPs) != 0 {
				p.broken("%d scopes and %d networks come back", len(got.Scopes), len(got.AllowedIPs))
			}
		}
	}},
}

var timeChecks = []check{
	{"Times keep their microseconds", func(p *probe) {
		r := custom()
		eachTime(&r, func(i int, t *time.Time) { *t = noon.Add(time.Duration(123457*(i+1)) * time.Microsecond) })
		r.InvalidatedAt = time.Time{}
		p.insert(r)
		p.stands(r, "after Insert")
		eachTime(&r, func(i int, t *time.Time) {
			if *t != r.CreatedAt && *t != r.LastUsedAt {
				*t = noon.Add(time.Duration(999999-i) * time.Microsecond)
			}
		})
		p.stands(p.update(r), "after Update")

		user, at := ofUser("ada"), noon.Add(654321*time.Microsecond)
		p.insert(user)
		p.invalidateUser("", "ada", at)
		if got := p.get(user).InvalidatedAt; !got.Equal(at) {
			p.broken("after InvalidateUser at %v, InvalidatedAt is %v", at, got)
		}
	}},
	{"Times come back in UTC", func(p *probe) {
		r := custom()
		eachTime(&r, func(i int, t *time.Time) { *t = noon.Add(time.Duration(i) * time.Hour) })
		p.insert(r)
		for _, got := range append(p.list("", keys.Filter{}), p.get(r), p.find(r)) {
			eachTime(&got, func(_ int, t *time.Time) {
				if t.Location().String() != "UTC" {
					p.broken("a time comes back in zone %q", t.Location())
				}
			})
		}
	}},
	{"Zero times stay zero", func(p *probe) {
		r := custom()
		r.CreatedAt = time.Time{}
		p.insert(r)
		for _, what := range []string{"Insert", "Update"} {
			got := p.get(r)
			eachTime(&got, func(i int, t *time.Time) {
				if !t.IsZero() {
					p.broken("after %s, time %d of the record comes back as %v", what, i+1, t)
				}
			})
			r = p.update(r)
		}
	}},
	{"Times far off stay what they are", func(p *probe) {
		for _, far := range []time.Time{
			time.Unix(0, 0).UTC(), // no zero time
			time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC),
			time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC), // past 1<<63 ns
			time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		} {
			r := custom()
			r.ExpiresAt = far
			p.insert(r)
			if got := p.get(r).ExpiresAt; !got.Equal(far) {
				p.broken("%v comes back as %v", far, got)
			}
		}
	}},
}

// eachTime calls f with each of r's times.
func eachTime(r *keys.Record, f func(i int, t *time.Time)) {
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		if t, ok := v.Field(i).Addr().Interface().(*time.Time); ok {
			f(i, t)
		}
	}
}
