package keys

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestLookupAllocatesNothing: a look-up allocates nothing, found or not.
func TestLookupAllocatesNothing(t *testing.T) {
	m, ds := filled(t, 1000)
	i := 0
	if n := testing.AllocsPerRun(1000, func() { m.found.get("", &ds[i%len(ds)]); i++ }); n != 0 {
		t.Errorf("a look-up that finds allocates %v times", n)
	}
	other := rawDigest{SHA256, [32]byte{1}}
	if n := testing.AllocsPerRun(1000, func() { m.found.get("elsewhere", &other) }); n != 0 {
		t.Errorf("a look-up that finds nothing allocates %v times", n)
	}
}

// BenchmarkLookup compares a look-up with a sync.Map of the same entries, in alternating rounds, and reports
// medians, and the bytes that a record takes. Each contender reads the record it found; every look-up asks for
// another key.
//
//	go test -run '^$' -bench Lookup -benchtime 6x ./keys
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1e4, 1e5, 1e6} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			ballast := make([]byte, 64<<20)
			before := heap()
			m, ds := filled(b, n)
			perKey := float64(heap()-before)/float64(n) - 48 // ds itself
			type at struct {
				space string
				d     rawDigest
			}
			var limit sync.Map
			for i := range ds {
				limit.Store(at{"", ds[i]}, m.found.get("", &ds[i]))
			}
			order := rand.New(rand.NewPCG(1, 2)).Perm(n)
			round := func(find func(d *rawDigest) *indexed) float64 {
				const lookups = 200_000
				start, off := time.Now(), rand.IntN(n)
				var sum uint64
				for i := range lookups {
					sum += find(&ds[order[(off+i)%n]]).rec.Generation
				}
				if sum != lookups {
					b.Fatal("a key was not found")
				}
				return float64(time.Since(start).Nanoseconds()) / lookups
			}
			var lib, lim []float64
			for b.Loop() {
				lib = append(lib, round(func(d *rawDigest) *indexed { return m.found.get("", d) }))
				lim = append(lim, round(func(d *rawDigest) *indexed { e, _ := limit.Load(at{"", *d}); return e.(*indexed) }))
			}
			runtime.KeepAlive(ballast)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(lib), "ns/lookup")
			b.ReportMetric(median(lim), "ns/sync.Map")
			b.ReportMetric(perKey, "B/key")
		})
	}
}

// BenchmarkListPage reads a page of 100 from the middle of 100,000 records.
func BenchmarkListPage(b *testing.B) {
	m, _ := filled(b, 1e5)
	after := m.spaces[""].all[50_000].rec.ID
	b.ReportAllocs()
	for b.Loop() {
		if page, err := m.List(context.Background(), "", Filter{After: after}); err != nil || len(page) != 100 {
			b.Fatal(len(page), err)
		}
	}
}

// filled returns a store of n records and their digests.
func filled(tb testing.TB, n int) (*MemoryStore, []rawDigest) {
	tb.Helper()
	m, r := NewMemoryStore(), rand.New(rand.NewPCG(uint64(n), 7))
	ds := make([]rawDigest, n)
	for i := range ds {
		ds[i].algorithm = SHA256
		for j := 0; j < 32; j += 8 {
			binary.LittleEndian.PutUint64(ds[i].sum[j:], r.Uint64())
		}
		id := uuid.Must(uuid.NewV7())
		rec := Record{ID: id.String(), Kind: KindCustom, Name: "Website build", Role: "editor", Digest: ds[i].seal(), Generation: 1}
		if err := m.Insert(context.Background(), rec); err != nil {
			tb.Fatal(err)
		}
	}
	return m, ds
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
