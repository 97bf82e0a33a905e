package keystest

import (
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// invalidateUser calls InvalidateUser, which has to work, and returns what it returns.
func (p *probe) invalidateUser(space, userID string, at time.Time) []keys.Record {
	p.Helper()
	got, err := p.InvalidateUser(background, space, userID, at)
	p.must(err, "InvalidateUser")
	return got
}

var later = noon.Add(time.Hour)

var invalidateUserChecks = []check{
	{"InvalidateUser sets InvalidatedAt and adds one to Generation for all keys of the user", func(p *probe) {
		states := inStates("ada")
		for i := range 120 { // more than a page
			states[fmt.Sprintf("one of many, number %d", i+1)] = ofUser("ada")
		}
		for what, r := range states {
			states[what] = p.update(p.inserted(r))
		}
		p.invalidateUser("", "ada", later)
		for what, r := range states {
			got := p.get(r)
			if !got.InvalidatedAt.Equal(later) || got.Generation != 3 {
				p.broken("a key that was %s: InvalidatedAt is %v and Generation %d, want %v and 3", what, got.InvalidatedAt, got.Generation, later)
			}
		}
	}},
	{"InvalidateUser changes nothing else of a record", func(p *probe) {
		user, _ := full(1)
		user.InvalidatedAt = time.Time{}
		p.insert(user)
		user = p.get(user)
		p.invalidateUser(user.Space, user.UserID, later)
		got := p.get(user)
		user.InvalidatedAt, user.Generation = got.InvalidatedAt, got.Generation
		p.same(got, user, "a key with every field set")
		p.found(user.Digest, user, "its digest")
		p.found(user.Previous, user, "its old digest")
	}},
	{"InvalidateUser returns the records as they are then", func(p *probe) {
		one, two := ofUser("ada"), ofUser("ada")
		p.insert(one, two)
		got := p.invalidateUser("", "ada", later)
		if len(got) != 2 {
			p.broken("the user has 2 keys: InvalidateUser returns %d records", len(got))
		}
		for _, r := range got {
			p.same(r, p.get(r), "what InvalidateUser returns, against what Get returns after it")
		}
	}},
	{"InvalidateUser touches no key of another user or of no user", func(p *probe) {
		others := []keys.Record{ofUser("bob"), ofUser("ad"), ofUser("adam"), custom()}
		p.insert(ofUser("ada"))
		p.insert(others...)
		p.invalidateUser("", "ada", later)
		for _, r := range others {
			p.stands(r, fmt.Sprintf("a %s key of user %q", r.Kind, r.UserID))
		}
	}},
	{"InvalidateUser of the empty user ID ends no key", func(p *probe) {
		r := p.inserted(custom())
		if got, _ := p.InvalidateUser(background, "", "", later); len(got) != 0 {
			p.broken("it returns %d records", len(got))
		}
		p.stands(r, "a custom key")
	}},
	{"InvalidateUser passes over keys that are invalidated already", func(p *probe) {
		before := ended(ofUser("ada"))
		p.insert(before, ofUser("ada"))
		for _, r := range p.invalidateUser("", "ada", later) {
			if r.ID == before.ID {
				p.broken("it returns a key that was invalidated before")
			}
		}
		p.stands(before, "a key that was invalidated before")
	}},
	{"InvalidateUser of a user without keys that are good returns an empty list and no error", func(p *probe) {
		p.insert(ofUser("ada"), ended(ofUser("bob")))
		for _, userID := range []string{"unknown", "bob"} {
			got, err := p.InvalidateUser(background, "", userID, later)
			if err != nil || len(got) != 0 {
				p.broken("user %q: InvalidateUser returns %d records and error %v", userID, len(got), err)
			}
		}
	}},
}

var deleteChecks = []check{
	{"Delete drops the record if it is invalidated", func(p *probe) {
		r, bystander := ofUser("ada"), ended(ofUser("ada"))
		r.Previous, r.ForeignID = digest(), "65f1c0ffee"
		p.insert(bystander, r)
		p.end(r)
		p.works(p.Delete(background, "", r.ID), "Delete")
		p.absent(r, "the record")
		p.lost("", r.Previous, "its old digest")
		p.lists("", keys.Filter{}, "all records", bystander)
		p.lists("", keys.Filter{UserID: "ada"}, "the records of its user", bystander)
		p.lists("", keys.Filter{ForeignID: r.ForeignID}, "the records with its foreign ID")
	}},
	{"Delete frees what the record held", func(p *probe) {
		r := ended(custom())
		r.Previous, r.ForeignID = digest(), "65f1c0ffee"
		for _, id := range []string{r.ID, r.ID, custom().ID} {
			r.ID = id
			p.works(p.Insert(background, r), "Insert of what was deleted")
			p.must(p.Delete(background, "", id), "Delete of an invalidated record")
		}
	}},
	{"Delete returns an error wrapping ErrNotFound if there is no such record", func(p *probe) {
		r := p.inserted(ended(custom()))
		p.must(p.Delete(background, "", r.ID), "Delete of an invalidated record")
		for _, id := range []string{r.ID, custom().ID, "", "no-such-id"} {
			p.wraps(p.Delete(background, "", id), keys.ErrNotFound, fmt.Sprintf("Delete of ID %q", id))
		}
	}},
	{"Delete returns an error wrapping ErrConflict if the record is not invalidated", func(p *probe) {
		for what, r := range inStates("ada") {
			p.insert(r)
			p.wraps(p.Delete(background, "", r.ID), keys.ErrConflict, "Delete of a key that is "+what)
		}
	}},
	{"Delete changes nothing when it returns an error", func(p *probe) {
		for what, r := range inStates("ada") {
			p.insert(r)
			if p.Delete(background, "", r.ID) != nil {
				p.stands(r, "a key that is "+what)
			}
		}
	}},
}
