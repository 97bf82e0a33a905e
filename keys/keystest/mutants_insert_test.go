package keystest

import (
	"errors"
	"slices"

	"github.com/latchkey-go/latchkey/keys"
)

// claims makes Insert say that it succeeded when it met this clash.
func claims(reason string) func(b *broken) {
	return insertAnswers(func(_ *broken, _ keys.Record, met string, err error) error {
		if errors.Is(err, keys.ErrExists) && met == reason {
			return nil
		}
		return err
	})
}

func insertMutants() []mutant {
	mutants := []mutant{
		{breaks: "Insert adds a record that Get, Find and List show with every field", how: "it forgets Weak",
			worsen: storing(func(r *keys.Record) { r.Weak = false })},
		{breaks: "Insert adds a record that Get, Find and List show with every field", how: "Find does not read every field",
			worsen: func(b *broken) { b.find = shownByFind(b, func(r *keys.Record) { r.Overlap = 0 }) }},
		{breaks: "Insert adds a record that Get, Find and List show with every field", how: "List does not read every field",
			worsen: func(b *broken) { b.list = shownByList(b, func(r *keys.Record) { r.Overlap = 0 }) }},
	}
	for _, c := range slices.Concat(insertClashes, clashes) {
		mutants = append(mutants, mutant{breaks: "Insert returns an error wrapping ErrExists if " + c.what, how: "it returns none", worsen: claims(c.what)})
	}
	return append(mutants, mutant{breaks: "Insert stores nothing when it returns an error", how: "it stores all but the foreign ID",
		worsen: insertAnswers(func(b *broken, r keys.Record, met string, err error) error {
			if met == clashes[4].what && err != nil {
				r.ForeignID = ""
				_ = b.MemoryStore.Insert(background, r)
			}
			return err
		}),
	}, mutant{breaks: "Insert counts invalidated records as records", how: "foreign IDs are unique among good keys",
		worsen: insertAnswers(func(b *broken, r keys.Record, met string, err error) error {
			if met == clashes[4].what && !live(b.all(r.Space, keys.Filter{ForeignID: r.ForeignID})[0]) {
				return nil
			}
			return err
		}),
	}, mutant{breaks: "Insert takes no notice of a zero Previous and an empty ForeignID", how: "imports without one are alike", worsen: func(b *broken) {
		b.insert = func(ctx ctx, r keys.Record) error {
			for _, o := range b.all(r.Space, keys.Filter{Legacy: true}) {
				if r.Legacy && o.ForeignID == "" && r.ForeignID == "" {
					return keys.ErrExists
				}
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}}, mutant{breaks: "Insert returns an error wrapping ErrExists if Sole is set and the user has a key", how: "it counts keys with Sole only",
		worsen: soleAnswers(func(others []keys.Record, err error) error {
			if !slices.ContainsFunc(others, func(o keys.Record) bool { return o.Sole && live(o) }) {
				return nil
			}
			return err
		}),
	}, mutant{breaks: "Insert with Sole counts disabled and expired keys", how: "not the disabled",
		worsen: soleAnswers(func(others []keys.Record, err error) error {
			if slices.ContainsFunc(others, func(o keys.Record) bool { return o.State(noon) == keys.StateDisabled }) {
				return nil
			}
			return err
		}),
	}, mutant{breaks: "Insert with Sole counts disabled and expired keys", how: "not the expired",
		worsen: soleAnswers(func(others []keys.Record, err error) error {
			if slices.ContainsFunc(others, func(o keys.Record) bool { return o.State(noon) == keys.StateExpired }) {
				return nil
			}
			return err
		}),
	}, mutant{breaks: "Insert with Sole does not count invalidated keys", how: "it does", worsen: func(b *broken) {
		b.insert = func(ctx ctx, r keys.Record) error {
			if r.Sole && len(b.all(r.Space, keys.Filter{UserID: r.UserID})) > 0 {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}}, mutant{breaks: "Insert with Sole does not count keys of other users or of no user", how: "it counts custom keys", worsen: func(b *broken) {
		b.insert = func(ctx ctx, r keys.Record) error {
			if r.Sole && slices.ContainsFunc(b.all(r.Space, keys.Filter{Kind: keys.KindCustom}), live) {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}}, mutant{breaks: "Insert without Sole allows several keys of a user", how: "not beside one with Sole", worsen: func(b *broken) {
		b.insert = func(ctx ctx, r keys.Record) error {
			if r.UserID != "" && slices.ContainsFunc(b.all(r.Space, keys.Filter{UserID: r.UserID}), func(o keys.Record) bool { return o.Sole && live(o) }) {
				return keys.ErrExists
			}
			return b.MemoryStore.Insert(ctx, r)
		}
	}})
}

// soleAnswers changes what Insert returns when a user has a key already.
func soleAnswers(answer func(others []keys.Record, err error) error) func(b *broken) {
	return insertAnswers(func(b *broken, r keys.Record, met string, err error) error {
		if met == "Sole" {
			return answer(b.all(r.Space, keys.Filter{UserID: r.UserID}), err)
		}
		return err
	})
}
