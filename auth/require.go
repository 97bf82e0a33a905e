package auth

import (
	"net/http"
)

// PublicCache wraps the handler of a route, inside [Guard.Require] or [Guard.Handle]. It sets Cache-Control to value,
// such as "public, max-age=60", on the answers to GET and HEAD requests of anonymous callers. All other answers, refusals
// included, keep no-store. Use it for answers that are the same for all anonymous callers; Vary separates them from
// answers to keys. Outside a guard it does nothing.
func PublicCache(value string, h http.Handler) http.Handler {
	if h == nil {
		panic("auth: nil handler")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			if p, ok := PrincipalFrom(r.Context()); ok && p.Kind() == KindPublic {
				w.Header()["Cache-Control"] = []string{value}
			}
		}
		h.ServeHTTP(w, r)
	})
}

// A gate is a handler behind a decision.
type gate struct {
	guard    *Guard
	next     http.Handler
	requires []Route // without a pattern; one of them is enough
	decide   func(r *http.Request, p Principal) (permission string, refusal *Refusal)
}

// Require passes a request to h if the caller has permission. A {name} in it stands for a whole segment and is read
// from the route through Config.PathValue. A value that is not a valid segment is refused; a route without such a
// value is answered with 500 and [ReasonNoPathValue]. If the request's context has no principal of this guard,
// Require authenticates the request; if it has one, Require does not read the headers again. For two permissions that
// must both hold, wrap one Require in another. It panics if permission is malformed, as ServeMux does for patterns.
func (g *Guard) Require(permission string, h http.Handler) http.Handler {
	return g.RequireAny([]string{permission}, h)
}

// RequireAny is Require for callers with at least one of several permissions. A refusal names the first. It panics if
// the list is empty.
func (g *Guard) RequireAny(permissions []string, h http.Handler) http.Handler {
	if len(permissions) == 0 {
		panic("auth: RequireAny needs a permission")
	}
	templates, requires := make([]template, len(permissions)), make([]Route, len(permissions))
	for i, permission := range permissions {
		t, err := parseTemplate(permission)
		if err != nil {
			panic(err)
		}
		templates[i], requires[i].Permission = t, permission
	}
	return g.gate(h, requires, func(r *http.Request, p Principal) (string, *Refusal) {
		var first *Refusal
		for i := range templates {
			refusal := g.allowsTemplate(r, p, &templates[i])
			mistake := refusal != nil && refusal.Reason == ReasonNoPathValue
			if refusal == nil || refusal.Status >= http.StatusInternalServerError && !mistake {
				return templates[i].text, refusal
			}
			if first == nil || mistake && first.Reason != ReasonNoPathValue {
				first = refusal
			}
		}
		return templates[0].text, first
	})
}

// RequireFunc is Require with a permission that the function computes from the request. An error that is not a
// *[Refusal] is answered with 503. A malformed permission is refused.
func (g *Guard) RequireFunc(permission func(*http.Request) (string, error), h http.Handler) http.Handler {
	if permission == nil {
		panic("auth: RequireFunc without a function")
	}
	return g.gate(h, []Route{{}}, func(r *http.Request, p Principal) (string, *Refusal) {
		wanted, err := permission(r)
		if err != nil {
			return "", asRefusal(r.Context(), err)
		}
		refusal := g.allows(p, wanted)
		if !g.printable(wanted) {
			wanted = ""
		}
		return wanted, refusal
	})
}

// RequireKey passes a request to h if the caller presents a valid key or is signed in. It needs no permission, and so no
// role.
func (g *Guard) RequireKey(h http.Handler) http.Handler {
	return g.gate(h, []Route{{Key: true}}, func(_ *http.Request, p Principal) (string, *Refusal) {
		if !p.Authenticated() {
			return "", refuseMissing
		}
		return "", nil
	})
}

// Middleware is Require in the form that routers and middleware chains take.
func (g *Guard) Middleware(permission string) func(http.Handler) http.Handler {
	if _, err := parseTemplate(permission); err != nil {
		panic(err)
	}
	return func(h http.Handler) http.Handler { return g.Require(permission, h) }
}

// allowsTemplate decides on the permission that t becomes for r.
func (g *Guard) allowsTemplate(r *http.Request, p Principal, t *template) *Refusal {
	permission, empty, ok := t.fill(r, g.c.PathValue)
	if ok {
		return g.allows(p, permission)
	}
	switch {
	case p.Kind() == KindNone:
		return refuseMissing
	case empty != "" && !hasName(r.Pattern, empty): // else a client sent an empty segment
		return t.refuseUnfilled(empty)
	}
	return t.refuseValue(p)
}

func (g *Guard) gate(h http.Handler, requires []Route, decide func(*http.Request, Principal) (string, *Refusal)) http.Handler {
	if h == nil {
		panic("auth: nil handler")
	}
	return &gate{g, h, requires, decide}
}

// ServeHTTP authenticates the request unless an outer guard did, decides, and calls the handler or refuses.
func (gt *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g := gt.guard
	a := g.stateOf(r.Context())
	inner := a != nil
	if !inner {
		p, refusal := g.authenticate(r)
		if refusal != nil {
			g.refuse(w, r, nil, "", refusal)
			return
		}
		a = g.attach(r, p)
	}
	permission, refusal := gt.check(r, a.principal)
	if probing.Load() && gt.answerProbe(w, r, a, refusal) {
		return
	}
	if !inner && (refusal == nil || refusal.Status == http.StatusForbidden) {
		a.principal.key.Used() // a 503 is not a use
	}
	if refusal == nil && g.c.Observe != nil && !g.report(r, a, Event{Outcome: OutcomeGranted, Permission: permission}, a.principal) {
		refusal = refusePanic
	}
	if refusal != nil {
		g.refuse(w, r, a, permission, refusal)
		return
	}
	if inner {
		a.ensureHeaders(g, w.Header())
		gt.next.ServeHTTP(w, r)
		return
	}
	g.setHeaders(w.Header(), &a.values)
	g.serve(w, r, a, gt.next)
}

// check decides. If host code such as PathValue panics, the answer is 500 and the handler does not run.
func (gt *gate) check(r *http.Request, p Principal) (permission string, refusal *Refusal) {
	defer func() {
		if recover() != nil {
			refusal = refusePanic
		}
	}()
	return gt.decide(r, p)
}
