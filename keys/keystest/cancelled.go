package keystest

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/keys"
)

// whenDone checks that do, whose ctx is done before it begins, returns ctx's error and changes nothing. It gets an
// active and an invalidated key of one user; beside them is a custom key with the role "editor".
func whenDone(do func(ctx context.Context, p *probe, live, dead keys.Record) error) func(*probe) {
	return func(p *probe) {
		live, dead, own := ofUser("ada"), ended(ofUser("ada")), custom()
		p.insert(live, dead, own)
		late, cancel := context.WithDeadline(background, time.Unix(0, 0))
		defer cancel()
		for _, ctx := range []context.Context{suite.Done(), late} {
			if err := do(ctx, p, live, dead); !errors.Is(err, ctx.Err()) {
				p.broken("got error %v, want one wrapping %q", err, ctx.Err())
			}
		}
		p.stands(live, "the active key afterwards")
		p.stands(dead, "the invalidated key afterwards")
		p.stands(own, "the custom key afterwards")
		p.lists("", keys.Filter{}, "the records afterwards", live, dead, own)
	}
}

var cancelledChecks = []check{
	{"Find returns ctx's error if ctx is done before", whenDone(func(ctx context.Context, p *probe, live, _ keys.Record) error {
		return errorOf(p.Find(ctx, "", []keys.Digest{live.Digest}))
	})},
	{"Get returns ctx's error if ctx is done before", whenDone(func(ctx context.Context, p *probe, live, _ keys.Record) error {
		return errorOf(p.Get(ctx, "", live.ID))
	})},
	{"List returns ctx's error if ctx is done before", whenDone(func(ctx context.Context, p *probe, _, _ keys.Record) error {
		return errorOf(p.List(ctx, "", keys.Filter{}))
	})},
	{"Insert returns ctx's error and does nothing if ctx is done before", whenDone(func(ctx context.Context, p *probe, _, _ keys.Record) error {
		return p.Insert(ctx, custom())
	})},
	{"Update returns ctx's error and does nothing if ctx is done before", whenDone(func(ctx context.Context, p *probe, live, _ keys.Record) error {
		live.Name, live.Generation = "Another", 2
		return p.Update(ctx, live)
	})},
	{"InvalidateUser returns ctx's error and does nothing if ctx is done before", whenDone(func(ctx context.Context, p *probe, _, _ keys.Record) error {
		return errorOf(p.InvalidateUser(ctx, "", "ada", later))
	})},
	{"DropRole returns ctx's error and does nothing if ctx is done before", whenDone(func(ctx context.Context, p *probe, _, _ keys.Record) error {
		return errorOf(p.DropRole(ctx, "editor"))
	})},
	{"Delete returns ctx's error and does nothing if ctx is done before", whenDone(func(ctx context.Context, p *probe, _, dead keys.Record) error {
		return p.Delete(ctx, "", dead.ID)
	})},
}
