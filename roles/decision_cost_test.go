package roles

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"
)

// A savable is a role at the edge of what can be saved, with permissions of n segments that lead through it.
type savable struct {
	name string
	p    *Policy
	asks []string
	n    int
}

// savableRoles makes roles that are as large as the bound lets them be: patterns entangled at random, and patterns that
// share nothing.
func savableRoles(t *testing.T, n int) (all []savable) {
	w := rand.New(rand.NewPCG(uint64(n), 1))
	join := func(segment func(i int) string) string {
		var segments []string
		for i := range n {
			segments = append(segments, segment(i))
		}
		return strings.Join(segments, "/")
	}
	grow := func(name string, pattern func() string, asks func(Grants) []string) {
		patterns := make([]string, 4096)
		values := make([]bool, len(patterns))
		for i := range patterns {
			patterns[i], values[i] = pattern(), w.IntN(4) > 0
		}
		var last *Policy
		var g Grants
		sort.Search(len(patterns), func(i int) bool { // for the most that can be saved
			some := Grants{}
			for i, text := range patterns[:i+1] {
				some[text] = values[i]
			}
			p, err := (*Policy)(nil).With(Role{AppID: "r", Permissions: some})
			if err == nil && len(some) > len(g) {
				g, last = some, p
			}
			return err != nil
		})
		t.Logf("%s, %d segments: %d patterns", name, n, len(g))
		all = append(all, savable{name, last, asks(g), n})
	}
	for _, stars := range []int{1, 2, 4} { // of five segments
		grow(fmt.Sprintf("entangled, %d in 5 a star", stars), func() string {
			return join(func(int) string {
				if w.IntN(5) < stars {
					return "*"
				}
				return string(rune('a' + w.IntN(3)))
			})
		}, func(Grants) (asks []string) {
			for range 64 {
				asks = append(asks, join(func(int) string { return string(rune('a' + w.IntN(4))) }))
			}
			return asks
		})
	}
	grow("apart", func() string {
		return join(func(i int) string {
			if i == n-1 {
				return "*"
			}
			return fmt.Sprintf("s%d-%d", i, w.IntN(1<<(2*i+2)))
		})
	}, func(g Grants) (asks []string) {
		for text := range g {
			if asks = append(asks, strings.ReplaceAll(text, "*", "x")); len(asks) == 64 {
				break
			}
		}
		return asks
	})
	return all
}

// A decision about a role that can be saved looks up the whole permission and each segment, once.
func TestLookupsOfADecision(t *testing.T) {
	for _, n := range []int{3, 16} {
		for _, s := range savableRoles(t, n) {
			if s.p.roles["r"].over != nil {
				t.Errorf("%s, %d segments: several automata", s.name, n)
			}
			for _, permission := range s.asks {
				if looked := lookupsOf(func() { s.p.Allows("r", permission) }); looked > int64(2*n+2) {
					t.Errorf("%s: %d look-ups for %s", s.name, looked, permission)
				}
			}
		}
	}
}

// A decision about any role that can be saved takes at most twice as long as about a role with one pattern of as many
// segments. The shortest time of many rounds counts, and a busy machine may have several tries.
func TestTimeOfADecision(t *testing.T) {
	if testing.Short() || counting {
		t.Skip("measures time")
	}
	for _, n := range []int{3, 8, 16} {
		single := strings.Repeat("a/", n-1) + "*"
		one := savable{"one", MustCompile(Role{AppID: "r", Permissions: Grants{single: true}}), nil, n}
		for range 64 {
			one.asks = append(one.asks, strings.Repeat("a/", n-1)+"b")
		}
		for _, s := range savableRoles(t, n) {
			var took, unit time.Duration
			for try := range 20 {
				if took, unit = s.shortest(), one.shortest(); took <= 2*unit {
					t.Logf("%s, %d segments: %.2f × the time of one pattern (try %d)", s.name, n, float64(took)/float64(unit), try+1)
					break
				}
			}
			if took > 2*unit {
				t.Errorf("%s, %d segments: %v, one pattern takes %v", s.name, n, took/64, unit/64)
			}
		}
	}
}

func (s savable) shortest() time.Duration {
	best := time.Hour
	for range 300 {
		start := time.Now()
		for _, permission := range s.asks {
			s.p.Allows("r", permission)
		}
		best = min(best, time.Since(start))
	}
	return best
}
