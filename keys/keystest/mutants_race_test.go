package keystest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// crowd tells a method whether another call of it was under way at the same time.
type crowd struct {
	mu     sync.Mutex
	inside []*visit
}

type visit struct {
	id  string
	met []string // who else was inside
}

// enter waits a little, so that calls at the same time meet, and returns whom this one met.
func (c *crowd) enter(id string) (met []string) {
	v := &visit{id: id}
	c.mu.Lock()
	for _, o := range c.inside {
		o.met, v.met = append(o.met, id), append(v.met, o.id)
	}
	c.inside = append(c.inside, v)
	c.mu.Unlock()
	time.Sleep(20 * time.Microsecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inside = slices.DeleteFunc(c.inside, func(o *visit) bool { return o == v })
	return v.met
}

func raceMutants() []mutant {
	mutants := []mutant{
		{breaks: "Methods may be called concurrently", how: "updates of two records at a time lose one", worsen: func(b *broken) {
			var updates crowd
			b.update = func(ctx ctx, r keys.Record) error {
				met := updates.enter(r.ID)
				if slices.ContainsFunc(met, func(id string) bool { return id != r.ID }) {
					return nil
				}
				return b.MemoryStore.Update(ctx, r)
			}
		}},
		{breaks: "Of concurrent calls of Update with one Generation exactly one succeeds", how: "all of them do", worsen: func(b *broken) {
			var updates crowd
			b.update = func(ctx ctx, r keys.Record) error {
				met := updates.enter(r.ID)
				err := b.MemoryStore.Update(ctx, r)
				if len(met) > 0 && errors.Is(err, keys.ErrConflict) {
					return nil
				}
				return err
			}
		}},
		{breaks: "Of concurrent calls of Update with one Generation exactly one succeeds", how: "and another one's writing stays", worsen: func(b *broken) {
			var updates crowd
			var mu sync.Mutex
			names := map[string]string{}
			b.update = func(ctx ctx, r keys.Record) error {
				met := updates.enter(r.ID)
				err := b.MemoryStore.Update(ctx, r)
				if len(met) > 0 && errors.Is(err, keys.ErrConflict) {
					mu.Lock()
					defer mu.Unlock()
					names[r.ID] = r.Name
				}
				return err
			}
			showing(func(r *keys.Record) {
				mu.Lock()
				defer mu.Unlock()
				if name, ok := names[r.ID]; ok {
					r.Name = name
				}
			})(b)
		}},
		{breaks: "Update is one step for who reads", how: "it drops the record and inserts it again", worsen: func(b *broken) {
			var away sync.Map
			b.update = func(ctx ctx, r keys.Record) error {
				away.Store(r.ID, true)
				time.Sleep(50 * time.Microsecond)
				defer away.Delete(r.ID)
				return b.MemoryStore.Update(ctx, r)
			}
			b.get = func(ctx ctx, space, id string) (keys.Record, error) {
				if _, ok := away.Load(id); ok {
					return keys.Record{}, keys.ErrNotFound
				}
				return b.MemoryStore.Get(ctx, space, id)
			}
		}},
		{breaks: "Update is one step for who reads", how: "it writes one field after the other", worsen: func(b *broken) {
			var names sync.Map
			b.update = func(ctx ctx, r keys.Record) error {
				names.Store(r.ID, r.Name)
				time.Sleep(50 * time.Microsecond)
				defer names.Delete(r.ID)
				return b.MemoryStore.Update(ctx, r)
			}
			b.find = shownByFind(b, func(r *keys.Record) {
				if name, ok := names.Load(r.ID); ok {
					r.Name = name.(string)
				}
			})
		}},
		{breaks: "InvalidateUser is one step beside calls of Update", how: "it writes whole records it read before", worsen: func(b *broken) {
			b.invalidateUser = func(ctx ctx, space, userID string, at time.Time) ([]keys.Record, error) {
				before := b.all(space, keys.Filter{Kind: keys.KindUser, UserID: userID})
				time.Sleep(time.Millisecond)
				got, err := b.MemoryStore.InvalidateUser(ctx, space, userID, at)
				for _, r := range before {
					if live(r) && err == nil {
						r.InvalidatedAt = at
						r.Generation++
						b.put(r)
					}
				}
				return got, err
			}
		}},
	}
	for _, reason := range []string{"Sole", insertClashes[0].what, insertClashes[1].what, clashes[0].what, clashes[1].what, clashes[2].what, clashes[3].what, clashes[4].what} {
		mutants = append(mutants, mutant{breaks: "Of concurrent calls of Insert that clash exactly one succeeds", how: "it looks first and inserts later: " + reason, worsen: func(b *broken) {
			var inserts crowd
			b.insert = func(ctx ctx, r keys.Record) error {
				met := inserts.enter(r.ID)
				err := b.MemoryStore.Insert(ctx, r)
				if len(met) > 0 && errors.Is(err, keys.ErrExists) && b.reason(r) == reason {
					return nil
				}
				return err
			}
		}})
	}
	return mutants
}
