package keystest

import (
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

const byIssuedUntil = "List by IssuedUntil returns records whose value was issued by then: RefreshedAt, else CreatedAt, and those with neither"

var listMutants = []mutant{
	{breaks: "List returns records in ascending order of ID", how: "the latest first", worsen: func(b *broken) {
		b.list = func(ctx ctx, space string, f keys.Filter) ([]keys.Record, error) {
			page, err := b.MemoryStore.List(ctx, space, f)
			slices.Reverse(page)
			return page, err
		}
	}},
	{breaks: "List returns at most Limit records, those with the lowest IDs", how: "one more", worsen: listing(func(f *keys.Filter) {
		if f.Limit > 0 {
			f.Limit++
		}
	})},
	{breaks: "List returns 100 records if Limit is 0", how: "as many as it may", worsen: listing(func(f *keys.Filter) {
		if f.Limit == 0 {
			f.Limit = 1000
		}
	})},
	{breaks: "List returns at most 1000 records", how: "as many as asked for", worsen: func(b *broken) {
		b.list = func(ctx ctx, space string, f keys.Filter) ([]keys.Record, error) {
			page, err := b.MemoryStore.List(ctx, space, f)
			if f.Limit > 1000 && len(page) == 1000 {
				more, _ := b.MemoryStore.List(ctx, space, keys.Filter{After: page[999].ID})
				page = append(page, more...)
			}
			return page, err
		}
	}},
	{breaks: "List returns those with an ID above After", how: "it starts over where After is no record's ID", worsen: func(b *broken) {
		b.list = func(ctx ctx, space string, f keys.Filter) ([]keys.Record, error) {
			if _, err := b.MemoryStore.Get(ctx, space, f.After); err != nil {
				f.After = ""
			}
			return b.MemoryStore.List(ctx, space, f)
		}
	}},
	{breaks: "List goes through all records in pages by After and Limit", how: "it counts records that do not pass", worsen: func(b *broken) {
		b.list = func(ctx ctx, space string, f keys.Filter) ([]keys.Record, error) {
			page, err := b.MemoryStore.List(ctx, space, f)
			if f.Limit > 0 && f.Role != "" {
				first, _ := b.MemoryStore.List(ctx, space, keys.Filter{After: f.After, Limit: f.Limit})
				page = slices.DeleteFunc(first, func(r keys.Record) bool { return r.Role != f.Role })
			}
			return page, err
		}
	}},
	{breaks: "List of none is an empty list and no error", how: "none is an error", worsen: func(b *broken) {
		b.list = func(ctx ctx, space string, f keys.Filter) ([]keys.Record, error) {
			page, err := b.MemoryStore.List(ctx, space, f)
			if len(page) == 0 && f == (keys.Filter{State: keys.StateDisabled, At: noon}) {
				err = keys.ErrNotFound
			}
			return page, err
		}
	}},
	{breaks: "List by no field returns every record", how: "a time without a state asks for active ones", worsen: listing(func(f *keys.Filter) {
		if f.State == "" && !f.At.IsZero() {
			f.State = keys.StateActive
		}
	})},
	{breaks: "List by Kind returns records of that kind", how: "of any kind", worsen: listing(func(f *keys.Filter) { f.Kind = "" })},
	{breaks: "List by UserID returns records of that user", how: "not the disabled ones", worsen: listHides(
		func(f keys.Filter) bool { return f.UserID != "" }, func(r keys.Record) bool { return r.State(noon) == keys.StateDisabled })},
	{breaks: "List by Role returns records with that role", how: "not the disabled ones", worsen: listHides(
		func(f keys.Filter) bool { return f.Role != "" }, func(r keys.Record) bool { return r.State(noon) == keys.StateDisabled })},
	{breaks: "List by ForeignID returns the record with that foreign ID", how: "not user keys", worsen: listHides(
		func(f keys.Filter) bool { return f.ForeignID != "" }, func(r keys.Record) bool { return r.Kind == keys.KindUser })},
	{breaks: "List by Legacy returns only legacy records", how: "any", worsen: listing(func(f *keys.Filter) { f.Legacy = false })},
	{breaks: "List by State returns records in that state", how: "disabled goes before invalidated", worsen: func(b *broken) {
		b.list = func(ctx ctx, space string, f keys.Filter) ([]keys.Record, error) {
			want := f.State
			f.State = ""
			page, err := b.MemoryStore.List(ctx, space, f)
			return slices.DeleteFunc(page, func(r keys.Record) bool {
				if !r.DisabledAt.IsZero() {
					r.InvalidatedAt = time.Time{}
				}
				return want != "" && r.State(f.At) != want
			}), err
		}
	}},
	{breaks: "List by State tells it as it is at time At", how: "as it is now", worsen: listing(func(f *keys.Filter) { f.At = noon.AddDate(50, 0, 0) })},
	{breaks: "List by State tells it as it is at time At", how: "expired after the instant of expiry", worsen: listing(func(f *keys.Filter) { f.At = f.At.Add(-1) })},
	{breaks: "List by State tells it as it is at time At", how: "it rounds up to microseconds",
		worsen: listing(func(f *keys.Filter) { f.At = f.At.Add(999).Truncate(time.Microsecond) })},
	{breaks: "List by State tells it as it is at time At", how: "it reads the clock of another zone as its own", worsen: listing(func(f *keys.Filter) {
		_, offset := f.At.Zone()
		f.At = f.At.Add(time.Duration(offset) * time.Second)
	})},
	{breaks: byIssuedUntil, how: "not at that very time", worsen: listing(func(f *keys.Filter) {
		if !f.IssuedUntil.IsZero() {
			f.IssuedUntil = f.IssuedUntil.Add(-1)
		}
	})},
	{breaks: byIssuedUntil, how: "by CreatedAt alone", worsen: listHides(
		func(f keys.Filter) bool { return !f.IssuedUntil.IsZero() }, func(r keys.Record) bool { return !r.RefreshedAt.IsZero() })},
	{breaks: byIssuedUntil, how: "a record with no time is hidden", worsen: listHides(
		func(f keys.Filter) bool { return !f.IssuedUntil.IsZero() }, func(r keys.Record) bool { return r.CreatedAt.IsZero() })},
	{breaks: "List by several fields returns what the lists by each have in common", how: "the time of issue goes before kind and role", worsen: listing(func(f *keys.Filter) {
		if !f.IssuedUntil.IsZero() {
			f.Kind, f.Role = "", ""
		}
	})},
	{breaks: "List goes through all records in pages by After and Limit", how: "it starts over for the time of issue", worsen: listing(func(f *keys.Filter) {
		if !f.IssuedUntil.IsZero() {
			f.After = ""
		}
	})},
	{breaks: "List by several fields returns what the lists by each have in common", how: "user goes before state", worsen: listing(func(f *keys.Filter) {
		if f.UserID != "" {
			f.State = ""
		}
	})},
	{breaks: "List by several fields returns what the lists by each have in common", how: "user goes before role and foreign ID", worsen: listing(func(f *keys.Filter) {
		if f.UserID != "" {
			f.Role, f.ForeignID = "", ""
		}
	})},
}
