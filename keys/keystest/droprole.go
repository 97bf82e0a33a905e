package keystest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// dropRole calls DropRole, which has to work, and returns what it returns.
func (p *probe) dropRole(role string) int {
	p.Helper()
	n, err := p.DropRole(background, role)
	p.must(err, "DropRole")
	return n
}

// withRole returns a new custom key with this role, in each state and in several spaces, by name.
func withRole(role string) map[string]keys.Record {
	records := map[string]keys.Record{}
	for _, space := range []string{"", "acme", "globex"} {
		for what, state := range inStates("") {
			r := in(space, custom())
			r.Role, r.DisabledAt, r.ExpiresAt = role, state.DisabledAt, state.ExpiresAt
			records[fmt.Sprintf("%s, in space %q", what, space)] = r
		}
		r := in(space, ended(custom()))
		r.Role = role
		records[fmt.Sprintf("invalidated, in space %q", space)] = r
	}
	return records
}

var dropRoleChecks = []check{
	{"DropRole takes the role from all keys of all spaces and adds one to Generation", func(p *probe) {
		records := withRole("temp")
		for i := range 120 { // more than a page
			r := custom()
			r.Role = "temp"
			records[fmt.Sprintf("one of many, number %d", i+1)] = r
		}
		for _, r := range records {
			p.insert(r)
		}
		p.dropRole("temp")
		for what, r := range records {
			if got := p.get(r); got.Role != "" || got.Generation != 2 {
				p.broken("a key that was %s: Role is %q and Generation %d, want none and 2", what, got.Role, got.Generation)
			}
		}
		for _, space := range []string{"", "acme", "globex"} {
			p.lists(space, keys.Filter{Role: "temp"}, "filter by the role afterwards")
		}
	}},
	{"DropRole changes nothing else of a record", func(p *probe) {
		_, own := full(1)
		own.InvalidatedAt = time.Time{}
		plain := in(own.Space, custom())
		plain.Role, plain.Previous = own.Role, digest()
		p.insert(own, plain)
		own = p.get(own)
		p.dropRole(own.Role)
		got := p.get(own)
		own.Role, own.Generation = got.Role, got.Generation
		p.same(got, own, "a key with every field set")
		p.found(plain.Digest, plain, "the digest of a key")
		p.found(plain.Previous, plain, "the old digest of a key")
	}},
	{"DropRole returns how many keys had the role", func(p *probe) {
		counts := func(want int) {
			if got, err := p.DropRole(background, "temp"); err != nil || got != want {
				p.broken("%d keys have the role: DropRole returns %d and error %v", want, got, err)
			}
		}
		counts(0)
		p.insert(custom())
		counts(0)
		records := slices.Collect(maps.Values(withRole("temp")))
		p.insert(records...)
		counts(len(records))
	}},
	{"DropRole touches no key of another role or of none", func(p *probe) {
		var others []keys.Record
		for _, role := range []string{"", "editor", "tem", "temp2"} {
			r := custom()
			r.Role = role
			others = append(others, r, in("acme", ofUser("temp")))
		}
		r := custom()
		r.Role = "temp"
		p.insert(others...)
		p.insert(r)
		p.dropRole("temp")
		for _, r := range others {
			p.stands(r, fmt.Sprintf("a key with role %q", r.Role))
		}
	}},
	{"DropRole of the empty role changes no key", func(p *probe) {
		none, user := custom(), ofUser("ada")
		none.Role = ""
		p.insert(none, user)
		if n, err := p.DropRole(background, ""); err != nil || n != 0 {
			p.broken("DropRole returns %d and error %v", n, err)
		}
		p.stands(none, "a custom key without a role")
		p.stands(user, "a user key")
	}},
	{"DropRole is one step beside calls of Update", func(p *probe) {
		for range rounds / 3 {
			r := custom()
			r.Role = "temp"
			p.insert(r)
			got := p.besideUpdates(r, "DropRole", func(p *probe) { p.dropRole("temp") })
			if got.Role != "" {
				p.broken("an Update at the same time gave the key its role again")
			}
		}
	}},
}
