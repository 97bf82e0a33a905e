package keystest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/keys"
)

const (
	callers = 8
	rounds  = 12
)

var raceChecks = []check{
	{"Methods may be called concurrently", func(p *probe) {
		suite.Each(p, callers, func(t tb, i int) {
			p := p.on(t)
			r := ofUser(fmt.Sprintf("user %d", i))
			for range rounds {
				r.ID, r.Digest, r.Generation, r.Name = custom().ID, digest(), 1, ""
				p.insert(r)
				r.Name = fmt.Sprintf("key of user %d", i)
				r = p.update(r)
				p.same(p.find(r), r, "from Find after an Update")
				p.list("", keys.Filter{Kind: keys.KindUser, Limit: 3})
			}
			if got := p.invalidateUser("", r.UserID, later); len(got) != rounds {
				p.broken("of %d keys InvalidateUser returns %d", rounds, len(got))
			}
			p.must(p.Delete(background, "", r.ID), "Delete of an invalidated record")
			p.absent(r, "a key its caller has deleted")
		})
		for i := range callers {
			if n := len(p.list("", keys.Filter{UserID: fmt.Sprintf("user %d", i)})); n != rounds-1 {
				p.broken("a caller left %d keys, List returns %d", rounds-1, n)
			}
		}
	}},
	{"Of concurrent calls of Insert that clash exactly one succeeds", func(p *probe) {
		sole := clash{"both are the Sole key of a user", func(old, r *keys.Record) {
			*old = soleOf(rand.Text())
			*r = soleOf(old.UserID)
		}}
		for _, c := range slices.Concat([]clash{sole}, insertClashes, clashes) {
			second, first := c.pair()
			if !p.clash(c.pair()) || !p.clash(first, second) {
				continue // not even so one after the other, which is another promise
			}
			for range rounds / 4 {
				var records []keys.Record
				for range callers / 2 {
					old, r := c.pair()
					records = append(records, old, r)
				}
				errs := suite.Together(callers, func(i int) error { return p.Insert(background, records[i]) })
				for pair := range slices.Chunk(errs, 2) {
					p.oneWins(pair, keys.ErrExists, c.what)
				}
			}
		}
	}},
	{"Of concurrent calls of Update with one Generation exactly one succeeds", func(p *probe) {
		r := p.inserted(custom())
		for range rounds {
			tries := make([]keys.Record, callers)
			for i := range tries {
				tries[i] = r
				tries[i].Generation++
				tries[i].Digest, tries[i].Name = digest(), fmt.Sprintf("caller %d", i)
			}
			errs := suite.Together(callers, func(i int) error { return p.Update(background, tries[i]) })
			winner := p.oneWins(errs, keys.ErrConflict, fmt.Sprintf("%d callers", callers))
			p.stands(tries[winner], "the record, against what the call that succeeded wrote")
			for i := range tries {
				if i != winner {
					p.lost("", tries[i].Digest, "a digest whose Update was refused")
				}
			}
			if r = p.get(r); r.Generation != tries[winner].Generation {
				return
			}
		}
	}},
	{"Update is one step for who reads", func(p *probe) {
		r := custom()
		r.Name, r.Role, r.Previous = "1", "1", digest()
		next := p.inserted(r)
		update := func(t tb) { // exchange its digests, and count in Name and Role
			next.Digest, next.Previous = next.Previous, next.Digest
			next.Name = fmt.Sprint(next.Generation + 1)
			next.Role = next.Name
			next = p.on(t).update(next)
		}
		read := func(from string, ask func(*probe, keys.Record) keys.Record) func(tb) {
			return func(t tb) {
				p := p.on(t)
				got := ask(p, r)
				if got.Name != got.Role || got.Name != fmt.Sprint(got.Generation) {
					p.breaks("%s returns Name %q with Role %q and Generation %d, which were never stored together", from, got.Name, got.Role, got.Generation)
				}
			}
		}
		suite.Beside(p, 2*rounds, update, read("Find", (*probe).find), read("Get", (*probe).get))
	}},
	{"InvalidateUser is one step beside calls of Update", func(p *probe) {
		for range rounds / 3 {
			r := p.inserted(ofUser("ada"))
			got := p.besideUpdates(r, "InvalidateUser", func(p *probe) { p.invalidateUser("", "ada", later) })
			if got.InvalidatedAt.IsZero() {
				p.broken("an Update at the same time revived the key")
			}
		}
	}},
}

// besideUpdates calls change while another caller updates the new record r again and again. It returns the record that is
// stored then. A promise is broken if its Generation does not count every change.
func (p *probe) besideUpdates(r keys.Record, what string, change func(p *probe)) keys.Record {
	p.Helper()
	var n uint64
	update := func(t tb) {
		if n > 2000 {
			return // so that a store that waits for a record at rest gets one
		}
		r.Generation = n + 2
		err := p.Update(background, r)
		if err == nil {
			n++
		} else if !errors.Is(err, keys.ErrConflict) && !errors.Is(err, keys.ErrInvalidated) {
			p.on(t).must(err, "Update beside "+what)
		}
	}
	suite.Beside(p, 1, func(t tb) { change(p.on(t)) }, update)
	got := p.get(r)
	if want := n + 2; got.Generation != want {
		p.broken("of a new record, after %d calls of Update that succeeded and %s, Generation is %d, want %d", n, what, got.Generation, want)
	}
	return got
}
