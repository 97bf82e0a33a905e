package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}

// sent is a request from an address with these lines of one header.
func sent(from, header string, lines ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = from
	r.Header[http.CanonicalHeaderKey(header)] = lines
	return r
}

func TestForwardedFor(t *testing.T) {
	for _, c := range []struct {
		about, from string
		lines       []string
		want        string
	}{
		{"one proxy", "10.0.0.1:5", []string{"192.0.2.7"}, "192.0.2.7"},
		{"what the client sent is further left", "10.0.0.1:5", []string{"10.9.9.9, 198.51.100.1, 192.0.2.7"}, "192.0.2.7"},
		{"two proxies", "10.0.0.1:5", []string{"198.51.100.1, 192.0.2.7, 10.0.0.2"}, "192.0.2.7"},
		{"in several lines", "10.0.0.1:5", []string{"198.51.100.1", "192.0.2.7", "10.0.0.2"}, "192.0.2.7"},
		{"no proxy: the header is the client's", "192.0.2.9:5", []string{"198.51.100.1"}, "192.0.2.9"},
		{"a port", "10.0.0.1:5", []string{"192.0.2.7:4711"}, "192.0.2.7"},
		{"IPv6", "[2001:db8:1::1]:5", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 with a port", "10.0.0.1:5", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"mapped", "[::ffff:10.0.0.1]:5", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		{"a request of the proxy's own network", "10.0.0.1:5", []string{"10.0.0.3"}, "10.0.0.3"},
		{"no header", "10.0.0.1:5", nil, "invalid IP"},
		{"an empty header", "10.0.0.1:5", []string{""}, "invalid IP"},
		{"no address", "10.0.0.1:5", []string{"192.0.2.7, unknown"}, "invalid IP"},
		{"no address behind a proxy", "10.0.0.1:5", []string{"192.0.2.7, evil, 10.0.0.2"}, "invalid IP"},
		{"a Unix socket", "@", []string{"192.0.2.7"}, "invalid IP"},
	} {
		got := auth.ForwardedFor(proxies...)(sent(c.from, "X-Forwarded-For", c.lines...))
		require.Equal(t, c.want, got.String(), c.about)
	}
}

// A client cannot write itself into a key's AllowedIPs.
func TestASpoofedAddressIsNotAllowed(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.ClientAddr = auth.ForwardedFor(proxies...) })
	key := w.custom(keys.Custom{Name: "office", Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("10.0.0.0/8")}})
	for lines, want := range map[string]int{
		"198.51.100.9":                 200, // the proxy saw the office
		"198.51.100.9, 192.0.2.7":      401, // the client says that it is the office
		"198.51.100.9|192.0.2.7":       401,
		"192.0.2.7, 10.0.0.2":          401,
		"10.0.0.3, 192.0.2.7,10.0.0.2": 401,
		"":                             401,
	} {
		r := sent("10.0.0.1:5", "X-Forwarded-For", strings.Split(lines, "|")...)
		r.Header.Set("api-key", key)
		require.Equal(t, want, serve(w.guard.Require("content/posts/create", who), r).StatusCode, lines)
	}
}

func FuzzForwardedFor(f *testing.F) {
	f.Add("198.51.100.1, ", "192.0.2.7")
	f.Fuzz(func(t *testing.T, client, real string) {
		addr, err := netip.ParseAddr(real)
		if err != nil || addr.Zone() != "" || proxies[0].Contains(addr.Unmap()) || proxies[1].Contains(addr) {
			return
		}
		// Whatever the client sends, the proxy's entry decides.
		require.Equal(t, addr.Unmap(), auth.ForwardedFor(proxies...)(sent("10.0.0.1:5", "X-Forwarded-For", client, real)))
	})
}
