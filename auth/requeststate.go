package auth

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
)

// An attached is a request's context with its principal in it, and the response headers that the guard sets. Only
// told changes after it is made.
type requestState struct {
	context.Context
	principal Principal // nobody if the caller showed nothing and the public API is closed
	reported  atomic.Uint32
	stripped  bool      // next does not see the key that was shown
	values    [2]string // Vary and Cache-Control: of this request alone, so a handler may edit them in place
	// request carries the context; nil if NewContext made it. It is a pointer, though [Guard.attach] allocates both at
	// once: with a verb that does not fit, fmt prints the fields of a context that another context holds, and
	// would print the headers.
	request *http.Request
}

const (
	baseVary = "Api-Key, Authorization"
	noStore  = "no-store"
)

// What the observer has heard of a request so far.
const (
	reportedNothing uint32 = iota
	reportedAllowed
	reportedRefused
)

// A guardKey finds what a guard attached. Each guard sees its own.
type guardKey struct{ guard *Guard }

// anyGuard finds what the innermost guard attached.
type anyGuard struct{}

// String keeps the request, and the key in it, out of texts that print a context.
func (a *requestState) String() string { return "latchkey.Context" }

// Format is String, whatever the verb.
func (a *requestState) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.String()) }

// Value finds the attached itself, then what the context around it holds.
func (a *requestState) Value(key any) any {
	switch k := key.(type) {
	case guardKey:
		if a.principal.subject.guard == k.guard {
			return a
		}
	case anyGuard:
		return a
	}
	return a.Context.Value(key)
}

// attachedTo returns what this guard attached to ctx, or nil.
func (g *Guard) stateOf(ctx context.Context) *requestState {
	if a, ok := ctx.(*requestState); ok && a.principal.subject.guard == g { // the usual case: nothing in between
		return a
	}
	a, _ := ctx.Value(guardKey{g}).(*requestState)
	return a
}

// attach makes the request that next sees: r's copy with p in its context.
func (g *Guard) attach(r *http.Request, p Principal) *requestState {
	both := &struct {
		requestState
		own http.Request
	}{requestState: requestState{Context: r.Context(), principal: p}}
	a := &both.requestState
	a.request = &both.own
	*a.request = *r.WithContext(a) // the copy in between does not escape
	if g.c.StripCredentials && !p.key.IsZero() {
		a.stripped = g.strip(a.request)
	}
	return a
}

// setHeaders says that the answer depends on who asked. It adds to Vary, and comes before the handler, which
// may say otherwise. The values live in room, which belongs to this response alone.
func (g *Guard) setHeaders(h http.Header, room *[2]string) {
	*room = [2]string{cmp.Or(g.vary, baseVary), noStore}
	if before, ok := h["Vary"]; ok {
		h["Vary"] = append(slices.Clip(before), room[0])
	} else {
		h["Vary"] = room[0:1:1]
	}
	h["Cache-Control"] = room[1:2:2]
}

// prepare is setHeaders for a request on which a principal was found already. Usually a wrapper further out has
// set them. It could not if the host made the context with NewContext, and what it set is out of reach if a
// ResponseWriter in between, such as http.TimeoutHandler's, has headers of its own.
func (a *requestState) ensureHeaders(g *Guard, h http.Header) {
	if a.values[0] == "" || !slices.Contains(h["Vary"], a.values[0]) {
		g.setHeaders(h, new([2]string))
	}
}

// strip takes all keys away that were shown, if any was, without touching the maps of the request outside.
func (g *Guard) strip(r *http.Request) bool {
	if found, _ := g.extractor.extract(r.Header, r.URL.RawQuery); found.source == 0 {
		return false
	}
	r.Header = r.Header.Clone()
	delete(r.Header, "Api-Key")
	if g.c.Sources&SourceNonstandardXAPIKey != 0 {
		delete(r.Header, "X-Api-Key")
	}
	if values := r.Header["Authorization"]; values != nil {
		if _, what := g.extractor.authorization(values[0]); what == ours {
			delete(r.Header, "Authorization")
		}
	}
	if g.c.Sources&SourceInsecureQuery != 0 {
		stripQuery(r)
	}
	return true
}

func stripQuery(r *http.Request) {
	left := withoutParameter(r.URL.RawQuery, insecureQueryName)
	if left == r.URL.RawQuery {
		return
	}
	u := *r.URL
	u.RawQuery = left
	r.URL, r.RequestURI = &u, u.RequestURI()
	if r.Form != nil { // somebody outside has parsed it
		r.Form = maps.Clone(r.Form)
		delete(r.Form, insecureQueryName)
	}
}

// origin says where the request came from, as far as the context knows: one made by NewContext has no
// request of its own, but may come from one that has.
func (a *requestState) origin(g *Guard) origin {
	if a.request != nil {
		return origin{request: a.request}
	}
	if outer, ok := a.Context.Value(guardKey{g}).(*requestState); ok {
		return outer.origin(g)
	}
	return origin{}
}

// NewContext returns a context that carries p, for work that has no request of its own: the operations of a
// websocket, a job. The address that [Recheck] asks about is the one of the request that ctx comes from, if
// there is one. With nobody it returns ctx.
func NewContext(ctx context.Context, p Principal) context.Context {
	if p.subject == nil {
		return ctx
	}
	outer, ok := ctx.Value(anyGuard{}).(*requestState)
	return &requestState{Context: ctx, principal: p, stripped: ok && outer.stripped}
}

// PrincipalFrom returns the principal of the innermost guard that let this request through. It is false
// where there is none: no guard outside, or a caller who showed nothing while the public API is closed.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	a, ok := ctx.Value(anyGuard{}).(*requestState)
	if !ok || a.principal.Kind() == KindNone {
		return Principal{}, false
	}
	return a.principal, true
}

// PrincipalFrom is like the function of that name, for principals of this guard alone.
func (g *Guard) PrincipalFrom(ctx context.Context) (Principal, bool) {
	a := g.stateOf(ctx)
	if a == nil || a.principal.Kind() == KindNone {
		return Principal{}, false
	}
	return a.principal, true
}
