package pages

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// After the sign-in the target is a page of ours or the first page, for any link.
func TestWhereTheSignInLeadsTo(t *testing.T) {
	for _, ours := range []string{
		"/content", "/content/items/posts?page=2", "/content/item/posts/a%20b", "/accounts", "/accounts/user/x", "/password", "/system/api?q=a%2Fb#x", "/system/",
	} {
		require.Equal(t, ours, local(ours))
	}
	for _, other := range []string{
		"", "?x", "#x", "content", "/", "/contents", "/logout", "/login", "/api/pages/menus", "/passwords",
		"//evil.example", "///evil.example", "//evil.example/content", "//user@evil.example/content", "//content", "////content",
		"https://evil.example/content", "https:evil.example", "https:/content", "https:content", "HTTPS://evil.example", "javascript:alert(1)", "data:text/html,x",
		`/\evil.example`, `\\evil.example`, `\/evil.example`, `/content\..`, `/content/\evil.example`, "/%2Fevil.example", "%2F%2Fevil.example", "/%5Cevil.example", "%5C%5Cevil.example",
		// a browser leaves these folders, whatever a redirect cleans
		"/content/..", "/content/../api", "/content/../login", "/content/..//evil.example", "/content/../..//evil.example", "/content/./posts", "/content//evil.example", "/content//",
		"/content/%2e%2e/api", "/content/%2E%2E//evil.example", "/content/.%2e/api", "/content/%2e/posts", "/content/..%2f..%2fevil.example",
		"/content/%5Cevil.example", "/content/%5c..%5capi", "/%5cevil", "/%5c/evil", "/content/%00", "/content/%0d%0aSet-Cookie:a=b", "/content/%09", "/content/%7f", "/content/%C2%85", "/content/%ff",
		"/content\x7f", "/content\u0085", "/content\u2028", "/content/é", "/content/ x", "/content?a b", "/content?\x01", "/content#\x7f", "/content?\u202e",
		"/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example", "/content\r\nSet-Cookie: a=b", "/content\x00", "/content%", "http://[::1/content",
	} {
		require.Equal(t, home, local(other), "%q", other)
	}
}
