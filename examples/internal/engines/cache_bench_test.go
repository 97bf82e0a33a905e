package engines_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A quiet store is one of which nothing changes, and that costs nothing, so that the cache alone is measured.
type quiet struct{ *keys.MemoryStore }

func (quiet) Changes(context.Context, keys.Revision) (keys.Changes, error) {
	return keys.Changes{Revision: keys.Revision{Number: 1}}, nil
}
func (quiet) Watch(func()) (stop func()) { return func() {} }

// silent is a ResponseWriter that costs nothing.
type silent struct{ h http.Header }

func (d *silent) Header() http.Header         { return d.h }
func (d *silent) Write(p []byte) (int, error) { return len(p), nil }
func (d *silent) WriteHeader(int)             {}

// BenchmarkCache sets a warm cache beside the memory store and beside otter: 10,000 keys, another one each time in
// random order. Contenders take turns for nine rounds, with 64 MiB of ballast so that the collector runs as rarely as
// in a service. Figures are medians, ratios the medians of ratios round by round.
//
//	go test -run '^$' -bench Cache ./engines
func BenchmarkCache(b *testing.B) {
	const n = 10_000
	ctx := b.Context()
	ballast := make([]byte, 64<<20)
	store := keys.NewMemoryStore()
	memory := keys.NewRing(store)
	defer memory.Close(ctx)
	cached, err := keys.Open(keys.Config{Store: quiet{store}, LastUsed: store, Feed: quiet{store}})
	require.NoError(b, err)
	defer cached.Close(ctx)

	type found struct { // what a cache by hand would hold
		role    string
		expires int64
	}
	byOtter := otter.Must(&otter.Options[[32]byte, *found]{
		MaximumSize: 2 * n, ExpiryCalculator: otter.ExpiryWriting[[32]byte, *found](time.Hour),
	})
	var shown []string
	for i := range n {
		issued, err := memory.IssueCustom(ctx, keys.Custom{Name: fmt.Sprint("key ", i), Role: "editor"})
		require.NoError(b, err)
		key := issued.Key.Reveal()
		shown = append(shown, key)
		byOtter.Set(sha256.Sum256([]byte(key)), &found{role: "editor"})
	}
	rand.Shuffle(n, func(i, j int) { shown[i], shown[j] = shown[j], shown[i] })
	digests, texts, verified := make([][32]byte, n), make([][]byte, n), make([]keys.Verified, n)
	for i, key := range shown {
		digests[i], texts[i] = sha256.Sum256([]byte(key)), []byte(key)
		verified[i], err = cached.Verify(ctx, key)
		require.NoError(b, err)
	}
	verify := func(r *keys.Ring) func(int) {
		return func(i int) {
			if _, err := r.Verify(ctx, shown[i%n]); err != nil {
				b.Fatal(err)
			}
		}
	}
	warm := func() { // until nothing but hits is left
		for range 3 {
			for i := range n {
				verify(cached)(i)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	guarded := func(r *keys.Ring) func(int) {
		policy := roles.MustCompile(roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true}})
		guard, err := auth.New(auth.Config{Keys: r, Roles: policy, Anonymous: publicapi.Fixed("editor")})
		require.NoError(b, err)
		h := guard.Handler(guard.Require("content/posts/read", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		w, req := &silent{http.Header{}}, httptest.NewRequest("GET", "/", nil)
		values := make([][]string, n)
		for i, key := range shown {
			values[i] = []string{key}
		}
		return func(i int) {
			clear(w.h)
			req.Header["Api-Key"] = values[i%n]
			h.ServeHTTP(w, req)
		}
	}
	contenders := []struct {
		name   string
		beside int // the contender to compare with
		f      func(int)
		rounds []float64
	}{
		{name: "otter: checksum, SHA-256, look-up, clock", beside: 0, f: func(i int) {
			key := texts[i%n]
			if len(key) != 44 || hex8(crc32.ChecksumIEEE(key[:36])) != [8]byte(key[36:]) {
				b.Fatal("checksum")
			}
			e, ok := byOtter.GetIfPresent(sha256.Sum256(key))
			if now := time.Now().UnixMicro(); !ok || e.expires != 0 && now >= e.expires {
				b.Fatal("otter")
			}
		}},
		{name: "Verify, warm cache", beside: 0, f: verify(cached)},
		{name: "Verify, memory store", beside: 0, f: verify(memory)},
		{name: "otter: look-up, clock", beside: 3, f: func(i int) {
			e, ok := byOtter.GetIfPresent(digests[i%n])
			if now := time.Now().UnixMicro(); !ok || e.expires != 0 && now >= e.expires {
				b.Fatal("otter")
			}
		}},
		{name: "a hit: Recheck, warm cache", beside: 3, f: func(i int) {
			if _, err := cached.Recheck(ctx, verified[i%n]); err != nil {
				b.Fatal(err)
			}
		}},
		{name: "guard, memory store", beside: 5, f: guarded(memory)},
		{name: "guard, warm cache", beside: 5, f: guarded(cached)},
	}
	const calls, rounds = 100_000, 9
	warm()
	for b.Loop() {
		for range rounds {
			for i := range contenders {
				c := &contenders[i]
				began := time.Now()
				for i := range calls {
					c.f(i)
				}
				c.rounds = append(c.rounds, float64(time.Since(began).Nanoseconds())/calls)
			}
		}
	}
	runtime.KeepAlive(ballast)
	var table strings.Builder
	table.WriteString("\n| What | ns | ÷ the one beside |\n| --- | --: | --: |\n")
	for _, c := range contenders {
		var ratios []float64
		for i, ns := range c.rounds {
			ratios = append(ratios, ns/contenders[c.beside].rounds[i])
		}
		fmt.Fprintf(&table, "| %s | %.0f | %.2f |\n", c.name, middle(c.rounds), middle(ratios))
	}
	fmt.Print(table.String())
	b.ReportMetric(0, "ns/op")
}

// hex8 is n as the last eight digits of a key.
func hex8(n uint32) (text [8]byte) {
	for i := 7; i >= 0; i-- {
		text[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	return text
}

func middle(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
