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

// A requestState is a request's context with its principal in it, and the response headers that the guard sets. Only
// reported changes after it is made.
type requestState struct {
	context.Context
	principal Principal // of KindNone without a credential while the public API is closed
	reported  atomic.Uint32
	stripped  bool      // the key was removed from the request that next sees
	values    [2]string // Vary and Cache-Control of this request alone, so a handler may edit them in place
	// request carries the context; nil if NewContext made it. It is a pointer although [Guard.attach] allocates both
	// at once: with an unknown verb, fmt prints the fields of a context that another context holds, and would print
	// the headers.
	request *http.Request
}

const (
	baseVary = "Api-Key, Authorization"
	noStore  = "no-store"
)

// The events of a request that were reported so far.
const (
	reportedNothing uint32 = iota
	reportedAllowed
	reportedRefused
)

// A guardKey is the context key of the state that one guard attached. Each guard sees only its own.
type guardKey struct{ guard *Guard }

// anyGuard is the context key of the state that the innermost guard attached.
type anyGuard struct{}

// String keeps the request, and the key in it, out of texts that print a context.
func (a *requestState) String() string { return "latchkey.Context" }

// Format is String for every verb.
func (a *requestState) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.String()) }

// Value returns the state itself for the keys of this package, else the value of the outer context.
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

// stateOf returns the state that this guard attached to ctx, or nil.
func (g *Guard) stateOf(ctx context.Context) *requestState {
	if a, ok := ctx.(*requestState); ok && a.principal.subject.guard == g { // the usual case: no context in between
		return a
	}
	a, _ := ctx.Value(guardKey{g}).(*requestState)
	return a
}

// attach returns the state whose request next gets: a copy of r with p in its context.
func (g *Guard) attach(r *http.Request, p Principal) *requestState {
	both := &struct {
		requestState
		own http.Request
	}{requestState: requestState{Context: r.Context(), principal: p}}
	a := &both.requestState
	a.request = &both.own
	*a.request = *r.WithContext(a) // the copy in between does not escape
	if g.c.StripCredentials && p.KeyID() != "" {
		a.stripped = g.strip(a.request)
	}
	return a
}

// setHeaders sets Vary, because the answer depends on the caller, and Cache-Control. It keeps existing values of
// Vary. It runs before the handler, which may set others. room holds the values, and belongs to this response alone.
func (g *Guard) setHeaders(h http.Header, room *[2]string) {
	*room = [2]string{cmp.Or(g.vary, baseVary), noStore}
	if before, ok := h["Vary"]; ok {
		h["Vary"] = append(slices.Clip(before), room[0])
	} else {
		h["Vary"] = room[0:1:1]
	}
	h["Cache-Control"] = room[1:2:2]
}

// ensureHeaders calls setHeaders unless a wrapper further out has set the headers. They are missing if the host made
// the context with NewContext, or if a ResponseWriter in between, such as http.TimeoutHandler's, has headers of its
// own.
func (a *requestState) ensureHeaders(g *Guard, h http.Header) {
	if a.values[0] == "" || !slices.Contains(h["Vary"], a.values[0]) {
		g.setHeaders(h, new([2]string))
	}
}

// strip removes every key from r and reports whether there was one. It copies the maps that the outer request shares.
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
	if r.Form != nil { // parsed further out
		r.Form = maps.Clone(r.Form)
		delete(r.Form, insecureQueryName)
	}
}

// sender returns the request that the principal came with, or nil. A context of NewContext has none itself, but may come
// from one that has.
func (a *requestState) sender(g *Guard) *http.Request {
	if outer, ok := a.Context.Value(guardKey{g}).(*requestState); ok && a.request == nil {
		return outer.sender(g)
	}
	return a.request
}

// NewContext returns a context that carries p, for work without a request: an operation of a websocket, a background
// job. [Recheck] uses the address of the request that ctx comes from, if any. For the zero Principal it returns ctx.
func NewContext(ctx context.Context, p Principal) context.Context {
	if p.subject == nil {
		return ctx
	}
	outer, ok := ctx.Value(anyGuard{}).(*requestState)
	return &requestState{Context: ctx, principal: p, stripped: ok && outer.stripped}
}

// PrincipalFrom returns the principal that the innermost guard attached. It is false if there is no guard outside, or
// if the caller has no credential and the public API is closed.
//
// It is the caller of the request that ctx began with. If many calls share a connection and its context, as in the sessions
// of an MCP server, that is the caller who opened it, and not the one who calls now: decide on each call with
// [Guard.CheckCall].
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	a, _ := ctx.Value(anyGuard{}).(*requestState)
	return a.caller()
}

// PrincipalFrom is like the function of that name, for principals of this guard alone.
func (g *Guard) PrincipalFrom(ctx context.Context) (Principal, bool) {
	return g.stateOf(ctx).caller()
}

// caller returns the principal unless its kind is KindNone. a may be nil.
func (a *requestState) caller() (Principal, bool) {
	if a == nil || a.principal.Kind() == KindNone {
		return Principal{}, false
	}
	return a.principal, true
}
