package keystest

import (
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/latchkey-go/latchkey/keys"
)

// spaceChecks look at each method with records in other spaces. Texts that are nearly the same are another matter:
// see texts.go.
var spaceChecks = []check{
	{"Find never shows a record of another space", func(p *probe) {
		r := in("acme", custom())
		r.Previous = digest()
		p.insert(r)
		for _, space := range []string{"", "globex"} {
			p.lost(space, r.Digest, fmt.Sprintf("a digest of space %q asked for in %q", r.Space, space))
			p.lost(space, r.Previous, fmt.Sprintf("an old digest of space %q asked for in %q", r.Space, space))
		}
		here := in("globex", custom())
		here.Digest = r.Digest
		p.insert(here)
		p.found(r.Digest, here, "a digest stored in two spaces")
		p.found(r.Digest, r, "a digest stored in two spaces")
	}},
	{"Get never shows a record of another space", func(p *probe) {
		r, plain := in("acme", custom()), custom()
		p.insert(r, plain)
		for id, spaces := range map[string][]string{r.ID: {"", "globex"}, plain.ID: {"acme", "globex"}} {
			for _, space := range spaces {
				p.wraps(errorOf(p.Get(background, space, id)), keys.ErrNotFound, fmt.Sprintf("Get in space %q of an ID of another", space))
			}
		}
	}},
	{"List never shows a record of another space", func(p *probe) {
		spaces := []string{"", "acme", "globex"}
		records := map[string][]keys.Record{}
		for _, space := range slices.Concat(spaces, spaces) {
			r := in(space, ofUser("ada"))
			records[space] = append(records[space], r)
			p.insert(r)
		}
		for _, space := range append(spaces, "nowhere") {
			p.lists(space, keys.Filter{}, fmt.Sprintf("all of space %q", space), records[space]...)
			p.lists(space, keys.Filter{UserID: "ada"}, fmt.Sprintf("the keys of a user in space %q", space), records[space]...)
		}
	}},
	{"Insert allows in one space what is taken in another", func(p *probe) {
		for _, c := range clashes {
			old, r := in("acme", custom()), in("globex", custom())
			old.ForeignID = rand.Text()
			c.make(&old, &r)
			p.insert(old)
			if p.works(p.Insert(background, r), "in another space, "+c.what+": Insert") {
				p.erase(r)
			}
			p.erase(old)
		}
		p.insert(in("acme", ofUser("ada")))
		p.works(p.Insert(background, in("globex", soleOf("ada"))), "in another space, the user has a key: Insert")
	}},
	{"Update never touches a record of another space", func(p *probe) {
		r := p.inserted(in("acme", custom()))
		moved := r
		moved.Space, moved.Name, moved.Generation = "globex", "Another", 2
		if p.Update(background, moved) == nil {
			p.broken("Update in another space returns no error")
		}
		p.stands(r, "the record where it was")
	}},
	{"InvalidateUser never touches a record of another space", func(p *probe) {
		here, there := in("acme", ofUser("ada")), in("globex", ofUser("ada"))
		plain := ofUser("ada")
		p.insert(here, there, plain)
		for _, r := range p.invalidateUser("acme", "ada", later) {
			if r.ID != here.ID {
				p.broken("it returns a record of space %q", r.Space)
			}
		}
		p.stands(there, "the user's key in another space")
		p.stands(plain, "the user's key in the space without a name")
	}},
	{"Delete never touches a record of another space", func(p *probe) {
		r := p.inserted(in("acme", ended(custom())))
		for _, space := range []string{"", "globex"} {
			_ = p.Delete(background, space, r.ID) // what it returns is another promise
			p.lists(r.Space, keys.Filter{}, fmt.Sprintf("after Delete in space %q, space %q", space, r.Space), r)
		}
	}},
}
