package keys_test

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// Over the memory store, Verify never allocates.
func TestVerifyAllocatesNothing(t *testing.T) {
	if keys.RaceEnabled {
		t.Skip("the race detector empties pools")
	}
	for name, peppers := range map[string][]keys.Pepper{"bare": nil, "pepper": {pepper("1")}, "two peppers": {pepper("2"), pepper("1")}} {
		r := open(t, keys.Config{Store: keys.NewMemoryStore(), Peppers: peppers})
		key, _ := issue(t, r, keys.Custom{Role: "editor", ExpiresAt: time.Now().Add(time.Hour), Scopes: []string{"a"}})
		imports := open(t, keys.Config{Store: keys.NewMemoryStore(), Peppers: peppers, ImportedKeys: true})
		unknown := sealed("API-00112233445566778899aabbccddeeff")
		v := good(t, r, key)
		refused(t, r, "junk", keys.ErrMalformed)
		for what, f := range map[string]func(){
			"good":      func() { v, _ := r.Verify(ctx, key); v.Used() },
			"recheck":   func() { v, _ := r.Recheck(ctx, v); v.Used() },
			"unknown":   func() { r.Verify(ctx, unknown) },
			"malformed": func() { r.Verify(ctx, legacyText) },
			"looked up": func() { imports.Verify(ctx, legacyText) },
			"contains":  func() { r.Format().Contains(strings.Clone("")); r.Format().Contains("x:y API-") },
		} {
			require.Zero(t, testing.AllocsPerRun(1000, f), "%s, %s", name, what)
		}
	}
}

// handwritten is the least code that does the same work: shape, checksum, SHA-256, a Go map, expiry, last use.
type handwritten map[[32]byte]*handRecord

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

var notHex = func() (t [256]byte) {
	for c := range t {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			t[c] = 1
		}
	}
	return t
}()

type handRecord struct {
	digest  [32]byte
	expires int64
	used    atomic.Int64
}

func (h handwritten) verify(key string) *handRecord {
	if len(key) != 44 || key[:4] != "API-" && key[:4] != "USR-" {
		return nil
	}
	odd := byte(0)
	for i := 4; i < 36; i++ {
		odd |= notHex[key[i]]
	}
	sum := crc32.ChecksumIEEE(bytesOf(key[:36]))
	for i := 43; i >= 36; i-- {
		odd |= key[i] ^ "0123456789abcdef"[sum&15]
		sum >>= 4
	}
	if odd != 0 {
		return nil
	}
	r := h[sha256.Sum256(bytesOf(key))]
	if r == nil {
		return nil
	}
	now := time.Now().UnixMicro()
	if r.expires != 0 && now >= r.expires {
		return nil
	}
	if now-r.used.Load() >= 1e6 {
		r.used.Store(now)
	}
	return r
}

// BenchmarkVerify compares the ring with handwritten code for the same work: 10,000 keys, a different one every
// time. Contenders alternate; the figures are medians of six rounds, with 64 MiB of ballast.
//
//	go test -run '^$' -bench Verify ./keys
func BenchmarkVerify(b *testing.B) {
	const n = 10_000
	ballast := make([]byte, 64<<20)
	type ring struct {
		r    *keys.Ring
		keys []string
	}
	fill := func(s keys.Store, peppers ...keys.Pepper) ring {
		x := ring{r: open(b, keys.Config{Store: s, Peppers: peppers})}
		for i := range n {
			key, _ := issue(b, x.r, keys.Custom{Name: fmt.Sprint("key ", i), Role: "editor"})
			x.keys = append(x.keys, key)
		}
		return x
	}
	bare := fill(keys.NewMemoryStore())
	hot := fill(keys.NewMemoryStore(), pepper("1"))
	through := fill(foreign{keys.NewMemoryStore()})
	hand := handwritten{}
	unknown, junk := make([]string, n), make([]string, n)
	for i, k := range bare.keys {
		d := sha256.Sum256([]byte(k))
		hand[d] = &handRecord{digest: d}
		unknown[i] = sealed(fmt.Sprintf("API-%032x", i))
		junk[i] = fmt.Sprintf("API-%040x", i)
	}
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	verify := func(x ring, texts []string, want bool) func(int) {
		return func(i int) {
			v, err := x.r.Verify(ctx, texts[order[i%n]])
			if (err == nil) != want {
				b.Fatal(err)
			}
			v.Used()
		}
	}
	byHand := func(texts []string, want bool) func(int) {
		return func(i int) {
			if (hand.verify(texts[order[i%n]]) != nil) != want {
				b.Fatal("hand")
			}
		}
	}
	contenders := []struct {
		name   string
		f      func(int)
		rounds []float64
	}{
		{"limit-good", byHand(bare.keys, true), nil},
		{"good", verify(bare, bare.keys, true), nil},
		{"pepper", verify(hot, hot.keys, true), nil},
		{"store", verify(through, through.keys, true), nil},
		{"limit-unknown", byHand(unknown, false), nil},
		{"unknown", verify(bare, unknown, false), nil},
		{"limit-malformed", byHand(junk, false), nil},
		{"malformed", verify(bare, junk, false), nil},
	}
	for range 6 {
		for i := range contenders {
			c := &contenders[i]
			const calls = 100_000
			start := time.Now()
			for i := range calls {
				c.f(i)
			}
			c.rounds = append(c.rounds, float64(time.Since(start).Nanoseconds())/calls)
		}
	}
	for b.Loop() { // the figures are the medians below
	}
	runtime.KeepAlive(ballast)
	b.ReportMetric(0, "ns/op")
	for _, c := range contenders {
		slices.Sort(c.rounds)
		b.ReportMetric((c.rounds[2]+c.rounds[3])/2, "ns/"+c.name)
	}
}

// BenchmarkVerifyParallel verifies a valid key on all cores: Verify takes no lock.
func BenchmarkVerifyParallel(b *testing.B) {
	r := open(b, keys.Config{Store: keys.NewMemoryStore()})
	var all []string
	for range 10_000 {
		key, _ := issue(b, r, keys.Custom{})
		all = append(all, key)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(len(all)); pb.Next(); i++ {
			if _, err := r.Verify(ctx, all[i%len(all)]); err != nil {
				b.Error(err)
			}
		}
	})
}
