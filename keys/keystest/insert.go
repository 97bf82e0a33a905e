package keystest

import (
	"crypto/rand"
	"slices"

	"github.com/latchkey-go/latchkey/keys"
)

// A clash is a way in which one record asks for what another holds.
type clash struct {
	what string
	make func(old, r *keys.Record) // changes either, so that r asks for what old holds
}

// pair returns two new records of which the second asks for what the first holds.
func (c clash) pair() (old, r keys.Record) {
	old, r = custom(), custom()
	c.make(&old, &r)
	return old, r
}

// clash inserts old and then r, and reports whether r alone was refused.
func (p *probe) clash(old, r keys.Record) bool {
	return p.Insert(background, old) == nil && p.Insert(background, r) != nil
}

// clashes within one space, which Insert and Update refuse alike.
var clashes = []clash{
	{"Digest is the Digest of another record", func(old, r *keys.Record) { r.Digest = old.Digest }},
	{"Digest is the Previous of another record", func(old, r *keys.Record) { old.Previous = digest(); r.Digest = old.Previous }},
	{"Previous is the Digest of another record", func(old, r *keys.Record) { r.Previous = old.Digest }},
	{"Previous is the Previous of another record", func(old, r *keys.Record) { old.Previous = digest(); r.Previous = old.Previous }},
	{"ForeignID is taken", func(old, r *keys.Record) { old.ForeignID = rand.Text(); r.ForeignID = old.ForeignID }},
}

// insertClashes are those that only Insert can meet.
var insertClashes = []clash{
	{"the ID is taken", func(old, r *keys.Record) { r.ID = old.ID }},
	{"the ID is taken in another space", func(old, r *keys.Record) { old.Space = "elsewhere"; r.ID = old.ID }},
}

func insertChecks() []check {
	checks := []check{
		{"Insert adds a record that Get, Find and List show with every field", func(p *probe) {
			user, own := full(1)
			p.insert(user, own)
			for what, r := range map[string]keys.Record{"a user key": user, "a custom key": own} {
				p.stands(r, what+" from Get")
				p.same(p.find(r), r, what+" from Find")
				for _, got := range p.list(r.Space, keys.Filter{}) {
					if got.ID == r.ID {
						p.same(got, r, what+" from List")
					}
				}
			}
		}},
	}
	all := slices.Concat(insertClashes, clashes)
	for _, c := range all {
		checks = append(checks, check{"Insert returns an error wrapping ErrExists if " + c.what, func(p *probe) {
			old, r := custom(), custom()
			c.make(&old, &r)
			p.insert(old)
			p.wraps(p.Insert(background, r), keys.ErrExists, "Insert")
		}})
	}
	return append(checks, check{"Insert stores nothing when it returns an error", func(p *probe) {
		for _, c := range all {
			old, r := custom(), custom()
			old.ForeignID = rand.Text()
			c.make(&old, &r)
			p.refused(old, r, c.what)
		}
		p.refused(ofUser("ada"), soleOf("ada"), "the user has a key")
	}}, check{"Insert counts invalidated records as records", func(p *probe) {
		for _, c := range all {
			live, r := custom(), custom()
			c.make(&live, &r)
			p.insert(live)
			if p.Insert(background, r) == nil {
				continue // not even refused while the other one is live, which is another promise
			}
			p.end(live)
			p.wraps(p.Insert(background, r), keys.ErrExists, c.what+", which is invalidated")
			p.must(p.Delete(background, live.Space, live.ID), "Delete of an invalidated record")
		}
	}}, check{"Insert takes no notice of a zero Previous and an empty ForeignID", func(p *probe) {
		for i := range 6 {
			r := custom()
			r.Legacy = i%2 == 1
			p.works(p.Insert(background, r), "several records have neither: Insert")
		}
	}})
}

// refused inserts r beside old. If that is refused, nothing of r may be left, and old is as it was.
func (p *probe) refused(old, r keys.Record, what string) {
	p.Helper()
	p.insert(old)
	if p.Insert(background, r) == nil {
		return // the promise that it is refused is another one
	}
	p.stands(old, what+": the record that was there")
	if r.ID != old.ID {
		p.wraps(errorOf(p.Get(background, r.Space, r.ID)), keys.ErrNotFound, what+": Get of the record that was refused")
	}
	for _, d := range []keys.Digest{r.Digest, r.Previous} {
		if !d.IsZero() && !d.Equal(old.Digest) && !d.Equal(old.Previous) {
			p.lost(r.Space, d, what+": a digest of the record that was refused")
		}
	}
}

// end invalidates r as a ring does.
func (p *probe) end(r keys.Record) {
	p.Helper()
	p.must(p.Update(background, nextEnded(r)), "Update that invalidates")
}

// erase invalidates and deletes r.
func (p *probe) erase(r keys.Record) {
	p.Helper()
	p.end(r)
	p.must(p.Delete(background, r.Space, r.ID), "Delete of an invalidated record")
}

var soleChecks = []check{
	{"Insert returns an error wrapping ErrExists if Sole is set and the user has a key", func(p *probe) {
		for userID, oldIsSole := range map[string]bool{"ada": false, "bob": true} {
			old, r := ofUser(userID), ofUser(userID)
			old.Sole, r.Sole = oldIsSole, true
			p.insert(old)
			p.wraps(p.Insert(background, r), keys.ErrExists, "Insert of a second key")
		}
	}},
	{"Insert with Sole counts disabled and expired keys", func(p *probe) {
		for state, old := range inStates("") {
			if state == "active" {
				continue
			}
			r := ofUser(state)
			old.UserID, old.Sole, r.Sole = state, true, true
			p.insert(old)
			p.wraps(p.Insert(background, r), keys.ErrExists, "Insert of a second key beside one that is "+state)
		}
	}},
	{"Insert with Sole does not count invalidated keys", func(p *probe) {
		p.insert(ended(ofUser("ada")), ended(ofUser("ada")))
		p.works(p.Insert(background, soleOf("ada")), "the user's other keys are invalidated: Insert")
		bob := p.inserted(soleOf("bob"))
		p.end(bob)
		p.works(p.Insert(background, soleOf("bob")), "the user's other key was invalidated since: Insert")
	}},
	{"Insert with Sole does not count keys of other users or of no user", func(p *probe) {
		p.insert(ofUser("bob"), custom())
		p.works(p.Insert(background, soleOf("ada")), "only others have keys: Insert")
	}},
	{"Insert without Sole allows several keys of a user", func(p *probe) {
		p.insert(soleOf("ada"))
		for range 2 {
			p.works(p.Insert(background, ofUser("ada")), "Sole is not set: Insert")
		}
	}},
}
