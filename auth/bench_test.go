package auth_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

var silent = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// A contest holds the same 10,000 keys for the library and for the hand-written limit.
type contest struct {
	limit, guarded, peppered http.Handler
	good, goodPeppered       [][]string // values of the api-key header, in random order
	unknown, malformed, none [][]string
}

func newContest(t testing.TB, many int) *contest {
	c := &contest{}
	grants := roles.Grants{}
	for i := range 10 {
		grants[fmt.Sprintf("content/model%d/read", i)] = true
	}
	policy := roles.MustCompile(roles.Role{AppID: "editor", Permissions: grants})
	by := &limit{keys: map[[32]byte]*limitKey{}, roles: map[string]map[string]bool{"editor": grants}, next: silent, need: "content/model7/read"}
	c.limit = by
	fill := func(pepper ...keys.Pepper) (http.Handler, [][]string) {
		ring, err := keys.Open(keys.Config{Store: keys.NewMemoryStore(), Peppers: pepper})
		require.NoError(t, err)
		t.Cleanup(func() { _ = ring.Close(context.Background()) })
		guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("editor")})
		require.NoError(t, err)
		var shown [][]string
		for i := range many {
			issued, err := ring.IssueCustom(context.Background(), keys.Custom{Name: fmt.Sprint(i), Role: "editor"})
			require.NoError(t, err)
			text := issued.Key.Reveal()
			if digest := sha256.Sum256([]byte(text)); pepper == nil {
				by.keys[digest] = &limitKey{digest: digest, role: "editor"}
			}
			shown = append(shown, []string{text})
		}
		rand.New(rand.NewPCG(1, 2)).Shuffle(many, func(i, j int) { shown[i], shown[j] = shown[j], shown[i] })
		return guard.Handler(guard.Require("content/model7/read", silent)), shown
	}
	c.guarded, c.good = fill()
	c.peppered, c.goodPeppered = fill(keys.NewPepper("p1", []byte("0123456789abcdef0123456789abcdef")))
	other := keys.NewRing(keys.NewMemoryStore())
	issued, err := other.IssueCustom(context.Background(), keys.Custom{Name: "elsewhere"})
	require.NoError(t, err)
	c.unknown = [][]string{{issued.Key.Reveal()}}
	c.malformed = [][]string{{issued.Key.Reveal()[:43] + "g"}}
	c.none = [][]string{nil}
	return c
}

// round serves n requests that show one key after the other.
func round(h http.Handler, shown [][]string, n int) {
	w := &discard{h: http.Header{}}
	r := request("/api/content/model7")
	for i := range n {
		clear(w.h)
		if key := shown[i%len(shown)]; key != nil {
			r.Header["Api-Key"] = key
		}
		h.ServeHTTP(w, r)
	}
}

// perRequest counts exactly what a request allocates.
func perRequest(h http.Handler, shown [][]string) (allocs float64, bytes uint64) {
	round(h, shown, 2*len(shown))
	n := max(2000, len(shown))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	round(h, shown, n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), (after.TotalAlloc - before.TotalAlloc) / uint64(n)
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	c := newContest(t, 100)
	for _, want := range []struct {
		name   string
		h      http.Handler
		shown  [][]string
		allocs float64
		bytes  uint64
	}{
		{"good key", c.guarded, c.good, 2, 400},
		{"good key, pepper", c.peppered, c.goodPeppered, 2, 400},
		{"no key, public API on", c.guarded, c.none, 2, 400},
		{"malformed key", c.guarded, c.malformed, 8, 300},
	} {
		allocs, bytes := perRequest(want.h, want.shown)
		t.Logf("%s: %.2f allocs, %d B", want.name, allocs, bytes)
		if allocs > want.allocs+0.1 || bytes > want.bytes+8 {
			t.Errorf("%s: %.2f allocs and %d B a request; at most %.0f and %d", want.name, allocs, bytes, want.allocs, want.bytes)
		}
	}
}

// BenchmarkGuard prints the table of the guide to costs: contenders take turns for six rounds, with 10,000 keys, another one
// each time in random order, and 64 MiB of ballast so that the collector runs as rarely as in a service. Figures are
// medians, ratios the medians of ratios round by round.
//
//	go test -run '^$' -bench Guard ./auth
func BenchmarkGuard(b *testing.B) {
	ballast := make([]byte, 64<<20)
	c := newContest(b, 10_000)
	contenders := []struct {
		name  string
		h     http.Handler
		shown [][]string
		limit int // the contender to compare with
	}{
		{"hand-written, good key", c.limit, c.good, 0},
		{"good key", c.guarded, c.good, 0},
		{"good key, with a pepper", c.peppered, c.goodPeppered, 0},
		{"no key, public API on", c.guarded, c.none, 0},
		{"hand-written, unknown key", c.limit, c.unknown, 4},
		{"unknown key, 401 written", c.guarded, c.unknown, 4},
		{"malformed key, 401 written", c.guarded, c.malformed, 4},
	}
	const n, rounds = 100_000, 6
	alone, together := make([][]float64, len(contenders)), make([][]float64, len(contenders))
	for b.Loop() {
		for range rounds {
			for i, x := range contenders {
				alone[i] = append(alone[i], nanoseconds(n, func() { round(x.h, x.shown, n) }))
			}
			for i, x := range contenders {
				together[i] = append(together[i], nanoseconds(2*n, func() {
					done := make(chan struct{})
					go func() { round(x.h, x.shown, n); close(done) }()
					round(x.h, x.shown[len(x.shown)/2:], n)
					<-done
				}))
			}
		}
	}
	runtime.KeepAlive(ballast)
	var table strings.Builder
	table.WriteString("\n| Request | ns | ÷ hand-written | allocs | B | × on two cores |\n| --- | --: | --: | --: | --: | --: |\n")
	for i, x := range contenders {
		allocs, bytes := perRequest(x.h, x.shown)
		fmt.Fprintf(&table, "| %s | %.0f | %.2f | %.0f | %d | %.1f |\n", x.name, median(alone[i]), ratio(alone[i], alone[x.limit]), allocs, bytes, ratio(alone[i], together[i]))
	}
	fmt.Print(table.String())
	b.ReportMetric(ratio(alone[1], alone[0]), "good÷limit")
	b.ReportMetric(0, "ns/op")
}

func nanoseconds(n int, f func()) float64 {
	began := time.Now()
	f()
	return float64(time.Since(began).Nanoseconds()) / float64(n)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// ratio is the median of the ratios round by round.
func ratio(a, b []float64) float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		r[i] = a[i] / b[i]
	}
	return median(r)
}

// The limit must not win by doing less than it says.
func TestTheLimitDecidesAlike(t *testing.T) {
	c := newContest(t, 10)
	for _, x := range []struct {
		shown []string
		want  int
	}{{c.good[0], 200}, {c.unknown[0], 401}, {c.malformed[0], 401}} {
		for _, h := range []http.Handler{c.limit, c.guarded} {
			require.Equal(t, x.want, serve(h, request("/", "api-key", x.shown[0])).StatusCode)
		}
	}
}
