package auth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ForwardedFor returns a [Config.ClientAddr] for a program behind proxies whose addresses are in trusted. It reads the
// header X-Forwarded-For from the right: each trusted proxy has added the address that it got the request from, so the
// first address that is not trusted is the client's. What stands further left came from the client and may be a lie. A
// request that no trusted proxy sent is its sender's. The client is unknown, the zero Addr, if a trusted proxy sent no
// header, or an entry is no address.
func ForwardedFor(trusted ...netip.Prefix) func(*http.Request) netip.Addr {
	known := func(addr netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(network netip.Prefix) bool { return network.Contains(addr) })
	}
	return func(r *http.Request) netip.Addr {
		addr := remoteAddr(r)
		hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
		for i := len(hops) - 1; i >= 0 && known(addr); i-- {
			addr = hopAddr(hops[i])
		}
		return addr
	}
}

// hopAddr reads an address with or without a port, as proxies write it: 192.0.2.1:80, [2001:db8::1]:80, [2001:db8::1].
func hopAddr(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap()
	}
	addr, _ := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return addr.Unmap()
}
