package pages

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// After the sign-in one goes to a page of ours or to the first one, whatever a link says.
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
		"/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example", "/content\r\nSet-Cookie: a=b", "/content\x00", "/content%", "http://[::1/content",
	} {
		require.Equal(t, home, local(other), "%q", other)
	}
}
