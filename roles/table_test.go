package roles_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/roles"
)

var table = flag.Bool("table", false, "print the table of decisions against the hand-written limit (takes a minute)")

// TestTable prints what a decision costs, and how much of that is due to more grants and to more roles:
//
//	go test -v -run Table ./roles -table
//
// What is compared takes turns, so that a machine that slows down slows all of it: for the ratio, policy and limit
// of one size; for growth, the policies of all sizes, without the limit, whose many maps would push them out of
// the processor's cache. Times are medians of rounds; ratios are medians of the ratios round for round.
func TestTable(t *testing.T) {
	if !*table {
		t.Skip("run with -table")
	}
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	var policies, limits []decider
	for _, size := range sizes {
		rs := manyRoles(size[0], size[1])
		policies, limits = append(policies, roles.MustCompile(rs...)), append(limits, newLimit(rs))
	}
	const few, grants, many = 0, 1, 2 // places in sizes
	const rounds = 11
	rows := []string{"| roles x grants | class | limit, ns | Allows, ns | ratio |"}
	growth := []string{"| class | 1,000 grants / 10 grants | 10,000 roles / 10 roles |"}
	for _, class := range classes {
		var asked [3][2][]string
		for s, size := range sizes {
			asked[s][0], asked[s][1] = queries(class, size[0], size[1])
		}
		var grown [3][]float64
		for range rounds {
			for s, p := range policies {
				grown[s] = append(grown[s], decisionTime(p, asked[s][0], asked[s][1]))
			}
		}
		growth = append(growth, fmt.Sprintf("| %s | %.2f | %.2f |", class,
			medianRatio(grown[grants], grown[few]), medianRatio(grown[many], grown[few])))
		for s, size := range sizes {
			var policy, limit []float64
			for range rounds {
				policy = append(policy, decisionTime(policies[s], asked[s][0], asked[s][1]))
				limit = append(limit, decisionTime(limits[s], asked[s][0], asked[s][1]))
			}
			rows = append(rows, fmt.Sprintf("| %d x %d | %s | %.1f | %.1f | %.2f |", size[0], size[1], class,
				median(limit), median(policy), medianRatio(policy, limit)))
		}
	}
	if !testing.Short() {
		// Last and without the limit, whose maps for this would take all memory.
		const n, grants = 10_000, 1000
		rs := manyRoles(n, grants)
		start := time.Now()
		p := roles.MustCompile(rs...)
		t.Logf("%d roles x %d grants: compiled in %v", n, grants, time.Since(start).Round(time.Millisecond))
		for _, class := range classes {
			var times []float64
			for range 6 {
				who, what := queries(class, n, grants)
				times = append(times, decisionTime(p, who, what))
			}
			rows = append(rows, fmt.Sprintf("| %d x %d | %s | – | %.1f | – |", n, grants, class, median(times)))
		}
	}
	t.Log("\n" + strings.Join(slices.Concat(rows, []string{""}, growth), "\n"))
}

// decisionTime returns how many nanoseconds one of these decisions takes on average.
func decisionTime(d decider, who, what []string) float64 {
	const n = 1 << 18
	start := time.Now()
	for i := range n {
		d.Allows(who[i&4095], what[i&4095])
	}
	return float64(time.Since(start).Nanoseconds()) / n
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// medianRatio is the median of a/b, round for round.
func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}
