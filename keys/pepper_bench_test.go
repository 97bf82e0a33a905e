package keys_test

import (
	"slices"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// BenchmarkPepper measures the time that a pepper adds to the verification of one key: the hash, without cache misses of
// another store. Rounds alternate; the figure is the median of 30 differences.
//
//	go test -run '^$' -bench Pepper ./keys
func BenchmarkPepper(b *testing.B) {
	const calls = 100_000
	verify := func(peppers ...keys.Pepper) func() float64 {
		r := open(b, keys.Config{Store: keys.NewMemoryStore(), Peppers: peppers})
		key, _ := issue(b, r, keys.Custom{})
		return func() float64 {
			began := time.Now()
			for range calls {
				if _, err := r.Verify(ctx, key); err != nil {
					b.Fatal(err)
				}
			}
			return float64(time.Since(began).Nanoseconds()) / calls
		}
	}
	bare, hot := verify(), verify(pepper("1"))
	var differences []float64
	for b.Loop() {
		differences = differences[:0]
		for range 30 {
			plain := bare()
			differences = append(differences, hot()-plain)
		}
	}
	slices.Sort(differences)
	b.ReportMetric(differences[15], "pepper-costs-ns")
	b.ReportMetric(0, "ns/op")
}
