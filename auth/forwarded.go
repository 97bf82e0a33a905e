package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// ForwardedFor returns a [Config.ClientAddr] for a program behind proxies whose addresses are in trusted. It reads the
// header X-Forwarded-For from the right: each trusted proxy has added the address that it got the request from, so the
// first address that is not trusted is the client's. What stands further left came from the client and may be a lie. A
// request that no trusted proxy sent is its sender's. The client is unknown, the zero Addr, if a trusted proxy sent no
// header, or an entry is no address.
func ForwardedFor(trusted ...netip.Prefix) func(*http.Request) netip.Addr {
	return fromRight(trusted, func(r *http.Request) []string {
		return strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	})
}

// ForwardedIn is [ForwardedFor] for another header: Forwarded, as RFC 7239 section 4 has it, or the one in which a provider
// puts the address of the client alone, such as CF-Connecting-IP or X-Real-Ip, in place of what the client has sent.
func ForwardedIn(header string, trusted ...netip.Prefix) func(*http.Request) netip.Addr {
	header = http.CanonicalHeaderKey(header)
	return fromRight(trusted, func(r *http.Request) []string {
		values := r.Header[header]
		if header != "Forwarded" {
			return append([]string{""}, values...) // "": what is left of a trusted address is unknown
		}
		hops := splitUnquoted(strings.Join(values, ","), ',')
		for i, hop := range hops {
			hops[i] = ""
			for _, pair := range splitUnquoted(hop, ';') {
				if name, value, _ := strings.Cut(strings.TrimSpace(pair), "="); strings.EqualFold(name, "for") {
					hops[i] = strings.Trim(value, `"`)
				}
			}
		}
		return hops
	})
}

// splitUnquoted splits text at each separator that is not in a quoted string (RFC 9110 section 5.6.4). A string that does
// not end leaves nothing: a client's would turn inside out what proxies have quoted after it.
func splitUnquoted(text string, separator byte) []string {
	var parts []string
	begin, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			parts, begin = append(parts, text[begin:i]), i+1
		}
	}
	if quoted {
		return []string{""}
	}
	return append(parts, text[begin:])
}

// fromRight returns the first address that is not trusted: the sender's, then those of hops from the right.
func fromRight(trusted []netip.Prefix, hops func(*http.Request) []string) func(*http.Request) netip.Addr {
	known := func(addr netip.Addr) bool {
		for _, network := range trusted {
			if network.Contains(addr) {
				return true
			}
		}
		return false
	}
	return func(r *http.Request) netip.Addr {
		addr := remoteAddr(r)
		if !known(addr) {
			return addr
		}
		entries := hops(r)
		for i := len(entries) - 1; i >= 0; i-- {
			if addr = hopAddr(entries[i]); !known(addr) {
				return addr
			}
		}
		return addr // all are trusted: the furthest
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
