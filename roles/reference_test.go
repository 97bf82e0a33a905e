package roles_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-go/latchkey/roles"
)

// reference is the policy in about thirty lines: what a role may do, by the rules as they are written in the
// package's documentation, without any thought of speed. It shares no code with the package.
func reference(rs map[string]roles.Role, appid, permission string) bool {
	segments := strings.Split(permission, "/")
	for _, s := range segments {
		if s == "" || s == "." || s == ".." || len(s) > 64 || strings.Trim(s, segmentBytes) != "" {
			return false
		}
	}
	allowed, denied := votes(rs, appid, segments)
	return len(segments) <= 16 && (allowed && !denied || appid == "admin")
}

// segmentBytes are listed, not computed. Trimming them from both ends leaves anything else that is there.
const segmentBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:@"

// votes is what a role and all above it say, each voice heard.
func votes(rs map[string]roles.Role, appid string, permission []string) (allowed, denied bool) {
	for pattern, value := range rs[appid].Permissions {
		if matches(strings.Split(pattern, "/"), permission) {
			allowed, denied = allowed || value, denied || !value
		}
	}
	for _, parent := range rs[appid].Inherits {
		a, d := votes(rs, parent, permission)
		allowed, denied = allowed || a, denied || d
	}
	return allowed, denied
}

func matches(pattern, permission []string) bool {
	switch {
	case len(pattern) == 0 || len(permission) == 0:
		return len(pattern) == len(permission)
	case pattern[0] == "**":
		return true
	}
	return (pattern[0] == "*" || pattern[0] == permission[0]) && matches(pattern[1:], permission[1:])
}

// A world makes random roles over a small alphabet, so that patterns meet often.
type world struct{ *rand.Rand }

func newWorld(t testing.TB) world {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return world{rand.New(rand.NewPCG(seed, 0))}
}

func (w world) pattern(depth int, alphabet ...string) string {
	var segments []string
	for range 1 + w.IntN(depth) {
		segments = append(segments, alphabet[w.IntN(len(alphabet))])
	}
	if w.IntN(4) == 0 {
		segments[len(segments)-1] = "**"
	}
	return strings.Join(segments, "/")
}

func (w world) grants(most, depth int, alphabet ...string) roles.Grants {
	g := roles.Grants{}
	for range w.IntN(most + 1) {
		g[w.pattern(depth, alphabet...)] = w.IntN(4) > 0
	}
	return g
}

// roles makes n roles that may inherit from those before them.
func (w world) roles(n, most, depth int, alphabet ...string) []roles.Role {
	rs := make([]roles.Role, n)
	for i := range rs {
		rs[i] = roles.Role{AppID: fmt.Sprintf("r%d", i), Permissions: w.grants(most, depth, alphabet...)}
		for range w.IntN(3) {
			if i > 0 {
				rs[i].Inherits = append(rs[i].Inherits, fmt.Sprintf("r%d", w.IntN(i)))
			}
		}
	}
	return rs
}

// permission makes one that is mostly well formed.
func (w world) permission(depth int) string {
	if w.IntN(20) == 0 {
		odd := []string{"", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "*", "a/*", "**", "a/**", "a b", "a\x00", "ä", "a/{b}",
			strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a/", 15) + "a", strings.Repeat("a/", 16) + "a"}
		return odd[w.IntN(len(odd))]
	}
	alphabet := []string{"a", "b", "c", "d", "zz"}
	var segments []string
	for range 1 + w.IntN(depth) {
		segments = append(segments, alphabet[w.IntN(len(alphabet))])
	}
	return strings.Join(segments, "/")
}

func byAppID(rs []roles.Role) map[string]roles.Role {
	m := map[string]roles.Role{}
	for _, r := range rs {
		m[r.AppID] = r
	}
	return m
}

// Over 100,000 decisions about random roles agree with the reference, by Allows and by Explain, whatever the
// order in which the roles are given.
func TestAllowsAgreesWithReference(t *testing.T) {
	w := newWorld(t)
	cases, allowed := 0, 0
	for cases < 120_000 {
		depth := 1 + w.IntN(5)
		rs := w.roles(1+w.IntN(5), w.IntN(8), depth, "*", "*", "a", "b", "c", "d")
		table := byAppID(rs)
		policy := roles.MustCompile(rs...)
		w.Shuffle(len(rs), func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
		shuffled := roles.MustCompile(rs...)
		for range 100 {
			appid, permission := fmt.Sprintf("r%d", w.IntN(len(rs))), w.permission(depth+1)
			if w.IntN(50) == 0 {
				appid = []string{"admin", "ADMIN", "ghost", "", "R0"}[w.IntN(5)]
			}
			want := reference(table, appid, permission)
			got, again, why := policy.Allows(appid, permission), shuffled.Allows(appid, permission), policy.Explain(appid, permission)
			if got != want || again != want || why.Allowed != want {
				t.Fatalf("%v\nAllows(%q, %q) = %v, in another order %v, explained %v; want %v", rs, appid, permission, got, again, why, want)
			}
			if why != shuffled.Explain(appid, permission) {
				t.Fatalf("%v: %v in one order, %v in another", rs, why, shuffled.Explain(appid, permission))
			}
			if why.Grant != "" && !roles.Match(why.Grant, permission) || (why.Grant == "") != (why.Reason != roles.ReasonGranted && why.Reason != roles.ReasonDenied) {
				t.Fatalf("%v: Explain(%q, %q) = %+v", rs, appid, permission, why)
			}
			cases++
			if want {
				allowed++
			}
		}
	}
	t.Logf("%d cases, %d allowed", cases, allowed)
	if allowed < cases/20 {
		t.Error("hardly anything was allowed: the test says little")
	}
}

// Patterns entangled over many segments are split into several automata; the verdicts stay the same.
func TestEntangledPatternsAgreeWithReference(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		g := roles.Grants{}
		alphabet := []string{"a", "b", "c", "d"}
		for range 150 {
			segments := slices.Repeat([]string{"*"}, 16)
			segments[w.IntN(8)] = alphabet[w.IntN(4)]
			segments[8+w.IntN(8)] = alphabet[w.IntN(4)]
			segments[8+w.IntN(8)] = alphabet[w.IntN(4)]
			g[strings.Join(segments, "/")] = w.IntN(8) > 0
		}
		rs := []roles.Role{{AppID: "r", Permissions: g}}
		policy := roles.MustCompile(rs...)
		table, allowed := byAppID(rs), 0
		for range 300 {
			segments := make([]string, 16)
			for i := range segments {
				segments[i] = append(alphabet, "zz", "zz", "zz", "zz", "zz", "zz")[w.IntN(10)]
			}
			permission := strings.Join(segments, "/")
			want := reference(table, "r", permission)
			if policy.Allows("r", permission) != want {
				t.Fatalf("%v\nAllows(%q) = %v", g, permission, !want)
			}
			if want {
				allowed++
			}
		}
		t.Logf("%d of 300 allowed", allowed)
	}
}

func FuzzAllows(f *testing.F) {
	f.Add("content/*/read", true, "content/posts/**", false, "content/posts/read")
	f.Add("**", true, "a/..", false, "a/..")
	f.Add("a", true, "*", false, "a")
	f.Add("a//b", true, "*/*/*", true, "a//b")
	f.Add("*/*/x", true, "*/y/**", false, strings.Repeat("a/", 16)+"x")
	f.Fuzz(func(t *testing.T, p string, allowP bool, q string, allowQ bool, permission string) {
		r := roles.Role{AppID: "r", Permissions: roles.Grants{p: allowP, q: allowQ}}
		policy, err := roles.Compile(r)
		if valid := roles.ValidPattern(p) && roles.ValidPattern(q); valid != (err == nil) {
			t.Fatalf("Compile(%v): %v", r.Permissions, err)
		}
		if err != nil {
			return
		}
		if got, want := policy.Allows("r", permission), reference(map[string]roles.Role{"r": r}, "r", permission); got != want {
			t.Fatalf("%v: Allows(%q) = %v", r.Permissions, permission, got)
		}
		if got, want := policy.Allows(roles.Admin, permission), roles.ValidPermission(permission); got != want {
			t.Fatalf("admin: Allows(%q) = %v", permission, got)
		}
		for _, pattern := range []string{p, q} {
			want := roles.ValidPermission(permission) && matches(strings.Split(pattern, "/"), strings.Split(permission, "/"))
			if got := roles.Match(pattern, permission); got != want {
				t.Fatalf("Match(%q, %q) = %v", pattern, permission, got)
			}
		}
	})
}
