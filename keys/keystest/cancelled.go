package keystest

import (
	"context"
	"errors"
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
