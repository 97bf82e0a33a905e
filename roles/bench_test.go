package roles_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/roles"
)

// limit is the least code, written by hand, that decides as a policy does: a map of roles behind an atomic
// pointer, a map of literal grants for each role, and a set of bits over its patterns for each segment. It
// refuses what is malformed, but knows no denies, no inheritance and no tails longer than the pattern's place.
type limit struct {
	roles atomic.Pointer[map[string]*limitRole]
}

type limitRole struct {
	literal map[string]struct{}
	named   []map[string][]uint64 // by place of the segment: which patterns want this one
	any     [][]uint64            // ... take any
	ends    [][]uint64            // by number of segments: which patterns may end here
}

func newLimit(rs []roles.Role) *limit {
	all := map[string]*limitRole{}
	for _, r := range rs {
		lr := &limitRole{literal: map[string]struct{}{}}
		var patterns []string
		for p := range r.Permissions {
			if strings.Contains(p, "*") {
				patterns = append(patterns, p)
			} else {
				lr.literal[p] = struct{}{}
			}
		}
		words := (len(patterns) + 63) / 64
		longest := 0
		for _, p := range patterns {
			longest = max(longest, strings.Count(p, "/")+2)
		}
		for place := range longest {
			named, anyOf, ends := map[string][]uint64{}, make([]uint64, words), make([]uint64, words)
			for n, p := range patterns {
				segments := strings.Split(p, "/")
				tail := segments[len(segments)-1] == "**"
				set := func(bits []uint64) { bits[n/64] |= 1 << (n % 64) }
				switch {
				case place < len(segments) && segments[place] != "*" && segments[place] != "**":
					if named[segments[place]] == nil {
						named[segments[place]] = make([]uint64, words)
					}
				case place < len(segments) || tail:
					set(anyOf)
				}
				if place+1 == len(segments) || tail && place >= len(segments) {
					set(ends)
				}
			}
			for n, p := range patterns {
				segments := strings.Split(p, "/")
				for name, bits := range named {
					if place < len(segments) && (segments[place] == name) || anyOf[n/64]>>(n%64)&1 != 0 {
						bits[n/64] |= 1 << (n % 64)
					}
				}
			}
			lr.named, lr.any, lr.ends = append(lr.named, named), append(lr.any, anyOf), append(lr.ends, ends)
		}
		all[r.AppID] = lr
	}
	l := &limit{}
	l.roles.Store(&all)
	return l
}

func (l *limit) Allows(role, permission string) bool {
	r := (*l.roles.Load())[role]
	if r == nil || len(permission) > 1039 {
		return false
	}
	if _, ok := r.literal[permission]; ok {
		return true
	}
	if len(r.any) == 0 {
		return false
	}
	words := len(r.any[0])
	var live [16]uint64 // 1,024 patterns
	for i := range words {
		live[i] = ^uint64(0)
	}
	for n := range 16 {
		place := min(n, len(r.any)-1) // further on, only tails are left
		i := 0
		for i < len(permission) && limitBytes[permission[i]] {
			i++
		}
		segment := permission[:i]
		if i == 0 || i > 64 || segment == "." || segment == ".." || i < len(permission) && permission[i] != '/' {
			return false
		}
		bits, ok := r.named[place][segment]
		if !ok {
			bits = r.any[place]
		}
		some := uint64(0)
		for w := range words {
			live[w] &= bits[w]
			some |= live[w]
		}
		if some == 0 {
			return false
		}
		if i == len(permission) {
			for w := range words {
				if live[w]&r.ends[place][w] != 0 {
					return true
				}
			}
			return false
		}
		permission = permission[i+1:]
	}
	return false
}

var limitBytes = func() (in [256]bool) {
	for _, b := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:@") {
		in[b] = true
	}
	return in
}()

// manyRoles makes roles of a headless CMS: for each ten grants seven exact ones, two with a star and one with a
// tail. All roles share the texts of their grants in memory, so that the limit gains by it as the policy does.
func manyRoles(n, grants int) []roles.Role {
	texts := make([]string, grants)
	for j := range texts {
		switch j % 10 {
		case 7:
			texts[j] = fmt.Sprintf("content/*/verb%d", j)
		case 8:
			texts[j] = fmt.Sprintf("assets/folder%d/*", j)
		case 9:
			texts[j] = fmt.Sprintf("pages/model%d/**", j)
		default:
			texts[j] = fmt.Sprintf("content/model%d/read", j)
		}
	}
	rs := make([]roles.Role, n)
	for i := range rs {
		g := make(roles.Grants, grants)
		for _, text := range texts {
			g[text] = true
		}
		rs[i] = roles.Role{AppID: fmt.Sprintf("role-%d", i), Permissions: g}
	}
	return rs
}

// queries asks every role in turn for something of this class.
func queries(class string, n, grants int) (rolesOf, permissions []string) {
	for i := range 4096 {
		j := i * 10 % grants
		rolesOf = append(rolesOf, fmt.Sprintf("role-%d", i*7919%n))
		permissions = append(permissions, map[string]string{
			"exact": fmt.Sprintf("content/model%d/read", j+i%7),
			"star":  fmt.Sprintf("content/model%d/verb%d", i, j+7),
			"tail":  fmt.Sprintf("pages/model%d/%d/edit", j+9, i),
			"miss":  fmt.Sprintf("content/model%d/absent%d", j, i%5),
		}[class])
	}
	return rolesOf, permissions
}

var (
	classes = []string{"exact", "star", "tail", "miss"}
	sizes   = [][2]int{{10, 10}, {10, 1000}, {10_000, 10}}
)

func TestLimitDecidesTheSame(t *testing.T) {
	for _, size := range sizes[:2] {
		rs := manyRoles(size[0], size[1])
		l, p := newLimit(rs), roles.MustCompile(rs...)
		for _, class := range classes {
			who, what := queries(class, size[0], size[1])
			for i := range who {
				if got, want := l.Allows(who[i], what[i]), class != "miss"; got != want || p.Allows(who[i], what[i]) != want {
					t.Fatalf("%s: %s: limit %v, policy %v, want %v", class, what[i], got, !got, want)
				}
			}
		}
	}
}

type decider interface {
	Allows(role, permission string) bool
}

func BenchmarkAllows(b *testing.B) {
	for _, size := range sizes {
		rs := manyRoles(size[0], size[1])
		for _, c := range []struct {
			name string
			decider
		}{{"limit", newLimit(rs)}, {"policy", roles.MustCompile(rs...)}} {
			for _, class := range classes {
				b.Run(fmt.Sprintf("%dx%d/%s/%s", size[0], size[1], class, c.name), func(b *testing.B) {
					who, what := queries(class, size[0], size[1])
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						if c.Allows(who[i&4095], what[i&4095]) == (class == "miss") {
							b.Fatal("wrong answer")
						}
						i++
					}
				})
			}
		}
	}
}

// The time of a decision grows with the length of what is asked for, whatever that is and whatever the grants
// are: here all that a role of 160 patterns, entangled over 16 segments on purpose, can be asked.
func BenchmarkAllowsWorst(b *testing.B) {
	g := roles.Grants{}
	for i := range 8 {
		for j := range 20 {
			segments := slices.Repeat([]string{"*"}, 16)
			segments[i], segments[8+i] = fmt.Sprintf("s%d", j), fmt.Sprintf("t%d-%d", i, j)
			g[strings.Join(segments, "/")] = true
		}
	}
	p := roles.MustCompile(roles.Role{AppID: "r", Permissions: g})
	for _, n := range []int{2, 4, 8, 16} {
		permission := strings.TrimSuffix(strings.Repeat("s1/", n), "/")
		b.Run(fmt.Sprintf("segments=%d", n), func(b *testing.B) {
			for b.Loop() {
				p.Allows("r", permission)
			}
		})
	}
	for _, n := range []int{1 << 10, 1 << 20} {
		permission := strings.Repeat("a", n)
		b.Run(fmt.Sprintf("one-segment-of=%d", n), func(b *testing.B) {
			for b.Loop() {
				p.Allows("r", permission)
			}
		})
	}
}

var table = flag.Bool("table", false, "print the table of decisions against the hand-written limit (takes about a minute)")

// TestTable prints what README shows. Rounds take turns; figures are medians of six.
func TestTable(t *testing.T) {
	if !*table {
		t.Skip("run with -table")
	}
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	type cell struct{ size, class, contender int }
	times := map[cell][]float64{}
	for s, size := range append(slices.Clone(sizes), [2]int{10_000, 1000}) {
		if s == 3 && testing.Short() {
			break
		}
		rs := manyRoles(size[0], size[1])
		var contenders []decider
		if s < 3 {
			contenders = append(contenders, newLimit(rs))
		} else {
			contenders = append(contenders, nil) // its maps would take all memory
		}
		start := time.Now()
		contenders = append(contenders, roles.MustCompile(rs...))
		t.Logf("%d roles x %d grants: compiled in %v", size[0], size[1], time.Since(start).Round(time.Millisecond))
		for range 6 {
			for k, class := range classes {
				who, what := queries(class, size[0], size[1])
				for c, d := range contenders {
					if d == nil {
						continue
					}
					const n = 1 << 20
					start := time.Now()
					for i := range n {
						d.Allows(who[i&4095], what[i&4095])
					}
					times[cell{s, k, c}] = append(times[cell{s, k, c}], float64(time.Since(start).Nanoseconds())/n)
				}
			}
		}
	}
	median := func(c cell) float64 {
		if len(times[c]) == 0 {
			return 0
		}
		slices.Sort(times[c])
		return (times[c][2] + times[c][3]) / 2
	}
	t.Log("| roles x grants | class | limit, ns | Allows, ns | ratio |")
	for s, size := range append(slices.Clone(sizes), [2]int{10_000, 1000}) {
		for k, class := range classes {
			l, p := median(cell{s, k, 0}), median(cell{s, k, 1})
			switch {
			case p == 0: // left out
			case l == 0:
				t.Logf("| %d x %d | %s | – | %.1f | – |", size[0], size[1], class, p)
			default:
				t.Logf("| %d x %d | %s | %.1f | %.1f | %.2f |", size[0], size[1], class, l, p, p/l)
			}
		}
	}
}
