package roles_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func rights(role string, scopes ...string) roles.Rights {
	return roles.Rights{Role: role, Scopes: scopes}
}

func TestCovers(t *testing.T) {
	p := roles.MustCompile(
		roles.Role{AppID: "nothing"},
		roles.Role{AppID: "denied", Permissions: roles.Grants{"a": true, "*": false}},
		roles.Role{AppID: "all", Permissions: roles.Grants{"**": true}},
		roles.Role{AppID: "all-but-users", Permissions: roles.Grants{"**": true, "app/users/**": false}},
		roles.Role{AppID: "content", Permissions: roles.Grants{"content/**": true}},
		roles.Role{AppID: "reader", Permissions: roles.Grants{"content/*/read": true}},
		roles.Role{AppID: "posts", Permissions: roles.Grants{"content/posts/*": true}},
		roles.Role{AppID: "posts-reader", Permissions: roles.Grants{"content/posts/read": true}},
		roles.Role{AppID: "reader-but-posts", Permissions: roles.Grants{"content/*/read": true, "content/posts/read": false}},
		roles.Role{AppID: "both", Inherits: []string{"reader", "posts"}},
		roles.Role{AppID: "one-or-more", Permissions: roles.Grants{"a/*": true, "a/*/**": true}},
		roles.Role{AppID: "tail", Permissions: roles.Grants{"a/**": true}},
		roles.Role{AppID: "deepest", Permissions: roles.Grants{strings.Repeat("*/", 15) + "*": true}},
		roles.Role{AppID: "deepest-tail", Permissions: roles.Grants{strings.Repeat("*/", 15) + "**": true}},
	)
	for _, c := range []struct {
		a, b roles.Rights
		want bool
	}{
		{rights("admin"), rights("all"), true},
		{rights("all"), rights("admin"), true},
		{rights("all-but-users"), rights("admin"), false},
		{rights("all-but-users"), rights("all"), false},
		{rights("all"), rights("all-but-users"), true},
		{rights("content"), rights("reader"), true},
		{rights("reader"), rights("content"), false},
		{rights("content"), rights("both"), true},
		{rights("both"), rights("reader"), true},
		{rights("both"), rights("posts"), true},
		{rights("reader"), rights("both"), false},
		{rights("reader"), rights("reader-but-posts"), true},
		{rights("reader-but-posts"), rights("reader"), false},
		{rights("reader-but-posts"), rights("posts-reader"), false},
		// Denies of the one who is handed rights count too.
		{rights("nothing"), rights("denied"), true},
		{rights("nothing"), rights("nothing"), true},
		{rights("nothing"), rights("posts-reader"), false},
		// Two patterns can add up to a third, and a tail at the last segment is a star.
		{rights("one-or-more"), rights("tail"), true},
		{rights("tail"), rights("one-or-more"), true},
		{rights("deepest"), rights("deepest-tail"), true},
		{rights("deepest-tail"), rights("deepest"), true},
		// Scopes narrow either side.
		{rights("posts-reader"), rights("content", "content/posts/read"), true},
		{rights("posts-reader"), rights("content", "content/posts/*"), false},
		{rights("content", "content/posts/read"), rights("posts-reader"), true},
		{rights("admin", "content/posts/read"), rights("reader"), false},
		{rights("reader"), rights("admin", "content/*/read"), true},
		{rights("reader", "content/a/*", "content/b/*"), rights("admin", "content/a/read", "content/b/read"), true},
		{rights("reader", "content/a/*"), rights("admin", "content/a/read", "content/b/read"), false},
		// What is malformed matches nothing, on either side.
		{rights("nothing"), rights("admin", "content//read", "**/x", ""), true},
		{rights("admin", "content//read"), rights("posts-reader"), false},
		// Who is not there may nothing.
		{rights("ghost"), rights("posts-reader"), false},
		{rights("ADMIN"), rights("posts-reader"), false},
		{rights(""), rights("posts-reader"), false},
		{rights("reader"), rights("ghost"), true},
		{rights("ghost"), rights("ghost"), true},
	} {
		require.Equal(t, c.want, p.Covers(c.a, c.b), "Covers(%v, %v)", c.a, c.b)
	}
	var none *roles.Policy
	require.False(t, none.Covers(rights("admin"), rights("nothing")), "no policy vouches for anything")
	require.False(t, none.Covers(rights("ghost"), rights("ghost")))
	require.False(t, none.Reaches(rights("admin"), "**"))
}

func TestReaches(t *testing.T) {
	p := roles.MustCompile(
		roles.Role{AppID: "reader-but-posts", Permissions: roles.Grants{"content/*/read": true, "content/posts/read": false}},
		roles.Role{AppID: "two", Permissions: roles.Grants{"content/*/read": true, "content/*/*": false, "x/**": true, "x/*": false}},
	)
	for _, c := range []struct {
		r       roles.Rights
		pattern string
		want    bool
	}{
		{rights("reader-but-posts"), "content/*/read", true},
		{rights("reader-but-posts"), "content/posts/read", false},
		{rights("reader-but-posts"), "content/posts/**", false},
		{rights("reader-but-posts"), "*/posts/*", false},
		{rights("reader-but-posts"), "**", true},
		{rights("reader-but-posts"), "content/*", false},
		{rights("reader-but-posts", "content/posts/*"), "**", false},
		{rights("reader-but-posts", "content/posts/*", "*/pages/read"), "**", true},
		{rights("reader-but-posts", "content//*"), "**", false},
		{rights("two"), "content/**", false},
		{rights("two"), "x/*", false},
		{rights("two"), "x/*/*", true},
		{rights("admin"), "anything/at/all", true},
		{rights("admin"), "a//b", false},
		{rights("admin"), "**/b", false},
		{rights("admin"), "", false},
		{rights("admin"), "content/{model}/read", false},
		{rights("ghost"), "**", false},
	} {
		require.Equal(t, c.want, p.Reaches(c.r, c.pattern), "Reaches(%v, %s)", c.r, c.pattern)
	}
}

// universe is every permission of up to depth segments over the alphabet and one segment that no pattern names.
func universe(depth int, alphabet ...string) []string {
	alphabet = append(alphabet, "unmentioned")
	all, level := []string{}, []string{""}
	for range depth {
		var next []string
		for _, prefix := range level {
			for _, segment := range alphabet {
				next = append(next, prefix+segment)
			}
		}
		all = append(all, next...)
		level = nil
		for _, p := range next {
			level = append(level, p+"/")
		}
	}
	return all
}

// Covers and Reaches agree with trying every permission. Patterns have up to three segments, so that
// permissions of up to four tell all they can do.
func TestCoversAgreesWithEnumeration(t *testing.T) {
	w := newWorld(t)
	permissions := universe(4, "a", "b")
	covered, not := 0, 0
	for range 1500 {
		rs := w.roles(3, 5, 3, "*", "a", "b")
		policy := roles.MustCompile(rs...)
		some := func() roles.Rights {
			r := rights(fmt.Sprintf("r%d", w.IntN(3)))
			for range w.IntN(3) * w.IntN(2) {
				r.Scopes = append(r.Scopes, append([]string{"bad//scope"}, w.pattern(3, "*", "a", "b"))[min(1, w.IntN(8))])
			}
			return r
		}
		allows := func(r roles.Rights, permission string) bool {
			inScope := len(r.Scopes) == 0 || slices.ContainsFunc(r.Scopes, func(s string) bool { return roles.Match(s, permission) })
			return inScope && policy.Allows(r.Role, permission)
		}
		for range 6 {
			a, b, pattern := some(), some(), w.pattern(3, "*", "a", "b")
			want, reaches := true, false
			for _, permission := range permissions {
				want = want && (!allows(b, permission) || allows(a, permission))
				reaches = reaches || allows(b, permission) && roles.Match(pattern, permission)
			}
			if got := policy.Covers(a, b); got != want {
				t.Fatalf("%v\nCovers(%v, %v) = %v", rs, a, b, got)
			}
			if got := policy.Reaches(b, pattern); got != reaches {
				t.Fatalf("%v\nReaches(%v, %s) = %v", rs, b, pattern, got)
			}
			if want {
				covered++
			} else {
				not++
			}
		}
	}
	t.Logf("%d pairs covered, %d not", covered, not)
	if min(covered, not) < 500 {
		t.Error("one answer hardly ever came up: the test says little")
	}
}

// Rights entangled on purpose end the search, on the safe side, in bounded time.
func TestCoversGivesUpSafely(t *testing.T) {
	entangled := func(tails string) roles.Grants {
		g := roles.Grants{}
		for i := range 8 {
			for j := range 10 {
				segments := slices.Repeat([]string{"*"}, 16)
				segments[i] = fmt.Sprintf("s%d", j)
				segments[8+i] = fmt.Sprintf("%s%d-%d", tails, i, j)
				g[strings.Join(segments, "/")] = true
			}
		}
		return g
	}
	p := roles.MustCompile(
		roles.Role{AppID: "a", Permissions: entangled("t")},
		roles.Role{AppID: "b", Permissions: entangled("t")},
		roles.Role{AppID: "c", Permissions: entangled("u")},
	)
	start := time.Now()
	require.False(t, p.Covers(rights("a"), rights("b")), "given up: denied")
	require.True(t, p.Reaches(rights("a"), strings.Repeat("*/", 8)+"z/**"), "given up: reported")
	t.Logf("took %v", time.Since(start))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	require.True(t, p.Covers(rights("admin"), rights("b")), "what is plain stays plain")
	require.False(t, p.Covers(rights("b"), rights("admin")))
}

// Large roles as people write them stay far below the bound.
func TestCoversLargeRoles(t *testing.T) {
	rs := manyRoles(2, 3000)
	more := rs[1]
	more.Permissions["content/model1/publish"] = true
	rs[1] = more
	p := roles.MustCompile(rs...)
	require.True(t, p.Covers(rights("role-1"), rights("role-0")))
	require.False(t, p.Covers(rights("role-0"), rights("role-1")))
	require.True(t, p.Covers(rights("role-0"), rights("role-0")))
}
