package keystest

import (
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

func isolationMutants() []mutant {
	// share makes records show the slices of others with their ID and Generation.
	share := func() (keep func(keys.Record), show func(*keys.Record)) {
		var mu sync.Mutex
		type version struct {
			id         string
			generation uint64
		}
		kept := map[version]keys.Record{}
		return func(r keys.Record) {
				mu.Lock()
				defer mu.Unlock()
				kept[version{r.ID, r.Generation}] = r
			}, func(r *keys.Record) {
				mu.Lock()
				defer mu.Unlock()
				if k, ok := kept[version{r.ID, r.Generation}]; ok {
					r.Scopes, r.AllowedIPs = k.Scopes, k.AllowedIPs
				} else {
					kept[version{r.ID, r.Generation}] = *r
				}
			}
	}
	apart := func(show func(*keys.Record)) func(*keys.Record) {
		return func(r *keys.Record) {
			show(r)
			r.Scopes, r.AllowedIPs = slices.Clone(r.Scopes), slices.Clone(r.AllowedIPs)
		}
	}
	const how = "they are shared"
	return []mutant{
		{breaks: "Insert copies the slices it is given", how: how, worsen: func(b *broken) {
			keep, show := share()
			b.insert = func(ctx ctx, r keys.Record) error {
				err := b.MemoryStore.Insert(ctx, r)
				if err == nil {
					keep(r)
				}
				return err
			}
			showing(apart(show))(b)
		}},
		{breaks: "Update copies the slices it is given", how: how, worsen: func(b *broken) {
			keep, show := share()
			b.update = func(ctx ctx, r keys.Record) error {
				err := b.MemoryStore.Update(ctx, r)
				if err == nil {
					keep(r)
				}
				return err
			}
			showing(apart(show))(b)
		}},
		{breaks: "Find returns slices of the caller's own", how: how, worsen: func(b *broken) { _, show := share(); b.find = shownByFind(b, show) }},
		{breaks: "Get returns slices of the caller's own", how: how, worsen: func(b *broken) { _, show := share(); b.get = shownByGet(b, show) }},
		{breaks: "List returns slices of the caller's own", how: how, worsen: func(b *broken) { _, show := share(); b.list = shownByList(b, show) }},
		{breaks: "InvalidateUser returns slices of the caller's own", how: how, worsen: func(b *broken) {
			keep, show := share()
			b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
				got, err := b.MemoryStore.InvalidateUser(ctx, space, userID, at)
				for _, r := range got {
					keep(r)
				}
				return got, err
			}
			showing(apart(show))(b)
		}},
	}
}
