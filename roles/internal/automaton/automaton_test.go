package automaton_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

type grants = []automaton.Grant

func allows(pattern string) automaton.Grant { return automaton.Grant{Pattern: pattern, Allowed: true} }
func denies(pattern string) automaton.Grant { return automaton.Grant{Pattern: pattern} }

// decide is the definition of a decision: deny wins, no match means no.
func decide(all grants, permission string) bool {
	allowed, denied := false, false
	for _, g := range all {
		if matches(strings.Split(g.Pattern, "/"), strings.Split(permission, "/")) {
			allowed, denied = allowed || g.Allowed, denied || !g.Allowed
		}
	}
	return allowed && !denied
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

func compile(t *testing.T, lists ...grants) automaton.DFA {
	t.Helper()
	d, overlap, err := automaton.Compile(lists, true, nil)
	require.NoError(t, err)
	require.Nil(t, overlap)
	return d
}

func TestDFA(t *testing.T) {
	d := compile(t, grants{allows("content/*/read"), denies("content/posts/**"), allows("a/**"), denies("a/b/*"), allows("exact/one")},
		grants{denies("exact/one"), allows("exact/two"), allows("a/b/c")})
	for _, permission := range []string{"content/pages/read", "a/b", "a/x/y/z", "a/b/c/d", "exact/two"} {
		require.True(t, d.Allows(permission), permission)
	}
	for _, permission := range []string{
		"content/posts/read", "content/pages/write", "content/pages", "content/pages/read/more", "a", "a/b/c", "exact/one", "exact", "exact/two/x",
		"", "/", "a/", "/a", "a//b", "a/..", "a/.", "a/*", "a/**", "a/b c", "a/" + strings.Repeat("x", 65), "a" + strings.Repeat("/a", 16),
	} {
		require.False(t, d.Allows(permission), permission)
	}
	require.True(t, d.Allows("a/"+strings.Repeat("x", 64)))
	require.True(t, d.Allows("a"+strings.Repeat("/a", 15)))
	empty := compile(t)
	require.False(t, empty.Allows("a"))
	require.False(t, new(automaton.DFA).Allows("a"))
}

// A random source of grants over a small alphabet, so that patterns overlap often.
type source struct{ *rand.Rand }

func newSource(t *testing.T) source {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return source{rand.New(rand.NewPCG(seed, 0))}
}

func (s source) grants(most int) (all grants) {
	known := map[string]bool{}
	for range s.IntN(most + 1) {
		segments := make([]string, 1+s.IntN(3))
		for i := range segments {
			segments[i] = []string{"*", "a", "b"}[s.IntN(3)]
		}
		if s.IntN(4) == 0 {
			segments[len(segments)-1] = "**"
		}
		if pattern := strings.Join(segments, "/"); !known[pattern] {
			known[pattern] = true
			all = append(all, automaton.Grant{Pattern: pattern, Allowed: s.IntN(4) > 0})
		}
	}
	return all
}

// universe has every permission of up to four segments over the alphabet and one segment that no grant names. Grants have
// up to three segments, so these decide every question.
func universe() (all []string) {
	level := []string{""}
	for range 4 {
		var next []string
		for _, prefix := range level {
			for _, segment := range []string{"a", "b", "other"} {
				all = append(all, prefix+segment)
				next = append(next, prefix+segment+"/")
			}
		}
		level = next
	}
	return all
}

func TestDFAAgreesWithDefinition(t *testing.T) {
	random, permissions := newSource(t), universe()
	for range 1000 {
		own, inherited := random.grants(6), random.grants(6)
		d, all := compile(t, own, inherited), slices.Concat(own, inherited)
		random.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
		shuffled := compile(t, inherited, own)
		for _, permission := range permissions {
			want := decide(all, permission)
			require.Equal(t, want, d.Allows(permission), "%v: %s", all, permission)
			require.Equal(t, want, shuffled.Allows(permission), "%v: %s", all, permission)
		}
	}
}

func TestQueryAgreesWithEnumeration(t *testing.T) {
	random, permissions := newSource(t), universe()
	found := 0
	for range 3000 {
		var lists [5]grants
		var q automaton.Query
		trie := func(i int) *automaton.Node {
			lists[i] = random.grants(5)
			return automaton.NewTrie(lists[i][:len(lists[i])/2], lists[i][len(lists[i])/2:])
		}
		q.Allow[0] = trie(0)
		for i := 1; i < 3; i++ {
			if random.IntN(3) == 0 {
				q.Allow[i] = trie(i)
			}
		}
		for i := range 2 {
			if random.IntN(2) == 0 {
				q.Except[i] = trie(3 + i)
			}
		}
		answers := func(permission string) bool {
			for i, root := range q.Allow {
				if root != nil && !decide(lists[i], permission) {
					return false
				}
			}
			excepted := q.Except[0] != nil || q.Except[1] != nil
			for i, root := range q.Except {
				excepted = excepted && (root == nil || decide(lists[3+i], permission))
			}
			return !excepted
		}
		first := slices.IndexFunc(permissions, answers)
		witness, ok, err := q.Find(nil)
		require.NoError(t, err)
		require.Equal(t, first >= 0, ok, "%v", lists)
		if !ok {
			require.Empty(t, witness)
			continue
		}
		found++
		require.True(t, answers(witness), "%v: %s", lists, witness)
		require.Equal(t, strings.Count(permissions[first], "/"), strings.Count(witness, "/"), "a shortest one")
	}
	require.Greater(t, found, 300)
	require.Less(t, found, 2700)
}

// Permissions have at most 16 segments. A longer one answers no query.
func TestQueryEndsWithTheLongestPermission(t *testing.T) {
	stars := strings.TrimSuffix(strings.Repeat("*/", 16), "/")
	for except, want := range map[string]bool{stars: false, stars[2:]: true} {
		q := automaton.Query{Allow: [3]*automaton.Node{automaton.Allowing(stars[:30] + "**")}}
		q.Except[0] = automaton.Allowing(except)
		_, found, err := q.Find(nil)
		require.NoError(t, err)
		require.Equal(t, want, found, except)
	}
	_, found, err := automaton.Query{Allow: [3]*automaton.Node{automaton.Everything, automaton.Nothing}}.Find(nil)
	require.NoError(t, err)
	require.False(t, found)
}

// Every error of the budget ends the work, and is returned instead of an answer.
func TestBudgetErrorsEndTheWork(t *testing.T) {
	patterns := grants{allows("a/*/c/**"), denies("*/b/*"), allows("a/b/*/d"), allows("x")}
	used := 0
	count := func(steps int) error { used += steps; return nil }
	_, _, err := automaton.Compile([]grants{patterns}, true, count)
	require.NoError(t, err)
	q := automaton.Query{Allow: [3]*automaton.Node{automaton.NewTrie(patterns)}, Except: [2]*automaton.Node{automaton.Allowing("a/**")}}
	_, found, err := q.Find(count)
	require.NoError(t, err)
	require.True(t, found)

	stop := errors.New("stop")
	for most := range used {
		left, calls := most, 0
		limited := func(steps int) error {
			if left -= steps; left < 0 {
				calls++
				return stop
			}
			return nil
		}
		_, overlap, err := automaton.Compile([]grants{patterns}, true, limited)
		require.Nil(t, overlap)
		if err == nil {
			_, found, err = q.Find(limited)
			require.False(t, found)
		}
		require.ErrorIs(t, err, stop, "%d of %d steps", most, used)
		require.Equal(t, 1, calls, "nothing more is done")
	}
}

// entangled makes random patterns of 16 segments: two thirds "*", the rest a, b or c.
func entangled(n int) (all grants) {
	random := rand.New(rand.NewPCG(1, 0))
	for range n {
		segments := slices.Repeat([]string{"*"}, 16)
		for i := range segments {
			if random.IntN(3) == 0 {
				segments[i] = string(rune('a' + random.IntN(3)))
			}
		}
		all = append(all, automaton.Grant{Pattern: strings.Join(segments, "/"), Allowed: random.IntN(2) == 0})
	}
	return all
}

func TestOverlap(t *testing.T) {
	patterns := entangled(100)
	steps := 0
	count := func(n int) error { steps += n; return nil }
	d, overlap, err := automaton.Compile([]grants{patterns}, true, count)
	require.NoError(t, err)
	require.Zero(t, d, "with strict there is no DFA")
	require.Less(t, steps, 2*automaton.MaxOverlap, "the work is bounded")
	named := overlap.Patterns()
	require.Greater(t, len(named), 1)
	for _, pattern := range named {
		require.True(t, slices.ContainsFunc(patterns, func(g automaton.Grant) bool { return g.Pattern == pattern }), pattern)
	}

	d, overlap, err = automaton.Compile([]grants{patterns}, false, nil)
	require.NoError(t, err)
	require.NotNil(t, overlap)
	random := rand.New(rand.NewPCG(2, 0))
	for range 2000 {
		segments := make([]string, 16)
		for i := range segments {
			segments[i] = string(rune('a' + random.IntN(4)))
		}
		permission := strings.Join(segments, "/")
		require.Equal(t, decide(patterns, permission), d.Allows(permission), permission)
	}
}

func TestAllowsDoesNotAllocate(t *testing.T) {
	d := compile(t, grants{allows("content/*/read"), denies("content/posts/**"), allows("exact/one")})
	for _, permission := range []string{"content/pages/read", "exact/one", "absent", "a//b"} {
		require.Zero(t, testing.AllocsPerRun(100, func() { d.Allows(permission) }), permission)
	}
}

func ExampleQuery() {
	held := automaton.NewTrie(grants{allows("content/*/read"), denies("content/posts/read")})
	wanted := automaton.Allowing("content/*/read")
	q := automaton.Query{Allow: [3]*automaton.Node{wanted}, Except: [2]*automaton.Node{held}}
	fmt.Println(q.Find(nil))
	// Output: content/posts/read true <nil>
}
