package keystest

import (
	"fmt"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

var findChecks = []check{
	{"Find returns the record whose Digest equals one of digests", func(p *probe) {
		for what, r := range ofEachKind() {
			p.insert(r)
			p.found(r.Digest, r, what)
		}
	}},
	{"Find returns the record whose Previous equals one of digests", func(p *probe) {
		for what, until := range map[string]time.Time{"good for long": later.AddDate(1, 0, 0), "no longer good": noon} {
			r := custom()
			r.Previous, r.PreviousUntil = digest(), until
			p.insert(custom(), r, custom())
			p.found(r.Previous, r, "an old value that is "+what)
		}
	}},
	{"Find looks for every one of digests", func(p *probe) {
		r := custom()
		p.insert(custom(), r)
		for at := range 4 {
			asked := []keys.Digest{digest(), digest(), digest(), digest()}
			asked[at] = r.Digest
			what := fmt.Sprintf("digest %d of 4 is the record's", at+1)
			if got, err := p.Find(background, "", asked); err != nil || got.ID != r.ID {
				p.broken("%s: Find returns record %q and error %v, want %q", what, got.ID, err, r.ID)
			}
		}
	}},
	{"Find returns an error wrapping ErrNotFound if no record has one of digests", func(p *probe) {
		p.insert(custom())
		for _, asked := range [][]keys.Digest{nil, {}, {digest()}, {digest(), digest(), digest()}} {
			p.wraps(errorOf(p.Find(background, "", asked)), keys.ErrNotFound, fmt.Sprintf("Find with %d unknown digests", len(asked)))
		}
	}},
	{"Find finds records in every state", func(p *probe) {
		states := inStates("ada")
		states["invalidated"] = ended(ofUser("ada"))
		for what, r := range states {
			p.insert(r)
			p.found(r.Digest, r, what)
		}
	}},
	{"Find compares the algorithm of a digest as well as its sum", func(p *probe) {
		r, other := custom(), custom()
		_, sum := r.Digest.Reveal()
		other.Digest = keys.NewDigest("hmac-sha256:2026", sum)
		p.insert(r)
		p.lost("", other.Digest, "the sum of a stored digest under another algorithm")
		p.lost("", keys.NewDigest("", sum), "the sum of a stored digest without algorithm")
		p.insert(other)
		p.found(r.Digest, r, "the first of two records with one sum")
		p.found(other.Digest, other, "the second of two records with one sum")
	}},
	{"Find compares all 32 bytes of a sum", func(p *probe) {
		r := custom()
		algorithm, sum := r.Digest.Reveal()
		sum[15] = 0 // where a text would end
		r.Digest = keys.NewDigest(algorithm, sum)
		p.insert(r)
		for i := range sum {
			near := sum
			near[i] ^= 1
			p.lost("", keys.NewDigest(algorithm, near), fmt.Sprintf("a sum that differs in byte %d", i))
		}
	}},
	{"Find never finds a record by the zero Digest", func(p *probe) {
		p.insert(custom()) // it has no Previous
		p.lost("", keys.Digest{}, "the zero Digest")
	}},
	{"Find neither keeps nor changes digests", func(p *probe) {
		r := p.inserted(custom())
		asked := []keys.Digest{r.Digest, digest(), digest()}
		before := slices.Clone(asked)
		p.must(errorOf(p.Find(background, "", asked)), "Find")
		if !slices.EqualFunc(asked, before, keys.Digest.Equal) {
			p.broken("the slice given to Find was changed")
		}
		asked = []keys.Digest{digest(), digest(), digest()}
		_, _ = p.Find(background, "", asked)
		asked[0] = r.Digest
		p.wraps(errorOf(p.Find(background, "", []keys.Digest{digest(), digest(), digest()})), keys.ErrNotFound,
			"after a change of digests that were asked for before, Find of others")
	}},
}

var getChecks = []check{
	{"Get returns the record with this ID", func(p *probe) {
		for what, r := range ofEachKind() {
			p.insert(r)
			p.stands(r, what)
		}
	}},
	{"Get returns an error wrapping ErrNotFound if there is no record with this ID", func(p *probe) {
		p.insert(custom())
		for _, id := range []string{custom().ID, "", "no-such-id", "' OR '1'='1", "%"} {
			p.wraps(errorOf(p.Get(background, "", id)), keys.ErrNotFound, fmt.Sprintf("Get of ID %q", id))
		}
	}},
}
