package auth

import "net/http"

// CheckMessage authenticates a message on a connection that r opened, such as a websocket, where browsers cannot set
// headers. header holds the message's credentials as headers, under canonical names as http.Header.Add makes them.
// They are checked like the headers of a request from r's address: Config's Limit and Observe are called with r.
// Without a credential in the message, the caller is the one in r's context, verified again as by [Recheck].
// Credentials both in r and in the message are refused with 400. The error is a *[Refusal], also for a caller without
// a credential while the public API is closed.
func (g *Guard) CheckMessage(r *http.Request, header http.Header) (Principal, error) {
	p, refusal := g.messagePrincipal(r, header)
	return g.checked(r, p, "", refusal)
}

// messagePrincipal returns the principal of a message.
func (g *Guard) messagePrincipal(r *http.Request, header http.Header) (p Principal, refusal *Refusal) {
	defer recovered(&p, &refusal)
	ctx := r.Context()
	strict := g.extractor
	strict.firstWins = false // that setting is for requests; a client puts one key into a message
	found, refusal := strict.extract(header, "")
	if !canonical(header) {
		refusal = refuseMisspelt
	}
	if refusal != nil {
		return Principal{}, refusal
	}
	if a := g.stateOf(ctx); a == nil {
		p, refusal = g.identify(r, r.Header, r.URL.RawQuery)
	} else if p = a.principal; found.source == 0 {
		p, refusal = g.recheck(ctx, p, a.sender(g))
	}
	switch {
	case refusal != nil:
	case found.source == 0 && p.Kind() == KindNone:
		refusal = refuseMissing
	case found.source != 0 && p.KeyID() != "":
		refusal = refuseAmbiguous
	case found.source != 0:
		p, refusal = g.identify(r, header, "")
	}
	return g.limit(r, p, refusal)
}

// canonical reports whether h has every source's name in its canonical spelling, which is the only one that extract
// reads.
func canonical(h http.Header) bool {
	for name := range h {
		switch c := http.CanonicalHeaderKey(name); c {
		case "Api-Key", "Api_key", "Authorization", "X-Api-Key":
			if c != name {
				return false
			}
		}
	}
	return true
}
