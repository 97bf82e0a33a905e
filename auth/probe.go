package auth

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
)

// Requirement returns what a handler requires that Require, RequireAny, RequireKey, RequireFunc or Middleware made, as
// routes without a pattern: one is enough. For a Require around another it is that of the outer one. Nil means unknown: the
// handler may be guarded inside a wrapper of the host. A walk over a router thus gives what [Guard.Routes] gives for Handle.
func Requirement(h http.Handler) []Route {
	if gt, ok := h.(*gate); ok {
		return slices.Clone(gt.requires)
	}
	return nil
}

// A probeKey is the context key of the function of a [Probe].
type probeKey struct{}

// probing is set by the first Probe, so that other programs do not look for one in each request.
var probing atomic.Bool

// Probe returns a context for a request that asks what its route requires, for tests and reports. The guarded handler that
// the request reaches decides as always, but it calls met instead of serving: with its requirement and nil or a *[Refusal].
// It records no use, and reports no event. The request must be one that the guard's outer handlers let pass; a handler that
// is not guarded serves it. Package authtest is built on it.
func Probe(ctx context.Context, met func(requires []Route, refusal error)) context.Context {
	probing.Store(true)
	return context.WithValue(ctx, probeKey{}, met)
}

// answerProbe reports whether r asks for the requirement alone. A gate inside this one decides too.
func (gt *gate) answerProbe(w http.ResponseWriter, r *http.Request, a *requestState, refusal *Refusal) bool {
	met, ok := r.Context().Value(probeKey{}).(func([]Route, error))
	if inner, guarded := gt.next.(*gate); ok && guarded && refusal == nil {
		inner.ServeHTTP(w, r)
	} else if ok {
		a.reported.Store(reportedRefused) // the most there is, so that nothing more is reported
		met(slices.Clone(gt.requires), refusal.asError())
	}
	return ok
}
