package keystest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/latchkey-go/latchkey/keys"
)

type ctx = context.Context

var readMutants = []mutant{
	{breaks: "Find returns the record whose Digest equals one of digests", how: "imports live in another table",
		worsen: findHides(func(r keys.Record, _ []keys.Digest) bool { return r.Legacy && r.ForeignID == "" })},
	{breaks: "Find returns the record whose Previous equals one of digests", how: "it judges the time of the old value",
		worsen: findHides(func(r keys.Record, asked []keys.Digest) bool {
			return slices.ContainsFunc(asked, r.Previous.Equal) && r.PreviousUntil.Equal(noon)
		})},
	{breaks: "Find looks for every one of digests", how: "it looks for the first", worsen: func(b *broken) {
		b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
			return b.MemoryStore.Find(ctx, space, ds[:min(1, len(ds))])
		}
	}},
	{breaks: "Find returns an error wrapping ErrNotFound if no record has one of digests", how: "no digests are an error of another kind", worsen: func(b *broken) {
		b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
			if len(ds) == 0 {
				return keys.Record{}, errOther
			}
			return b.MemoryStore.Find(ctx, space, ds)
		}
	}},
	{breaks: "Find finds records in every state", how: "not disabled ones",
		worsen: findHides(func(r keys.Record, _ []keys.Digest) bool { return r.State(noon) == keys.StateDisabled })},
	{breaks: "Find finds records in every state", how: "not expired ones",
		worsen: findHides(func(r keys.Record, _ []keys.Digest) bool { return r.State(noon) == keys.StateExpired })},
	{breaks: "Find finds records in every state", how: "not invalidated ones",
		worsen: findHides(func(r keys.Record, _ []keys.Digest) bool { return !live(r) && r.LastUsedAt.IsZero() })},
	{breaks: "Find compares the algorithm of a digest as well as its sum", how: "it looks for the sum alone",
		worsen: findAlso(func(space string, d keys.Digest) (string, []keys.Digest) {
			return space, []keys.Digest{keys.NewDigest(keys.SHA256, sumOf(d))}
		})},
	{breaks: "Find compares all 32 bytes of a sum", how: "all but the last",
		worsen: findAlso(func(space string, d keys.Digest) (string, []keys.Digest) {
			algorithm, sum := d.Reveal()
			sum[31] ^= 1
			return space, []keys.Digest{keys.NewDigest(algorithm, sum)}
		})},
	{breaks: "Find compares all 32 bytes of a sum", how: "up to a zero byte", worsen: func(b *broken) {
		b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
			r, err := b.MemoryStore.Find(ctx, space, ds)
			for _, o := range b.all(space, keys.Filter{}) {
				if err == nil || ctx.Err() != nil || len(ds) != 1 {
					break
				}
				stored, storedSum := o.Digest.Reveal()
				asked, askedSum := ds[0].Reveal()
				if stored == asked && storedSum[15] == 0 && [16]byte(storedSum[:16]) == [16]byte(askedSum[:16]) {
					return o, nil
				}
			}
			return r, err
		}
	}},
	{breaks: "Find never finds a record by the zero Digest", how: "no old value is stored as a zero one", worsen: func(b *broken) {
		b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
			for _, o := range b.all(space, keys.Filter{}) {
				if slices.ContainsFunc(ds, keys.Digest.IsZero) && o.Previous.IsZero() && ctx.Err() == nil {
					return o, nil
				}
			}
			return b.MemoryStore.Find(ctx, space, ds)
		}
	}},
	{breaks: "Find neither keeps nor changes digests", how: "it keeps them, and looks through them the next time", worsen: func(b *broken) {
		var mu sync.Mutex
		var kept []keys.Digest
		b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			r, err := b.MemoryStore.Find(ctx, space, ds)
			if errors.Is(err, keys.ErrNotFound) && len(ds) == 3 {
				r, err = b.MemoryStore.Find(ctx, space, kept)
				kept = ds
			}
			return r, err
		}
	}},
	{breaks: "Find neither keeps nor changes digests", how: "it turns them round", worsen: func(b *broken) {
		b.find = func(ctx ctx, space string, ds []keys.Digest) (keys.Record, error) {
			slices.Reverse(ds)
			return b.MemoryStore.Find(ctx, space, ds)
		}
	}},
	{breaks: "Get returns the record with this ID", how: "imports live in another table", worsen: func(b *broken) {
		b.get = func(ctx ctx, space, id string) (keys.Record, error) {
			r, err := b.MemoryStore.Get(ctx, space, id)
			if r.Legacy && r.ForeignID == "" {
				return keys.Record{}, keys.ErrNotFound
			}
			return r, err
		}
	}},
	{breaks: "Get returns an error wrapping ErrNotFound if there is no record with this ID", how: "what is no UUID is an error of another kind", worsen: func(b *broken) {
		b.get = func(ctx ctx, space, id string) (keys.Record, error) {
			if len(id) < 20 {
				return keys.Record{}, errOther
			}
			return b.MemoryStore.Get(ctx, space, id)
		}
	}},
}
