package keystest

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

var lastUsedMutants = []mutant{
	{breaks: "RecordUse sets LastUsedAt, as Get, Find and List show it", how: "Find shows that of before", worsen: func(b *broken) {
		var first sync.Map
		b.insert = func(ctx ctx, r keys.Record) error {
			first.Store(r.ID, r.LastUsedAt)
			return b.MemoryStore.Insert(ctx, r)
		}
		b.find = shownByFind(b, func(r *keys.Record) {
			if at, ok := first.Load(r.ID); ok {
				r.LastUsedAt = at.(time.Time)
			}
		})
	}},
	{breaks: "RecordUse sets nothing else", how: "what is used is not disabled", worsen: func(b *broken) {
		var used sync.Map
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			for _, u := range uses {
				used.Store(u.ID, true)
			}
			return b.MemoryStore.RecordUse(ctx, uses)
		}
		showing(func(r *keys.Record) {
			if _, ok := used.Load(r.ID); ok {
				r.DisabledAt = time.Time{}
			}
		})(b)
	}},
	{breaks: "RecordUse sets nothing else", how: "it counts as a change", worsen: func(b *broken) {
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			err := b.MemoryStore.RecordUse(ctx, uses)
			for _, u := range uses {
				if r, e := b.MemoryStore.Get(ctx, u.Space, u.ID); e == nil && !r.DisabledAt.IsZero() && live(r) {
					r.Generation++
					_ = b.MemoryStore.Update(ctx, r)
				}
			}
			return err
		}
	}},
	{breaks: "RecordUse never sets LastUsedAt back", how: "the last call wins", worsen: func(b *broken) {
		var last sync.Map
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			err := b.MemoryStore.RecordUse(ctx, uses)
			if len(uses) == 1 && err == nil {
				last.Store(uses[0].Space+"\x00"+uses[0].ID, uses[0].At)
			}
			return err
		}
		showing(func(r *keys.Record) {
			if at, ok := last.Load(r.Space + "\x00" + r.ID); ok {
				r.LastUsedAt = at.(time.Time)
			}
		})(b)
	}},
	{breaks: "RecordUse sets the latest of several uses in a batch", how: "the first", worsen: func(b *broken) {
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			seen := map[string]bool{}
			return b.MemoryStore.RecordUse(ctx, slices.DeleteFunc(slices.Clone(uses), func(u keys.Use) bool {
				defer func() { seen[u.ID] = true }()
				return seen[u.ID]
			}))
		}
	}},
	{breaks: "RecordUse keeps microseconds", how: "milliseconds", worsen: func(b *broken) {
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			uses = slices.Clone(uses)
			for i := range uses {
				uses[i].At = uses[i].At.Truncate(time.Millisecond)
			}
			return b.MemoryStore.RecordUse(ctx, uses)
		}
	}},
	{breaks: "RecordUse passes over records that do not exist", how: "with an error", worsen: func(b *broken) {
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			err := b.MemoryStore.RecordUse(ctx, uses)
			for _, u := range uses {
				if _, e := b.MemoryStore.Get(ctx, u.Space, u.ID); e != nil {
					return e
				}
			}
			return err
		}
	}},
	{breaks: "RecordUse passes over records that do not exist", how: "it stops at the first of them", worsen: func(b *broken) {
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			for i, u := range uses {
				if _, e := b.MemoryStore.Get(ctx, u.Space, u.ID); e != nil {
					return b.MemoryStore.RecordUse(ctx, uses[:i])
				}
			}
			return b.MemoryStore.RecordUse(ctx, uses)
		}
	}},
	{breaks: "RecordUse never touches a record of another space", how: "it goes by the ID alone", worsen: usingSpace(func(string) string { return "acme" })},
	{breaks: "RecordUse never touches a record of another space", how: "in any letter case", worsen: usingSpace(strings.ToLower)},
	{breaks: "Update and InvalidateUser leave LastUsedAt as it was recorded", how: "InvalidateUser does not", worsen: func(b *broken) {
		var ended sync.Map
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			got, err := b.MemoryStore.InvalidateUser(ctx, space, userID, at)
			for _, r := range got {
				ended.Store(r.ID, true)
			}
			return got, err
		}
		showing(func(r *keys.Record) {
			if _, ok := ended.Load(r.ID); ok && r.CreatedAt.Equal(noon) {
				r.LastUsedAt = time.Time{}
			}
		})(b)
	}},
	{breaks: "Update and InvalidateUser leave LastUsedAt as it was recorded", how: "Update does not",
		worsen: overwriting(func(shown *keys.Record, written keys.Record) { shown.LastUsedAt = written.LastUsedAt }),
		also: map[string]string{
			"Update leaves Kind, UserID, CreatedAt and LastUsedAt as they were stored": "the same promise, as a store without RecordUse keeps it",
			"RecordUse beside calls of Update sets nothing back":                       "what one call after the other sets back, calls at the same time do too",
		}},
	{breaks: "RecordUse beside calls of Update sets nothing back", how: "it writes whole records it read before", worsen: func(b *broken) {
		var mu sync.Mutex
		stale := map[string]keys.Record{}
		var uses atomic.Int64
		b.recordUse = func(ctx ctx, batch []keys.Use) error {
			read := map[string]keys.Record{}
			for _, u := range batch {
				if r, err := b.MemoryStore.Get(ctx, u.Space, u.ID); err == nil {
					read[r.ID] = r
				}
			}
			if uses.Add(1) > 1 {
				time.Sleep(20 * time.Microsecond)
			}
			err := b.MemoryStore.RecordUse(ctx, batch)
			mu.Lock()
			defer mu.Unlock()
			for id, r := range read {
				now, _ := b.MemoryStore.Get(ctx, r.Space, id)
				if now.Generation != r.Generation {
					stale[id] = r
				}
			}
			return err
		}
		b.get = shownByGet(b, func(r *keys.Record) {
			mu.Lock()
			defer mu.Unlock()
			if s, ok := stale[r.ID]; ok {
				s.LastUsedAt = r.LastUsedAt
				*r = s
			}
		})
	}},
}

func usingSpace(of func(string) string) func(b *broken) {
	return func(b *broken) {
		b.recordUse = func(ctx ctx, uses []keys.Use) error {
			uses = slices.Clone(uses)
			for i := range uses {
				if r, err := b.MemoryStore.Get(ctx, of(uses[i].Space), uses[i].ID); err == nil {
					uses[i].Space = r.Space
				}
			}
			return b.MemoryStore.RecordUse(ctx, uses)
		}
	}
}
