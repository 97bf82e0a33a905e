package keystest

import (
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// spaceMutants reach into the space "acme" from others.
var spaceMutants = []mutant{
	{breaks: "Find never shows a record of another space", how: "it looks elsewhere too",
		worsen: findAlso(func(_ string, d keys.Digest) (string, []keys.Digest) { return "acme", []keys.Digest{d} })},
	{breaks: "Get never shows a record of another space", how: "it looks elsewhere too", worsen: func(b *broken) {
		b.get = func(ctx ctx, space, id string) (keys.Record, error) {
			r, err := b.MemoryStore.Get(ctx, space, id)
			if err != nil {
				return b.MemoryStore.Get(ctx, "acme", id)
			}
			return r, err
		}
	}},
	{breaks: "List never shows a record of another space", how: "the space without a name sees all", worsen: func(b *broken) {
		b.list = func(ctx ctx, space string, f keys.Filter) ([]keys.Record, error) {
			page, err := b.MemoryStore.List(ctx, space, f)
			if space == "" && err == nil {
				page = append(page, b.all("acme", f)...)
			}
			return page, err
		}
	}},
	{breaks: "Insert allows in one space what is taken in another", how: "foreign IDs are unique over all", worsen: func(b *broken) {
		b.insert = func(ctx ctx, r keys.Record) error {
			if r.Space != "acme" && r.ForeignID != "" && len(b.all("acme", keys.Filter{ForeignID: r.ForeignID})) > 0 {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}},
	{breaks: "Insert allows in one space what is taken in another", how: "users are the same over all", worsen: func(b *broken) {
		b.insert = func(ctx ctx, r keys.Record) error {
			if r.Sole && r.Space != "acme" && len(b.all("acme", keys.Filter{UserID: r.UserID})) > 0 {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}},
	{breaks: "Update never touches a record of another space", how: "it goes by the ID alone", worsen: func(b *broken) {
		b.update = func(ctx ctx, r keys.Record) error {
			if _, err := b.MemoryStore.Get(ctx, "acme", r.ID); err == nil {
				r.Space = "acme"
			}
			return b.MemoryStore.Update(ctx, r)
		}
	}},
	{breaks: "InvalidateUser never touches a record of another space", how: "a user is the same in all", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			_, _ = b.MemoryStore.InvalidateUser(ctx, "globex", userID, at)
			return b.MemoryStore.InvalidateUser(ctx, space, userID, at)
		}
	}},
	{breaks: "Delete never touches a record of another space", how: "it goes by the ID alone", worsen: func(b *broken) {
		b.remove = func(ctx ctx, space, id string) error {
			if _, err := b.MemoryStore.Get(ctx, "acme", id); err == nil {
				space = "acme"
			}
			return b.MemoryStore.Delete(ctx, space, id)
		}
	}},
}
