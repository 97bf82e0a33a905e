package auth

import "net/http"

// CheckMessage finds out who sends a message over a connection that r opened, such as a websocket, where
// browsers cannot set headers. shown holds what the message shows in place of headers, under canonical names as
// http.Header.Add makes them. It is judged like the headers of a request from r's peer: Config's Limit is asked and
// its Observe hears, with r. If it shows nothing, the answer is the caller that r's context carries, asked for
// again as by [Recheck]; credentials both in r and in the message are refused with 400. The error is a *[Refusal], also
// for somebody who shows nothing while the public API is closed.
func (g *Guard) CheckMessage(r *http.Request, shown http.Header) (Principal, error) {
	p, refusal := g.messagePrincipal(r, shown)
	event := Event{Outcome: OutcomePassed}
	if refusal != nil {
		event, p = refusedEvent(refusal), Principal{}
	}
	if !g.report(r, nil, event, p) {
		return Principal{}, refusePanic.asError()
	}
	g.used(p)
	return p, refusal.asError()
}

func (g *Guard) messagePrincipal(r *http.Request, shown http.Header) (p Principal, refusal *Refusal) {
	defer func() {
		if recover() != nil { // what host code panics with may hold anything: it is not passed on
			p, refusal = Principal{}, refusePanic
		}
	}()
	ctx := r.Context()
	strict := g.extractor
	strict.firstWins = false // that is for requests: who takes the key out of a message looks for one
	found, refusal := strict.extract(shown, "")
	if !canonical(shown) {
		refusal = refuseMisspelt
	}
	if refusal != nil {
		return Principal{}, refusal
	}
	if a := g.stateOf(ctx); a == nil {
		p, refusal = g.identify(ctx, r.Header, r.URL.RawQuery, origin{request: r})
	} else if p = a.principal; found.source == 0 {
		p, refusal = g.recheck(ctx, p, a.origin(g))
	}
	switch {
	case refusal != nil:
	case found.source == 0 && p.Kind() == KindNone:
		refusal = refuseMissing
	case found.source != 0 && !p.key.IsZero():
		refusal = refuseAmbiguous
	case found.source != 0:
		p, refusal = g.identify(ctx, shown, "", origin{request: r})
	}
	if refusal == nil {
		refusal = g.limit(r, p)
	}
	if refusal != nil {
		return Principal{}, refusal
	}
	return p, nil
}

// canonical reports whether no carrier's name stands in h in another spelling than the one that is looked for.
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
