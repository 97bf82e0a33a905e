package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func TestWellFormed(t *testing.T) {
	seg64 := strings.Repeat("a", 64)
	for _, c := range []struct {
		text                string
		permission, pattern bool
	}{
		{"content/posts/read", true, true},
		{"a", true, true},
		{"app:logs@v1.2-x_Y", true, true},
		{"...", true, true},
		{".a/..b", true, true},
		{seg64, true, true},
		{strings.Repeat(seg64+"/", 15) + seg64, true, true},
		{strings.Repeat("a/", 15) + "a", true, true},
		{"*", false, true},
		{"**", false, true},
		{"content/*/read", false, true},
		{"content/**", false, true},
		{strings.Repeat("*/", 15) + "**", false, true},
		{strings.Repeat("*/", 16) + "**", false, false},
		{strings.Repeat("a/", 16) + "a", false, false},
		{seg64 + "a", false, false},
		{"**/a", false, false},
		{"a/**/b", false, false},
		{"a/***", false, false},
		{"a/b*", false, false},
		{"*a", false, false},
		{"", false, false},
		{"/", false, false},
		{"/a", false, false},
		{"a/", false, false},
		{"a//b", false, false},
		{".", false, false},
		{"..", false, false},
		{"a/./b", false, false},
		{"a/../b", false, false},
		{"a/..", false, false},
		{"a b", false, false},
		{"a\x00", false, false},
		{"a\n", false, false},
		{"ä", false, false},
		{"a/\xff", false, false},
		{"content/{model}/read", false, false},
		{"a?b", false, false},
		{`a\b`, false, false},
		{"a%2fb", false, false},
		{strings.Repeat("a/", 10_000) + "a", false, false},
	} {
		require.Equal(t, c.permission, roles.ValidPermission(c.text), "ValidPermission(%.80q)", c.text)
		require.Equal(t, c.pattern, roles.ValidPattern(c.text), "ValidPattern(%.80q)", c.text)
		require.Equal(t, c.permission && !strings.Contains(c.text, "/"), roles.ValidSegment(c.text), "ValidSegment(%.80q)", c.text)
	}
}

func TestValidAppID(t *testing.T) {
	for _, good := range []string{"editor", "Editor-2", "0", "a_b", "admin", strings.Repeat("a", 64)} {
		require.True(t, roles.ValidAppID(good), good)
	}
	for _, bad := range []string{"", " ", "-a", "_a", "a b", "a/b", "a.b", "ä", "a\n", "*", strings.Repeat("a", 65)} {
		require.False(t, roles.ValidAppID(bad), "%q", bad)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, permission string
		want                bool
	}{
		{"a/b", "a/b", true},
		{"a/*", "a/b", true},
		{"*/b", "a/b", true},
		{"**", "a", true},
		{"**", "a/b/c", true},
		{"a/**", "a/b", true},
		{"a/**", "a/b/c", true},
		{"*/**", "a/b", true},
		{"a/**", "a", false},
		{"*/**", "a", false},
		{"a/*", "a", false},
		{"a/*", "a/b/c", false},
		{"a/b", "a/b/c", false},
		{"a/b", "a", false},
		{"a/b", "A/b", false},
		{"a", "aa", false},
		{"aa", "a", false},
		{"*", "a/b", false},
		// What is malformed matches nothing, not even itself.
		{"**", "a//b", false},
		{"**", "", false},
		{"**", "*", false},
		{"a/*", "a/*", false},
		{"a/*", "a/..", false},
		{"a//b", "a//b", false},
		{"", "", false},
		{"**/a", "b/a", false},
		{"**", strings.Repeat("a/", 16) + "a", false},
	} {
		require.Equal(t, c.want, roles.Match(c.pattern, c.permission), "Match(%q, %q)", c.pattern, c.permission)
	}
}
