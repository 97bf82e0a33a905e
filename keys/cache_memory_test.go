package keys_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// An inventor is a store with a record for each key of an even number, and without changes.
type inventor struct {
	keys.Store
	name string
}

func (s *inventor) Find(_ context.Context, space string, d []keys.Digest) (keys.Record, error) {
	_, sum := d[0].Reveal()
	if sum[0]&1 == 1 {
		return keys.Record{}, keys.ErrNotFound
	}
	return keys.Record{
		ID: fmt.Sprintf("%x", sum[:18]), Space: space, Kind: keys.KindCustom, Name: strings.Clone(s.name),
		Role: strings.Clone("editor"), Hint: strings.Clone("API-…0123"), Digest: d[0], Generation: 1,
		CreatedAt: time.Now(), Scopes: []string{strings.Clone("content/posts/read")},
	}, nil
}

func (s *inventor) Changes(context.Context, keys.Revision) (keys.Changes, error) {
	return keys.Changes{Revision: keys.Revision{Number: 1}}, nil
}

func (s *inventor) Watch(func()) (stop func()) { return func() {} }

func (s *inventor) RecordUse(context.Context, []keys.Use) error { return nil }

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Any number of valid keys, and as many unknown ones, take no more memory than CacheBytes, and keys that are used often
// stay cached. With LATCHKEY_LONG there are a million of each.
func TestMemoryIsBounded(t *testing.T) {
	many, allowed := 20_000, int64(1<<20)
	if long {
		many, allowed = 2_000_000, 8<<20
	}
	for name, text := range map[string]string{"short": "", "long": strings.Repeat("n", 200)} {
		t.Run(name, func(t *testing.T) {
			store := &inventor{name: text}
			r := open(t, keys.Config{Store: store, Feed: store, Staleness: time.Hour, CacheBytes: allowed})
			var hot []string
			for i := 0; len(hot) < 100; i++ {
				key := sealed(fmt.Sprintf("API-%032x", i))
				if _, err := r.Verify(ctx, key); err == nil {
					hot = append(hot, key)
				}
			}
			before, good := heap(), 0
			for i := range many {
				if i%100 == 0 {
					for _, key := range hot[i/100%10*10:][:10] {
						r.Verify(ctx, key)
					}
				}
				if _, err := r.Verify(ctx, sealed(fmt.Sprintf("API-%032x", i+1e6))); err == nil {
					good++
				}
			}
			grown := heap() - before
			cached, bytes := keys.Cached(r)
			t.Logf("%d good keys and %d others: %d records cached, which take %d B by our count; the heap grew by %d B", good, many-good, cached, bytes, grown)
			require.InDelta(t, many/2, good, float64(many)/100)
			require.LessOrEqual(t, bytes, allowed)
			require.Greater(t, bytes, allowed*9/10)
			require.Less(t, grown, allowed+2<<20, "2 MiB for unknown keys")
			for _, key := range hot {
				require.True(t, keys.IsCached(r, key))
			}
		})
	}
}

// Pending last-used times do not keep the records in memory.
func TestLastUsedTimesHoldNoRecords(t *testing.T) {
	const many, allowed = 10_000, 1 << 20
	store := &inventor{}
	r := open(t, keys.Config{Store: store, Feed: store, LastUsed: store, FlushEvery: time.Hour, Staleness: time.Hour, CacheBytes: allowed})
	before := heap()
	for i := range many {
		v, _ := r.Verify(ctx, sealed(fmt.Sprintf("API-%032x", i)))
		v.Used()
	}
	waiting, grown := keys.Pending(r), heap()-before
	t.Logf("%d times wait; the heap grew by %d B", waiting, grown)
	require.InDelta(t, many/2, waiting, many/100)
	require.Less(t, grown, int64(allowed+2<<20+200*waiting))
}
