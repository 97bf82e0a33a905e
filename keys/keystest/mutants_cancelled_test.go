package keystest

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// cancelledMutants are, for each method, one that goes on when ctx is done and one that stops with an error of its
// own.
func cancelledMutants() (mutants []mutant) {
	for _, deaf := range []bool{true, false} {
		how := "it stops, with an error of its own"
		if deaf {
			how = "it goes on"
		}
		// pass returns the context for the method below, and the error instead of it.
		pass := func(c context.Context) (context.Context, error) {
			switch {
			case deaf:
				return context.WithoutCancel(c), nil
			case c.Err() != nil:
				return nil, errOther
			}
			return c, nil
		}
		for method, worsen := range map[string]func(b *broken){
			"Find": func(b *broken) {
				b.find = func(c ctx, space string, ds []keys.Digest) (keys.Record, error) {
					c, err := pass(c)
					if err != nil {
						return keys.Record{}, err
					}
					return b.MemoryStore.Find(c, space, ds)
				}
			},
			"Get": func(b *broken) {
				b.get = func(c ctx, space, id string) (keys.Record, error) {
					c, err := pass(c)
					if err != nil {
						return keys.Record{}, err
					}
					return b.MemoryStore.Get(c, space, id)
				}
			},
			"List": func(b *broken) {
				b.list = func(c ctx, space string, f keys.Filter) ([]keys.Record, error) {
					c, err := pass(c)
					if err != nil {
						return nil, err
					}
					return b.MemoryStore.List(c, space, f)
				}
			},
			"Insert": func(b *broken) {
				b.insert = func(c ctx, r keys.Record) error {
					c, err := pass(c)
					if err != nil {
						return err
					}
					return b.MemoryStore.Insert(c, r)
				}
			},
			"Update": func(b *broken) {
				b.update = func(c ctx, r keys.Record) error {
					c, err := pass(c)
					if err != nil {
						return err
					}
					return b.MemoryStore.Update(c, r)
				}
			},
			"InvalidateUser": func(b *broken) {
				b.invalidateUser = func(c ctx, space, userID string, at time.Time) ([]keys.Record, error) {
					c, err := pass(c)
					if err != nil {
						return nil, err
					}
					return b.MemoryStore.InvalidateUser(c, space, userID, at)
				}
			},
			"DropRole": func(b *broken) {
				b.dropRole = func(c ctx, role string) (int, error) {
					c, err := pass(c)
					if err != nil {
						return 0, err
					}
					return b.MemoryStore.DropRole(c, role)
				}
			},
			"Delete": func(b *broken) {
				b.remove = func(c ctx, space, id string) error {
					c, err := pass(c)
					if err != nil {
						return err
					}
					return b.MemoryStore.Delete(c, space, id)
				}
			},
			"RecordUse": func(b *broken) {
				b.recordUse = func(c ctx, uses []keys.Use) error {
					c, err := pass(c)
					if err != nil {
						return err
					}
					return b.MemoryStore.RecordUse(c, uses)
				}
			},
		} {
			does := " and does nothing"
			if method == "Find" || method == "Get" || method == "List" {
				does = ""
			}
			mutants = append(mutants, mutant{breaks: method + " returns ctx's error" + does + " if ctx is done before", how: how, worsen: worsen})
		}
		// Error and deed are two things: the deed is done, and the error is right.
		if deaf {
			mutants = append(mutants, mutant{breaks: "Update returns ctx's error and does nothing if ctx is done before", how: "it goes on and then looks", worsen: func(b *broken) {
				b.update = func(c ctx, r keys.Record) error {
					return errors.Join(c.Err(), b.MemoryStore.Update(context.WithoutCancel(c), r))
				}
			}}, mutant{breaks: "Insert returns ctx's error and does nothing if ctx is done before", how: "it goes on and then looks", worsen: func(b *broken) {
				b.insert = func(c ctx, r keys.Record) error {
					return errors.Join(c.Err(), b.MemoryStore.Insert(context.WithoutCancel(c), r))
				}
			}})
		}
	}
	return mutants
}
