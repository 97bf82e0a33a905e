package roles_test

import (
	"strings"
	"sync/atomic"
	"testing"

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
