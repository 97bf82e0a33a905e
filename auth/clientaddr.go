package auth

import (
	"net/http"
	"net/netip"
)

// An origin is where a request came from: a request to ask Config.ClientAddr about, or an address.
type origin struct {
	request *http.Request
	addr    netip.Addr
}

func (o origin) peer(g *Guard) netip.Addr {
	if o.request == nil {
		return o.addr
	}
	return g.c.ClientAddr(o.request)
}

// ClientAddr says who the peer is, as Config.ClientAddr does: for what else a host writes down, such as an audit log.
func (g *Guard) ClientAddr(r *http.Request) netip.Addr { return g.c.ClientAddr(r) }

// remoteAddr is the default of Config.ClientAddr: the host of r.RemoteAddr, which net/http sets from the
// connection. It is the zero Addr if that is no address, as on a Unix socket. Behind a proxy it is the proxy.
func remoteAddr(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap()
	}
	addr, err := netip.ParseAddr(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
