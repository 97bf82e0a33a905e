package keystest

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/keys"
)

// A lateCall is a call whose ctx is done before it begins. The store has an active and an invalidated key of one user and
// a custom key with the role "editor".
type lateCall struct {
	*probe
	ctx        context.Context
	live, dead keys.Record
}

const andNothing = " and does nothing"

// whenDone returns the check that call returns ctx's error and changes nothing.
func whenDone(method, also string, call func(c lateCall) error) check {
	return check{method + " returns ctx's error" + also + " if ctx is done before", func(p *probe) {
		live, dead, own := ofUser("ada"), ended(ofUser("ada")), custom()
		p.insert(live, dead, own)
		late, cancel := context.WithDeadline(background, time.Unix(0, 0))
		defer cancel()
		for _, ctx := range []context.Context{suite.Done(), late} {
			if err := call(lateCall{p, ctx, live, dead}); !errors.Is(err, ctx.Err()) {
				p.broken("got error %v, want one wrapping %q", err, ctx.Err())
			}
		}
		p.stands(live, "the active key afterwards")
		p.stands(dead, "the invalidated key afterwards")
		p.stands(own, "the custom key afterwards")
		p.lists("", keys.Filter{}, "the records afterwards", live, dead, own)
	}}
}

var cancelledChecks = []check{
	whenDone("Find", "", func(c lateCall) error { return errorOf(c.Find(c.ctx, "", []keys.Digest{c.live.Digest})) }),
	whenDone("Get", "", func(c lateCall) error { return errorOf(c.Get(c.ctx, "", c.live.ID)) }),
	whenDone("List", "", func(c lateCall) error { return errorOf(c.List(c.ctx, "", keys.Filter{})) }),
	whenDone("Insert", andNothing, func(c lateCall) error { return c.Insert(c.ctx, custom()) }),
	whenDone("Update", andNothing, func(c lateCall) error {
		c.live.Name, c.live.Generation = "Another", 2
		return c.Update(c.ctx, c.live)
	}),
	whenDone("InvalidateUser", andNothing, func(c lateCall) error { return errorOf(c.InvalidateUser(c.ctx, "", "ada", later)) }),
	whenDone("DropRole", andNothing, func(c lateCall) error { return errorOf(c.DropRole(c.ctx, "editor")) }),
	whenDone("Delete", andNothing, func(c lateCall) error { return c.Delete(c.ctx, "", c.dead.ID) }),
}

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
