package keystest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

var endingMutants = []mutant{
	{breaks: "InvalidateUser sets InvalidatedAt and adds one to Generation for all keys of the user", how: "not for disabled ones",
		worsen: endingEach(func(*broken) func(*keys.Record) bool {
			return func(r *keys.Record) bool { return r.DisabledAt.IsZero() }
		})},
	{breaks: "InvalidateUser sets InvalidatedAt and adds one to Generation for all keys of the user", how: "for the first page", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			first, err := b.MemoryStore.List(ctx, space, keys.Filter{UserID: userID})
			if err != nil || len(first) < 100 {
				return b.MemoryStore.InvalidateUser(ctx, space, userID, at)
			}
			for i := range first {
				first[i].InvalidatedAt = at
				first[i].Generation++
				err = errors.Join(err, b.MemoryStore.Update(ctx, first[i]))
			}
			return first, err
		}
	}},
	{breaks: "InvalidateUser changes nothing else of a record", how: "it ends the overlap", worsen: endingEach(func(*broken) func(*keys.Record) bool {
		return func(r *keys.Record) bool { r.Overlap = 0; return true }
	})},
	{breaks: "InvalidateUser returns the records as they are then", how: "as they were before", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			got, err := b.MemoryStore.InvalidateUser(ctx, space, userID, at)
			for i := range got {
				got[i].InvalidatedAt = time.Time{}
				got[i].Generation--
			}
			return got, err
		}
	}},
	{breaks: "InvalidateUser touches no key of another user or of no user", how: "it invalidates custom keys too", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			got, err := b.MemoryStore.InvalidateUser(ctx, space, userID, at)
			for _, r := range b.all(space, keys.Filter{Kind: keys.KindCustom}) {
				if userID != "" {
					_ = b.MemoryStore.Update(ctx, nextEnded(r))
				}
			}
			return got, err
		}
	}},
	{breaks: "InvalidateUser of the empty user ID ends no key", how: "it treats custom keys as those of the empty user ID", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			if userID != "" {
				return b.MemoryStore.InvalidateUser(ctx, space, userID, at)
			}
			var ended []keys.Record
			for _, r := range b.all(space, keys.Filter{Kind: keys.KindCustom}) {
				ended = append(ended, nextEnded(r))
				_ = b.MemoryStore.Update(ctx, nextEnded(r))
			}
			return ended, nil
		}
	}},
	{breaks: "InvalidateUser passes over keys that are invalidated already", how: "it sets their time anew", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			for _, r := range b.all(space, keys.Filter{UserID: userID}) {
				if !live(r) && ctx.Err() == nil {
					r.InvalidatedAt = at
					b.put(r)
				}
			}
			return b.MemoryStore.InvalidateUser(ctx, space, userID, at)
		}
	}},
	{breaks: "InvalidateUser passes over keys that are invalidated already", how: "it returns them beside the others", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			got, err := b.MemoryStore.InvalidateUser(ctx, space, userID, at)
			if len(got) == 1 {
				return b.all(space, keys.Filter{UserID: userID}), err
			}
			return got, err
		}
	}},
	{breaks: "InvalidateUser of a user without keys that are good returns an empty list and no error", how: "none is an error", worsen: func(b *broken) {
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
			got, err := b.MemoryStore.InvalidateUser(ctx, space, userID, at)
			if err == nil && len(got) == 0 {
				err = keys.ErrNotFound
			}
			return got, err
		}
	}},
	{breaks: "Delete drops the record if it is invalidated", how: "and all others of its user that are", worsen: func(b *broken) {
		b.remove = func(ctx ctx, space, id string) error {
			r, _ := b.MemoryStore.Get(ctx, space, id)
			err := b.MemoryStore.Delete(ctx, space, id)
			if err == nil && r.UserID == "ada" {
				for _, o := range b.all(space, keys.Filter{UserID: r.UserID}) {
					_ = b.MemoryStore.Delete(ctx, space, o.ID)
				}
			}
			return err
		}
	}},
	{breaks: "Delete drops the record if it is invalidated", how: "its old digest still leads to it", worsen: func(b *broken) {
		var left keys.Record
		b.remove = func(ctx ctx, space, id string) error {
			r, _ := b.MemoryStore.Get(ctx, space, id)
			err := b.MemoryStore.Delete(ctx, space, id)
			if err == nil && r.UserID == "ada" {
				left = r
			}
			return err
		}
		b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
			r, err := b.MemoryStore.Find(ctx, space, ds)
			if err != nil && !left.Previous.IsZero() && slices.ContainsFunc(ds, left.Previous.Equal) {
				return left, nil
			}
			return r, err
		}
	}},
	{breaks: "Delete frees what the record held", how: "IDs are never used again", worsen: func(b *broken) {
		var mu sync.Mutex
		used := map[string]bool{}
		b.remove = func(ctx ctx, space, id string) error {
			mu.Lock()
			defer mu.Unlock()
			used[id] = true
			return b.MemoryStore.Delete(ctx, space, id)
		}
		b.insert = func(ctx ctx, r keys.Record) error {
			mu.Lock()
			defer mu.Unlock()
			if used[r.ID] {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}},
	{breaks: "Delete frees what the record held", how: "the foreign ID stays taken", worsen: func(b *broken) {
		held := map[string]string{} // IDs by foreign ID, of records that were deleted
		b.remove = func(ctx ctx, space, id string) error {
			r, _ := b.MemoryStore.Get(ctx, space, id)
			err := b.MemoryStore.Delete(ctx, space, id)
			if err == nil && r.ForeignID != "" {
				held[r.ForeignID] = id
			}
			return err
		}
		b.insert = func(ctx ctx, r keys.Record) error {
			if id, there := held[r.ForeignID]; there && id != r.ID {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}},
	{breaks: "Delete returns an error wrapping ErrNotFound if there is no such record", how: "it is gone, so all is well",
		worsen: deleteAnswers(keys.ErrNotFound, nil)},
	{breaks: "Delete returns an error wrapping ErrConflict if the record is not invalidated", how: "no row was dropped, so there was none",
		worsen: deleteAnswers(keys.ErrConflict, keys.ErrNotFound)},
	{breaks: "Delete changes nothing when it returns an error", how: "it invalidates first", worsen: func(b *broken) {
		b.remove = func(ctx ctx, space, id string) error {
			err := b.MemoryStore.Delete(ctx, space, id)
			if errors.Is(err, keys.ErrConflict) {
				r, _ := b.MemoryStore.Get(ctx, space, id)
				_ = b.MemoryStore.Update(ctx, nextEnded(r))
			}
			return err
		}
	}},
}

func deleteAnswers(instead, err error) func(b *broken) {
	return func(b *broken) {
		b.remove = func(ctx ctx, space, id string) error {
			if got := b.MemoryStore.Delete(ctx, space, id); !errors.Is(got, instead) {
				return got
			}
			return err
		}
	}
}

// endingEach makes InvalidateUser a loop over the user's keys, which change may change more of or leave out.
func endingEach(changes func(*broken) func(r *keys.Record) bool) func(b *broken) {
	return func(b *broken) {
		change := changes(b)
		b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) (ended []keys.Record, err error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for _, r := range b.all(space, keys.Filter{Kind: keys.KindUser, UserID: userID}) {
				for live(r) && change(&r) {
					r.InvalidatedAt = at
					r.Generation++
					if b.MemoryStore.Update(ctx, r) == nil {
						ended = append(ended, r)
						break
					}
					r, _ = b.MemoryStore.Get(ctx, space, r.ID)
				}
			}
			return ended, nil
		}
	}
}
