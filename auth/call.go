package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
)

// A Call is a request that is not one of net/http: a gRPC or MCP call, a message of a queue.
type Call struct {
	Header     http.Header       // or metadata, with names in any case
	Query      string            // as in a URL, without "?"; usually ""
	Peer       netip.Addr        // who sent it; the zero Addr is unknown
	Operation  string            // for events and Config.Limit, such as "/shop.Orders/Get": never a text of the client
	Permission string            // what the operation needs, with {name}s; "" decides as Check does
	Values     map[string]string // of the {name}s: never join strings instead, or a client makes another permission of them
}

// CheckCall decides on a call as Handle does on a request: with one event, and Config's SignedIn, ClientAddr and Limit,
// which receive a POST to Operation that has the call's header. Its error is a *[Refusal]. It reads the call alone, and not
// a principal in ctx: on a connection that many calls share, each is judged by its own credential.
//
// Handlers get the principal by [NewContext]. Do not keep that context for later calls; see [PrincipalFrom].
func (g *Guard) CheckCall(ctx context.Context, c Call) (Principal, error) {
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: c.Operation, RawQuery: c.Query}, Pattern: c.Operation, Header: http.Header{},
	}
	if c.Peer.IsValid() {
		r.RemoteAddr = c.Peer.String()
	}
	for name, values := range c.Header {
		name = http.CanonicalHeaderKey(name)
		r.Header[name] = append(r.Header[name], values...)
	}
	r = r.WithContext(ctx)
	p, refusal := g.authenticate(r)
	if c.Permission == "" {
		p, refusal = admitted(p, refusal)
	} else if refusal == nil {
		refusal = g.allowsCall(p, &c)
	}
	return g.checked(r, p, c.Permission, refusal)
}

func (g *Guard) allowsCall(p Principal, c *Call) *Refusal {
	t, err := parseTemplate(c.Permission)
	if err != nil {
		return &Refusal{Status: http.StatusInternalServerError, Reason: ReasonInternalError, cause: err}
	}
	permission, empty, ok := t.fill(nil, func(_ *http.Request, name string) string { return c.Values[name] })
	if ok {
		return g.allows(p, permission)
	}
	if _, sent := c.Values[empty]; empty != "" && !sent {
		err := fmt.Errorf("auth: permission %q: there is no value for {%s} in Call.Values", t.text, empty)
		return &Refusal{Status: http.StatusInternalServerError, Reason: ReasonNoPathValue, cause: err}
	}
	return t.refuseValue(p)
}
