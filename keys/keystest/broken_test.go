package keystest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// broken is a memory store in which some methods, those not nil, are replaced by worse ones.
type broken struct {
	*keys.MemoryStore
	find           func(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error)
	get            func(ctx context.Context, space, id string) (keys.Record, error)
	list           func(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error)
	insert         func(ctx context.Context, r keys.Record) error
	update         func(ctx context.Context, r keys.Record) error
	invalidateUser func(ctx context.Context, space, userID string, at time.Time) ([]keys.Record, error)
	dropRole       func(ctx context.Context, role string) (int, error)
	remove         func(ctx context.Context, space, id string) error
	recordUse      func(ctx context.Context, uses []keys.Use) error
}

// newBroken returns a store that is as good as a memory store, and then made worse.
func newBroken(worsen func(b *broken)) *broken {
	b := &broken{MemoryStore: keys.NewMemoryStore()}
	worsen(b)
	return b
}

func (b *broken) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if b.find == nil {
		return b.MemoryStore.Find(ctx, space, digests)
	}
	return b.find(ctx, space, digests)
}

func (b *broken) Get(ctx context.Context, space, id string) (keys.Record, error) {
	if b.get == nil {
		return b.MemoryStore.Get(ctx, space, id)
	}
	return b.get(ctx, space, id)
}

func (b *broken) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	if b.list == nil {
		return b.MemoryStore.List(ctx, space, f)
	}
	return b.list(ctx, space, f)
}

func (b *broken) Insert(ctx context.Context, r keys.Record) error {
	if b.insert == nil {
		return b.MemoryStore.Insert(ctx, r)
	}
	return b.insert(ctx, r)
}

func (b *broken) Update(ctx context.Context, r keys.Record) error {
	if b.update == nil {
		return b.MemoryStore.Update(ctx, r)
	}
	return b.update(ctx, r)
}

func (b *broken) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]keys.Record, error) {
	if b.invalidateUser == nil {
		return b.MemoryStore.InvalidateUser(ctx, space, userID, at)
	}
	return b.invalidateUser(ctx, space, userID, at)
}

func (b *broken) DropRole(ctx context.Context, role string) (int, error) {
	if b.dropRole == nil {
		return b.MemoryStore.DropRole(ctx, role)
	}
	return b.dropRole(ctx, role)
}

func (b *broken) Delete(ctx context.Context, space, id string) error {
	if b.remove == nil {
		return b.MemoryStore.Delete(ctx, space, id)
	}
	return b.remove(ctx, space, id)
}

func (b *broken) RecordUse(ctx context.Context, uses []keys.Use) error {
	if b.recordUse == nil {
		return b.MemoryStore.RecordUse(ctx, uses)
	}
	return b.recordUse(ctx, uses)
}

var errOther = errors.New("the disk is on fire")

// A sum can be a map's key, which a digest cannot.
type sum = [32]byte

func sumOf(d keys.Digest) sum {
	_, s := d.Reveal()
	return s
}

// showing changes each record on its way out of Find, Get and List.
func showing(change func(r *keys.Record)) func(b *broken) {
	return func(b *broken) {
		b.find, b.get, b.list = shownByFind(b, change), shownByGet(b, change), shownByList(b, change)
	}
}

func shownByFind(b *broken, change func(r *keys.Record)) func(context.Context, string, []keys.Digest) (keys.Record, error) {
	return func(ctx context.Context, space string, ds []keys.Digest) (keys.Record, error) {
		r, err := b.MemoryStore.Find(ctx, space, ds)
		if err == nil {
			change(&r)
		}
		return r, err
	}
}

func shownByGet(b *broken, change func(r *keys.Record)) func(context.Context, string, string) (keys.Record, error) {
	return func(ctx context.Context, space, id string) (keys.Record, error) {
		r, err := b.MemoryStore.Get(ctx, space, id)
		if err == nil {
			change(&r)
		}
		return r, err
	}
}

func shownByList(b *broken, change func(r *keys.Record)) func(context.Context, string, keys.Filter) ([]keys.Record, error) {
	return func(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
		page, err := b.MemoryStore.List(ctx, space, f)
		for i := range page {
			change(&page[i])
		}
		return page, err
	}
}

// storing changes each record on its way into Insert.
func storing(change func(r *keys.Record)) func(b *broken) {
	return func(b *broken) {
		b.insert = func(ctx context.Context, r keys.Record) error {
			change(&r)
			return b.MemoryStore.Insert(ctx, r)
		}
	}
}

// findHides makes Find miss some records.
func findHides(hidden func(r keys.Record, asked []keys.Digest) bool) func(b *broken) {
	return func(b *broken) {
		b.find = func(ctx context.Context, space string, ds []keys.Digest) (keys.Record, error) {
			r, err := b.MemoryStore.Find(ctx, space, ds)
			if err == nil && hidden(r, ds) {
				return keys.Record{}, keys.ErrNotFound
			}
			return r, err
		}
	}
}

// findAlso makes Find, where it finds nothing, look once more for what other turns each digest into.
func findAlso(other func(space string, d keys.Digest) (string, []keys.Digest)) func(b *broken) {
	return func(b *broken) {
		b.find = func(ctx context.Context, space string, ds []keys.Digest) (keys.Record, error) {
			r, err := b.MemoryStore.Find(ctx, space, ds)
			for _, d := range ds {
				if errors.Is(err, keys.ErrNotFound) {
					where, what := other(space, d)
					r, err = b.MemoryStore.Find(ctx, where, what)
				}
			}
			return r, err
		}
	}
}

// listHides makes List, asked with some filters, miss some records.
func listHides(when func(f keys.Filter) bool, hidden func(r keys.Record) bool) func(b *broken) {
	return func(b *broken) {
		b.list = func(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
			page, err := b.MemoryStore.List(ctx, space, f)
			if when(f) {
				page = slices.DeleteFunc(page, hidden)
			}
			return page, err
		}
	}
}

// listing changes the filter on its way into List.
func listing(change func(f *keys.Filter)) func(b *broken) {
	return func(b *broken) {
		b.list = func(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
			change(&f)
			return b.MemoryStore.List(ctx, space, f)
		}
	}
}

// insertAnswers and updateAnswers change what Insert and Update return, knowing what was stored before.
func insertAnswers(answer func(b *broken, r keys.Record, reason string, err error) error) func(b *broken) {
	return func(b *broken) {
		b.insert = func(ctx context.Context, r keys.Record) error {
			reason := b.reason(r)
			return answer(b, r, reason, b.MemoryStore.Insert(ctx, r))
		}
	}
}

func updateAnswers(answer func(r, stored keys.Record, err error) error) func(b *broken) {
	return func(b *broken) {
		b.update = func(ctx context.Context, r keys.Record) error {
			stored, _ := b.MemoryStore.Get(background, r.Space, r.ID)
			return answer(r, stored, b.MemoryStore.Update(ctx, r))
		}
	}
}

// reason says which clash r meets, "Sole" for that of a user's only key, "" for none.
func (b *broken) reason(r keys.Record) string {
	other := func(d keys.Digest) (keys.Record, bool) {
		o, err := b.MemoryStore.Find(background, r.Space, []keys.Digest{d})
		return o, err == nil && o.ID != r.ID
	}
	if o, ok := other(r.Digest); ok {
		if o.Digest.Equal(r.Digest) {
			return clashes[0].what
		}
		return clashes[1].what
	}
	if o, ok := other(r.Previous); ok {
		if o.Digest.Equal(r.Previous) {
			return clashes[2].what
		}
		return clashes[3].what
	}
	if r.ForeignID != "" {
		for _, o := range b.all(r.Space, keys.Filter{ForeignID: r.ForeignID}) {
			if o.ID != r.ID {
				return clashes[4].what
			}
		}
	}
	if _, err := b.MemoryStore.Get(background, r.Space, r.ID); err == nil {
		return insertClashes[0].what
	}
	for _, space := range []string{"", "elsewhere"} {
		if _, err := b.MemoryStore.Get(background, space, r.ID); err == nil {
			return insertClashes[1].what
		}
	}
	if r.Sole && slices.ContainsFunc(b.all(r.Space, keys.Filter{UserID: r.UserID}), live) {
		return "Sole"
	}
	return ""
}

func live(r keys.Record) bool { return r.InvalidatedAt.IsZero() }

// all lists without the broken methods.
func (b *broken) all(space string, f keys.Filter) []keys.Record {
	f.Limit = 1000
	page, err := b.MemoryStore.List(background, space, f)
	if err != nil {
		panic(err)
	}
	return page
}

// put writes r over whatever is stored under its ID, which no store may do.
func (b *broken) put(r keys.Record) {
	stored, err := b.MemoryStore.Get(background, r.Space, r.ID)
	if err == nil && live(stored) {
		stored.Generation++
		stored.InvalidatedAt = noon
		err = b.MemoryStore.Update(background, stored)
	}
	if err := errors.Join(err, b.MemoryStore.Delete(background, r.Space, r.ID), b.MemoryStore.Insert(background, r)); err != nil {
		panic(fmt.Sprintf("a broken store that breaks by itself: %v", err))
	}
}
