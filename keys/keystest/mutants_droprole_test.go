package keystest

import (
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

const takesAll = "DropRole takes the role from all keys of all spaces and adds one to Generation"

var dropRoleMutants = []mutant{
	{breaks: takesAll, how: "of the space without a name", worsen: dropping(func(r *keys.Record) bool { return r.Space == "" }),
		also: map[string]string{"DropRole returns how many keys had the role": "it did not take it from those of other spaces"}},
	{breaks: takesAll, how: "not of invalidated ones", worsen: dropping(func(r *keys.Record) bool { return live(*r) }),
		also: map[string]string{"DropRole returns how many keys had the role": "it did not take it from those"}},
	{breaks: takesAll, how: "without counting the change", worsen: dropping(func(r *keys.Record) bool {
		if r.Space != "" {
			r.Generation--
		}
		return true
	})},
	{breaks: takesAll, how: "of the first page", worsen: func(b *broken) {
		b.dropRole = func(ctx ctx, role string) (int, error) {
			page, err := b.MemoryStore.List(ctx, "", keys.Filter{Role: role})
			if err != nil || len(page) < 100 {
				return b.MemoryStore.DropRole(ctx, role)
			}
			for _, r := range page {
				if live(r) {
					r.Role = ""
					r.Generation++
					_ = b.MemoryStore.Update(ctx, r)
				}
			}
			return len(page), nil
		}
	}},
	{breaks: "DropRole changes nothing else of a record", how: "it empties the scopes", worsen: dropping(func(r *keys.Record) bool {
		r.Scopes = nil
		return true
	})},
	{breaks: "DropRole returns how many keys had the role", how: "of those that are not invalidated", worsen: func(b *broken) {
		b.dropRole = func(ctx ctx, role string) (int, error) {
			dead := 0
			for _, space := range spaces {
				dead += len(b.all(space, keys.Filter{Role: role, State: keys.StateInvalidated, At: noon}))
			}
			n, err := b.MemoryStore.DropRole(ctx, role)
			return max(n-dead, 0), err
		}
	}},
	{breaks: "DropRole returns how many keys had the role", how: "none is an error", worsen: func(b *broken) {
		b.dropRole = func(ctx ctx, role string) (int, error) {
			n, err := b.MemoryStore.DropRole(ctx, role)
			if err == nil && n == 0 && role != "" {
				err = keys.ErrNotFound
			}
			return n, err
		}
	}},
	{breaks: "DropRole touches no key of another role or of none", how: "it goes by the beginning", worsen: func(b *broken) {
		b.dropRole = func(ctx ctx, role string) (int, error) {
			n, err := b.MemoryStore.DropRole(ctx, role)
			if err == nil && role == "temp" {
				_, err = b.MemoryStore.DropRole(ctx, role+"2")
			}
			return n, err
		}
	}},
	{breaks: "DropRole of the empty role changes no key", how: "it counts a change of those without a role", worsen: func(b *broken) {
		b.dropRole = func(ctx ctx, role string) (int, error) {
			if role == "" && ctx.Err() == nil {
				for _, r := range b.all("", keys.Filter{}) {
					if r.Role == "" {
						r.Generation++
						_ = b.MemoryStore.Update(ctx, r)
					}
				}
			}
			return b.MemoryStore.DropRole(ctx, role)
		}
	}},
	{breaks: "DropRole is one step beside calls of Update", how: "it writes whole records it read before", worsen: func(b *broken) {
		b.dropRole = func(ctx ctx, role string) (int, error) {
			before := b.all("", keys.Filter{Role: role})
			time.Sleep(time.Millisecond)
			n, err := b.MemoryStore.DropRole(ctx, role)
			for _, r := range before {
				if err == nil && role != "" {
					r.Role = ""
					r.Generation++
					b.put(r)
				}
			}
			return n, err
		}
	}},
}

var spaces = []string{"", "acme", "globex"}

// dropping makes DropRole change more of the keys that had the role, or leave out those for which change returns false.
func dropping(change func(r *keys.Record) bool) func(b *broken) {
	return func(b *broken) {
		b.dropRole = func(ctx ctx, role string) (n int, err error) {
			var had []keys.Record
			for _, space := range spaces {
				had = append(had, b.all(space, keys.Filter{Role: role})...)
			}
			if n, err = b.MemoryStore.DropRole(ctx, role); n == 0 {
				return n, err
			}
			for _, r := range had {
				r, _ = b.MemoryStore.Get(ctx, r.Space, r.ID)
				as, _ := b.MemoryStore.Get(ctx, r.Space, r.ID)
				if !change(&r) {
					r.Role, r.Generation = role, r.Generation-1
					n--
				}
				if len(differences(r, as)) > 0 {
					b.put(r)
				}
			}
			return n, err
		}
	}
}
