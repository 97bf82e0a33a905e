package keystest

import (
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/keys"
)

// use records uses, which has to work.
func (p *probe) use(uses ...keys.Use) {
	p.Helper()
	p.must(p.uses.RecordUse(background, uses), "RecordUse")
}

func useOf(r keys.Record, at time.Time) keys.Use { return keys.Use{Space: r.Space, ID: r.ID, At: at} }

// lastUsed reports a promise as broken unless r was last used at that time.
func (p *probe) lastUsed(r keys.Record, at time.Time, what string) {
	p.Helper()
	if got := p.get(r).LastUsedAt; !got.Equal(at) {
		p.broken("%s: LastUsedAt is %v, want %v", what, got, at)
	}
}

var lastUsedChecks = []check{
	{"RecordUse sets LastUsedAt, as Get, Find and List show it", func(p *probe) {
		r, other := custom(), custom()
		other.LastUsedAt = noon
		p.insert(r, other)
		p.use(useOf(r, later), useOf(other, later))
		for what, r := range map[string]keys.Record{"a key never used before": r, "a key used before": other} {
			p.lastUsed(r, later, what+", from Get")
			if got := p.find(r).LastUsedAt; !got.Equal(later) {
				p.broken("%s, from Find: LastUsedAt is %v, want %v", what, got, later)
			}
		}
		for _, got := range p.list("", keys.Filter{}) {
			if !got.LastUsedAt.Equal(later) {
				p.broken("from List: LastUsedAt is %v, want %v", got.LastUsedAt, later)
			}
		}
	}},
	{"RecordUse sets nothing else", func(p *probe) {
		user, own := full(1)
		paused := in("acme", custom())
		paused.DisabledAt, paused.ExpiresAt = noon, noon
		for _, r := range []keys.Record{user, own, paused} {
			p.insert(r)
			r = p.get(r)
			p.use(useOf(r, later.AddDate(1, 0, 0)))
			got := p.get(r)
			r.LastUsedAt = got.LastUsedAt
			p.same(got, r, "a "+string(r.State(later))+" "+string(r.Kind)+" key")
		}
	}},
	{"RecordUse never sets LastUsedAt back", func(p *probe) {
		r := p.inserted(custom())
		p.use(useOf(r, later))
		for _, at := range []time.Time{later.Add(-time.Microsecond), noon, {}} {
			p.use(useOf(r, at))
			p.lastUsed(r, later, fmt.Sprintf("after a use at %v was recorded once more", at))
		}
	}},
	{"RecordUse sets the latest of several uses in a batch", func(p *probe) {
		for name, order := range map[string][]int{"ascending": {1, 2, 3}, "descending": {3, 2, 1}, "mixed": {2, 3, 1}} {
			r := p.inserted(custom())
			var batch []keys.Use
			for _, hours := range order {
				batch = append(batch, useOf(r, noon.Add(time.Duration(hours)*time.Hour)))
			}
			p.use(batch...)
			p.lastUsed(r, noon.Add(3*time.Hour), "uses in "+name+" order")
		}
	}},
	{"RecordUse keeps microseconds", func(p *probe) {
		r, at := custom(), noon.Add(123457*time.Microsecond)
		p.insert(r)
		p.use(useOf(r, at))
		p.lastUsed(r, at, "after a first use")
		p.use(useOf(r, at.Add(time.Microsecond)))
		p.lastUsed(r, at.Add(time.Microsecond), "after a use one microsecond later")
	}},
	{"RecordUse passes over records that do not exist", func(p *probe) {
		r := p.inserted(custom())
		absent := []keys.Use{useOf(custom(), later), {ID: "no-such-id", At: later}, {At: later}}
		batch := []keys.Use{absent[0], useOf(r, later), absent[1], absent[2]}
		for what, uses := range map[string][]keys.Use{"none": nil, "absent records alone": absent, "absent records beside others": batch} {
			p.works(p.uses.RecordUse(background, uses), "uses of "+what+": RecordUse")
		}
		p.lastUsed(r, later, "a record between absent ones")
		p.lists("", keys.Filter{}, "all records", r)
	}},
	{"RecordUse never touches a record of another space", func(p *probe) {
		r := p.inserted(in("acme", custom()))
		for _, space := range []string{"", "globex", "ACME", "acme "} {
			_ = p.uses.RecordUse(background, []keys.Use{{Space: space, ID: r.ID, At: later}}) // passing over is another promise
			p.lastUsed(r, time.Time{}, fmt.Sprintf("after a use in space %q", space))
		}
	}},
	whenDone("RecordUse", andNothing, func(c lateCall) error { return c.uses.RecordUse(c.ctx, []keys.Use{useOf(c.live, later)}) }),
	{"Update and InvalidateUser leave LastUsedAt as it was recorded", func(p *probe) {
		r := p.inserted(ofUser("ada"))
		p.use(useOf(r, later))
		r = p.update(r) // read before the use, written after it
		p.lastUsed(r, later, "after Update")
		p.invalidateUser("", "ada", noon)
		p.lastUsed(r, later, "after InvalidateUser")
	}},
	{"RecordUse beside calls of Update sets nothing back", func(p *probe) {
		r := p.inserted(custom())
		last := useOf(r, noon)
		use := func(t tb) {
			last.At = last.At.Add(time.Second)
			p.on(t).use(last)
		}
		update := func(t tb) {
			p := p.on(t)
			r.Name, r.Digest = fmt.Sprint(r.Generation), digest()
			r = p.update(r)
			now := p.get(r)
			now.LastUsedAt = time.Time{}
			p.same(now, r, "a record just updated, beside uses")
		}
		suite.Beside(p, 2*rounds, update, use)
		p.lastUsed(r, last.At, "in the end")
	}},
}
