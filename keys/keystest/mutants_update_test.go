package keystest

import (
	"errors"
	"sync"

	"github.com/latchkey-go/latchkey/keys"
)

// updating changes r, knowing what is stored, on its way into Update.
func updating(change func(r *keys.Record, stored keys.Record)) func(b *broken) {
	return func(b *broken) {
		b.update = func(ctx ctx, r keys.Record) error {
			if stored, err := b.MemoryStore.Get(ctx, r.Space, r.ID); err == nil {
				change(&r, stored)
			}
			return b.MemoryStore.Update(ctx, r)
		}
	}
}

func updateMutants() []mutant {
	mutants := []mutant{
		{breaks: "Update writes every field", how: "Overlap is written once", worsen: updating(func(r *keys.Record, stored keys.Record) {
			if stored.Overlap != 0 && r.Overlap != 0 {
				r.Overlap = stored.Overlap
			}
		})},
		{breaks: "Update can empty every field that may be empty", how: "an empty text keeps the one before", worsen: updating(func(r *keys.Record, stored keys.Record) {
			if r.CreatedBy == "" {
				r.CreatedBy = stored.CreatedBy
			}
		})},
		{breaks: "Update can empty every field that may be empty", how: "a zero time keeps the one before", worsen: updating(func(r *keys.Record, stored keys.Record) {
			if r.RefreshedAt.IsZero() {
				r.RefreshedAt = stored.RefreshedAt
			}
		})},
		{breaks: "Update acts on the next Find", how: "dropped digests still lead to the record", worsen: func(b *broken) {
			var mu sync.Mutex
			dropped := map[sum]keys.Record{}
			b.update = func(ctx ctx, r keys.Record) error {
				stored, _ := b.MemoryStore.Get(ctx, r.Space, r.ID)
				err := b.MemoryStore.Update(ctx, r)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && !stored.Digest.Equal(r.Digest) {
					dropped[sumOf(stored.Digest)] = r
				}
				return err
			}
			b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
				r, err := b.MemoryStore.Find(ctx, space, ds)
				mu.Lock()
				defer mu.Unlock()
				for _, d := range ds {
					if old, ok := dropped[sumOf(d)]; ok && errors.Is(err, keys.ErrNotFound) {
						return old, nil
					}
				}
				return r, err
			}
		}},
		{breaks: "Update returns an error wrapping ErrConflict unless the stored Generation is one less", how: "a later one will do",
			worsen: updateAnswers(func(r, stored keys.Record, err error) error {
				if errors.Is(err, keys.ErrConflict) && r.Generation > stored.Generation+1 {
					return nil
				}
				return err
			})},
		{breaks: "Update returns an error wrapping ErrConflict unless the stored Generation is one less", how: "one long past will do",
			worsen: updateAnswers(func(r, stored keys.Record, err error) error {
				if errors.Is(err, keys.ErrConflict) && r.Generation+1 < stored.Generation {
					return nil
				}
				return err
			})},
		{breaks: "Update returns an error wrapping ErrNotFound if there is no such record", how: "no row was changed, so it must be a conflict",
			worsen: updateAnswers(func(_, _ keys.Record, err error) error {
				if errors.Is(err, keys.ErrNotFound) {
					return keys.ErrConflict
				}
				return err
			})},
		{breaks: "Update returns an error wrapping ErrNotFound if there is no such record", how: "it inserts it", worsen: func(b *broken) {
			b.update = func(ctx ctx, r keys.Record) error {
				err := b.MemoryStore.Update(ctx, r)
				if errors.Is(err, keys.ErrNotFound) && b.MemoryStore.Insert(ctx, r) == nil {
					return nil
				}
				return err
			}
		}},
		{breaks: "Update returns an error wrapping ErrInvalidated if the record is invalidated", how: "no row was changed, so it must be a conflict",
			worsen: updateAnswers(func(_, _ keys.Record, err error) error {
				if errors.Is(err, keys.ErrInvalidated) {
					return keys.ErrConflict
				}
				return err
			})},
	}
	for _, c := range clashes {
		mutants = append(mutants, mutant{breaks: "Update returns an error wrapping ErrExists if " + c.what, how: "it returns none", worsen: func(b *broken) {
			b.update = func(ctx ctx, r keys.Record) error {
				met := b.reason(r)
				err := b.MemoryStore.Update(ctx, r)
				if errors.Is(err, keys.ErrExists) && met == c.what {
					return nil
				}
				return err
			}
		}})
	}
	return append(mutants, moreUpdateMutants...)
}

var moreUpdateMutants = []mutant{
	{breaks: "Update lets a record keep and exchange what it holds itself", how: "its own foreign ID is taken", worsen: func(b *broken) {
		b.update = func(ctx ctx, r keys.Record) error {
			stored, err := b.MemoryStore.Get(ctx, r.Space, r.ID)
			if err == nil && r.ForeignID != "" && r.ForeignID == stored.ForeignID && live(r) {
				return keys.ErrExists
			}
			return b.MemoryStore.Update(ctx, r)
		}
	}},
	{breaks: "Update frees the digests and the ForeignID it drops", how: "foreign IDs are never used again", worsen: func(b *broken) {
		var mu sync.Mutex
		used := map[string]bool{}
		b.update = func(ctx ctx, r keys.Record) error {
			stored, _ := b.MemoryStore.Get(ctx, r.Space, r.ID)
			mu.Lock()
			defer mu.Unlock()
			used[stored.ForeignID] = stored.ForeignID != "" && stored.ForeignID != r.ForeignID
			return b.MemoryStore.Update(ctx, r)
		}
		b.insert = func(ctx ctx, r keys.Record) error {
			mu.Lock()
			defer mu.Unlock()
			if used[r.ForeignID] {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}},
	{breaks: "Update changes nothing when it returns an error", how: "it revives an invalidated record", worsen: func(b *broken) {
		b.update = func(ctx ctx, r keys.Record) error {
			err := b.MemoryStore.Update(ctx, r)
			stored, _ := b.MemoryStore.Get(background, r.Space, r.ID)
			if errors.Is(err, keys.ErrInvalidated) && r.Generation == stored.Generation+1 && live(r) {
				b.put(r)
			}
			return err
		}
	}},
	{breaks: "Update changes nothing when it returns an error", how: "it writes all but the foreign ID", worsen: func(b *broken) {
		b.update = func(ctx ctx, r keys.Record) error {
			err := b.MemoryStore.Update(ctx, r)
			if errors.Is(err, keys.ErrExists) && b.reason(r) == clashes[4].what {
				r.ForeignID = ""
				_ = b.MemoryStore.Update(ctx, r)
			}
			return err
		}
	}},
	{breaks: "Update leaves Kind, UserID, CreatedAt and LastUsedAt as they were stored", how: "it writes CreatedAt",
		worsen: overwriting(func(shown *keys.Record, written keys.Record) { shown.CreatedAt = written.CreatedAt })},
	{breaks: "Update leaves Kind, UserID, CreatedAt and LastUsedAt as they were stored", how: "it writes LastUsedAt",
		worsen: overwriting(func(shown *keys.Record, written keys.Record) {
			if !written.LastUsedAt.IsZero() {
				shown.LastUsedAt = written.LastUsedAt
			}
		})},
	{breaks: "Update leaves Kind, UserID, CreatedAt and LastUsedAt as they were stored", how: "it writes Kind",
		worsen: overwriting(func(shown *keys.Record, written keys.Record) { shown.Kind = written.Kind })},
	{breaks: "Update leaves Kind, UserID, CreatedAt and LastUsedAt as they were stored", how: "it writes UserID",
		worsen: overwriting(func(shown *keys.Record, written keys.Record) { shown.UserID = written.UserID })},
}

// overwriting makes records show something of what the last Update was given.
func overwriting(show func(shown *keys.Record, written keys.Record)) func(b *broken) {
	return func(b *broken) {
		var mu sync.Mutex
		written := map[string]keys.Record{}
		b.update = func(ctx ctx, r keys.Record) error {
			err := b.MemoryStore.Update(ctx, r)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				written[r.ID] = r
			}
			return err
		}
		showing(func(r *keys.Record) {
			mu.Lock()
			defer mu.Unlock()
			if w, ok := written[r.ID]; ok {
				show(r, w)
			}
		})(b)
	}
}
