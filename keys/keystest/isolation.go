package keystest

import (
	"net/netip"

	"github.com/latchkey-go/latchkey/keys"
)

// sliced returns r with slices that have elements, in memory of their own.
func sliced(r keys.Record) keys.Record {
	r.Scopes = []string{"content/posts/read", "assets/read"}
	r.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}
	return r
}

// spoil changes every element of r's slices in place, and what an append would write to.
func spoil(r keys.Record) {
	for _, s := range [][]string{r.Scopes, r.Scopes[:cap(r.Scopes)]} {
		for i := range s {
			s[i] = "**"
		}
	}
	for _, n := range [][]netip.Prefix{r.AllowedIPs, r.AllowedIPs[:cap(r.AllowedIPs)]} {
		for i := range n {
			n[i] = netip.MustParsePrefix("0.0.0.0/0")
		}
	}
}

var isolationChecks = []check{
	{"Insert copies the slices it is given", func(p *probe) {
		r := p.inserted(sliced(custom()))
		spoil(r)
		p.stands(sliced(r), "after a change of the slices that were given")
	}},
	{"Update copies the slices it is given", func(p *probe) {
		r := p.inserted(custom())
		r = p.update(sliced(r))
		spoil(r)
		p.stands(sliced(r), "after a change of the slices that were given")
	}},
	{"Find returns slices of the caller's own", isolated((*probe).find)},
	{"Get returns slices of the caller's own", isolated((*probe).get)},
	{"List returns slices of the caller's own", isolated(func(p *probe, r keys.Record) keys.Record {
		got := p.list(r.Space, keys.Filter{})
		if len(got) != 1 {
			p.Fatalf("cannot check the promise: %s\n\tList returns %d records of one", p.promise, len(got))
		}
		return got[0]
	})},
	{"InvalidateUser returns slices of the caller's own", func(p *probe) {
		r := p.inserted(sliced(ofUser("ada")))
		for _, got := range p.invalidateUser("", "ada", later) {
			spoil(got)
		}
		got := p.get(r)
		r.Generation, r.InvalidatedAt = got.Generation, got.InvalidatedAt
		p.same(got, r, "after a change of what InvalidateUser returned")
	}},
}

// isolated checks that a change of what ask returns does not change what it returns the next time.
func isolated(ask func(*probe, keys.Record) keys.Record) func(*probe) {
	return func(p *probe) {
		r := p.inserted(sliced(custom()))
		spoil(ask(p, r))
		p.same(ask(p, r), r, "after a change of what was returned before")
	}
}
