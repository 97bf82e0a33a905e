package keystest

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

func updateChecks() []check {
	checks := []check{
		{"Update writes every field", func(p *probe) {
			user, own := full(1)
			newUser, newOwn := full(2)
			for i, old := range []keys.Record{user, own} {
				r := []keys.Record{newUser, newOwn}[i]
				old.InvalidatedAt = time.Time{}
				p.insert(old)
				r.ID, r.UserID, r.CreatedAt, r.LastUsedAt = old.ID, old.UserID, old.CreatedAt, old.LastUsedAt
				p.stands(p.update(r), "a "+string(r.Kind)+" key with every field changed")
			}
		}},
		{"Update can empty every field that may be empty", func(p *probe) {
			user, own := full(1)
			for _, old := range []keys.Record{user, own} {
				old.InvalidatedAt = time.Time{}
				p.insert(old)
				bare := keys.Record{ID: old.ID, Space: old.Space, Kind: old.Kind, Name: old.Name, UserID: old.UserID, Hint: old.Hint,
					Digest: old.Digest, Generation: old.Generation, CreatedAt: old.CreatedAt, LastUsedAt: old.LastUsedAt}
				p.stands(p.update(bare), "a "+string(old.Kind)+" key with every such field emptied")
			}
		}},
		{"Update acts on the next Find", func(p *probe) {
			r := custom()
			p.insert(custom(), r)
			first := r.Digest
			r.Previous, r.Digest, r.PreviousUntil = first, digest(), later
			r = p.update(r)
			p.found(r.Digest, r, "the new value after a refresh")
			p.found(first, r, "the old value after a refresh with overlap")
			second := r.Digest
			r.Previous, r.Digest = keys.Digest{}, digest()
			r = p.update(r)
			p.found(r.Digest, r, "the new value after a refresh without overlap")
			p.lost("", first, "the oldest value after a refresh without overlap")
			p.lost("", second, "the old value after a refresh without overlap")
		}},
		{"Update returns an error wrapping ErrConflict unless the stored Generation is one less", func(p *probe) {
			r := p.inserted(custom())
			r = p.update(p.update(r))
			for _, generation := range []uint64{0, 1, 2, 3, 5, 6, 1 << 40} {
				r.Generation = generation
				p.wraps(p.Update(background, r), keys.ErrConflict, fmt.Sprintf("Generation 3 is stored, Update with %d", generation))
			}
		}},
		{"Update returns an error wrapping ErrNotFound if there is no such record", func(p *probe) {
			p.insert(custom())
			for _, generation := range []uint64{1, 2} {
				r := custom()
				r.Generation = generation
				p.wraps(p.Update(background, r), keys.ErrNotFound, "Update of a record never inserted")
			}
		}},
		{"Update returns an error wrapping ErrInvalidated if the record is invalidated", func(p *probe) {
			r := p.inserted(ended(custom()))
			r.Generation++
			r.Name = "Another"
			p.wraps(p.Update(background, r), keys.ErrInvalidated, "Update of another field")
			r.InvalidatedAt = time.Time{}
			p.wraps(p.Update(background, r), keys.ErrInvalidated, "Update that takes InvalidatedAt back")
		}},
	}
	for _, c := range clashes {
		checks = append(checks, check{"Update returns an error wrapping ErrExists if " + c.what, func(p *probe) {
			other, r := custom(), custom()
			p.insert(r)
			c.make(&other, &r)
			p.insert(other)
			r.Generation++
			p.wraps(p.Update(background, r), keys.ErrExists, "Update")
		}})
	}
	return append(checks, moreUpdateChecks...)
}

var moreUpdateChecks = []check{
	{"Update lets a record keep and exchange what it holds itself", func(p *probe) {
		r := custom()
		r.ForeignID, r.Previous = "65f1c0ffee", digest()
		p.insert(r)
		for _, what := range []string{"kept", "exchanged", "exchanged back"} {
			r.Generation++
			if !p.works(p.Update(background, r), "its own digests and foreign ID, "+what+": Update") {
				return
			}
			r.Digest, r.Previous = r.Previous, r.Digest
		}
	}},
	{"Update frees the digests and the ForeignID it drops", func(p *probe) {
		r, next := custom(), custom()
		r.ForeignID, r.Previous = "65f1c0ffee", digest()
		p.insert(r)
		next.ForeignID, next.Digest, next.Previous = r.ForeignID, r.Previous, r.Digest
		r.ForeignID, r.Digest, r.Previous = "", digest(), keys.Digest{}
		p.update(r)
		p.works(p.Insert(background, next), "another record takes them: Insert")
	}},
	{"Update changes nothing when it returns an error", func(p *probe) {
		try := func(what string, stored, r keys.Record) {
			r.Name, r.Role, r.ExpiresAt = "Another", "viewer", noon
			if p.Update(background, r) == nil {
				return // the promise that it is refused is another one
			}
			p.stands(stored, what+": the record that was to be changed")
			if !r.Digest.Equal(stored.Digest) {
				if got, err := p.Find(background, "", []keys.Digest{r.Digest}); err == nil && got.ID == r.ID {
					p.broken("%s: Find finds the record by the digest it was not given", what)
				}
			}
		}
		stored := p.update(p.inserted(custom()))
		for _, generation := range []uint64{1, 2, 4} {
			r := stored
			r.Generation, r.Digest = generation, digest()
			try(fmt.Sprintf("Generation 2 is stored, Update with %d", generation), stored, r)
		}
		dead := p.inserted(ended(custom()))
		revived := dead
		revived.Generation, revived.InvalidatedAt, revived.Digest = 2, time.Time{}, digest()
		try("the record is invalidated", dead, revived)
		for _, c := range clashes {
			other, r := custom(), stored
			other.ForeignID = rand.Text()
			c.make(&other, &r)
			p.insert(other)
			r.Generation++
			try(c.what, stored, r)
			p.stands(other, c.what+": the other record")
			p.erase(other)
		}
		never := custom()
		if p.Update(background, never) != nil {
			p.absent(never, "Update of a record never inserted")
		}
	}},
	{"Update leaves Kind, UserID, CreatedAt and LastUsedAt as they were stored", func(p *probe) {
		user := ofUser("ada")
		user.LastUsedAt = noon
		for _, old := range []keys.Record{user, custom()} {
			p.insert(old)
			r := old
			r.Kind, r.UserID = keys.KindUser, "bob"
			if old.Kind == keys.KindUser {
				r.Kind, r.UserID = keys.KindCustom, ""
			}
			r.CreatedAt, r.LastUsedAt = noon.Add(time.Hour), noon.Add(time.Hour)
			r = p.update(r)
			old.Generation = r.Generation
			p.stands(old, "a "+string(old.Kind)+" key")
			p.lists("", keys.Filter{UserID: "bob"}, "the keys of the user it was not given to")
		}
		p.lists("", keys.Filter{UserID: "ada"}, "the keys of the user it still belongs to", user)
	}},
}
