package auth

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
)

// A Guard finds out who sent a request before any handler sees it, and what they may do. Make it with [New];
// the zero Guard refuses every request with 503. It may be used concurrently.
type Guard struct {
	c         Config
	extractor extractor
	vary      string
	// Limits of host code.
	askSession, askUsers, askRole *ask.Limit

	setting func(context.Context) (string, error) // of the public role; nil: closed
	custom  *subject                              // of every custom key's principal
	none    *subject                              // of callers who show nothing while the public API is closed

	public atomic.Pointer[subject] // of the latest public role: anonymous callers share it

	mu     sync.Mutex
	routes []Route
}

// Format says what the keys of the guard's ring look like, for finding them where none may stand.
func (g *Guard) Format() keys.Format { return g.extractor.format }

// Identify finds out who asks and attaches the principal for [Guard.Require], [PrincipalFrom] and [Allowed].
// It refuses what is shown and not good, and lets callers pass who show nothing, even while the public API is
// closed: deciding is Require's. It goes around the whole mux, inside CORS and logging.
func (g *Guard) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.enter(w, r, next, false) })
}

// Handler is Identify, and refuses callers who show nothing while the public API is closed, whatever the
// address.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.enter(w, r, next, true) })
}

func (g *Guard) enter(w http.ResponseWriter, r *http.Request, next http.Handler, strict bool) {
	if a := g.stateOf(r.Context()); a != nil {
		if strict && a.principal.Kind() == KindNone {
			g.refuse(w, r, a, "", refuseMissing)
			return
		}
		a.ensureHeaders(g, w.Header())
		next.ServeHTTP(w, r)
		return
	}
	p, refusal := g.authenticate(r)
	if refusal == nil && strict && p.Kind() == KindNone {
		refusal = refuseMissing
	}
	if refusal != nil {
		g.refuse(w, r, nil, "", refusal)
		return
	}
	g.used(p)
	a := g.attach(r, p)
	g.setHeaders(w.Header(), &a.values)
	g.serve(w, r, a, next)
}

// used records a use of the caller's key: address, owner and limit have let the request pass. While no policy can be
// vouched for, the answer will be 503, and that is not a use.
func (g *Guard) used(p Principal) {
	if !p.key.IsZero() && g.policy() != nil {
		p.key.Used()
	}
}

// serve runs next on the attached request, hands back what net/http and logs outside want of it, and tells
// the observer of a request that met no other decision.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request, a *requestState, next http.Handler) {
	defer func() {
		if a.request.Pattern != "" {
			r.Pattern = a.request.Pattern
		}
		if r.MultipartForm == nil {
			r.MultipartForm = a.request.MultipartForm // so that net/http removes its files with its own request
		}
		if g.c.Observe != nil && a.reported.Load() == reportedNothing {
			_ = g.report(a.request, a, Event{Outcome: OutcomePassed}, a.principal)
		}
	}()
	next.ServeHTTP(w, a.request)
}

// Check finds out who sent r and writes nothing. It judges as Handler does: its error is a *[Refusal], also for
// a caller who shows nothing while the public API is closed. Behind Identify it returns what that found;
// elsewhere it tells the observer, with [OutcomePassed] for who is let through.
func (g *Guard) Check(r *http.Request) (Principal, error) {
	if a := g.stateOf(r.Context()); a != nil {
		if a.principal.Kind() == KindNone {
			return Principal{}, refuseMissing.asError()
		}
		return a.principal, nil
	}
	p, refusal := g.authenticate(r)
	if refusal == nil && p.Kind() == KindNone {
		refusal = refuseMissing
	}
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

// CheckHeader is Check for hosts that are not net/http; peer may be unknown. Names in h are canonical, as
// http.Header.Add makes them: a carrier's name in any other spelling is refused with 400. Config's SignedIn,
// Limit and Observe, which take a request, are not asked, and [Recheck] knows no address for such a principal.
func (g *Guard) CheckHeader(ctx context.Context, h http.Header, rawQuery string, peer netip.Addr) (Principal, error) {
	if !canonical(h) {
		return Principal{}, refuseMisspelt.asError()
	}
	p, refusal := g.identify(ctx, h, rawQuery, origin{addr: peer})
	if refusal == nil && p.Kind() == KindNone {
		refusal = refuseMissing
	}
	if refusal != nil {
		return Principal{}, refusal.asError()
	}
	g.used(p)
	return p, nil
}

// Refuse writes the answer to an error of Check, Allowed or Recheck in the shape of Config.Profile. An error
// that is no *[Refusal] is answered with 503, and its text is not shown. In a handler behind the guard it tells
// the observer that the request was refused after all.
func (g *Guard) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal := asRefusal(r.Context(), err)
	if a := g.stateOf(r.Context()); a != nil {
		g.refuse(w, r, a, refusal.Missing, refusal)
		return
	}
	g.write(w, r, refusal) // Check has told already
}

func (g *Guard) write(w http.ResponseWriter, r *http.Request, refusal *Refusal) {
	if a := g.stateOf(r.Context()); a != nil {
		a.ensureHeaders(g, w.Header())
		w.Header()["Cache-Control"] = []string{noStore} // a PublicCache is not for refusals
	} else {
		g.setHeaders(w.Header(), new([2]string))
	}
	if g.c.Profile == nil {
		Problem(w, r, refusal)
		return
	}
	setRetryAfter(w.Header(), refusal)
	g.c.Profile(w, r, refusal)
}

// refuse tells the observer and writes the refusal. a is nil before a principal is attached.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, a *requestState, permission string, refusal *Refusal) {
	if g.c.Observe != nil {
		event := refusedEvent(refusal)
		event.Permission = permission
		var p Principal
		if a != nil {
			p = a.principal
		}
		if !g.report(r, a, event, p) {
			refusal = refusePanic
		}
	}
	g.write(w, r, refusal)
}

// admit is identify for a request, then the host's limit.
func (g *Guard) authenticate(r *http.Request) (p Principal, refusal *Refusal) {
	defer func() {
		if recover() != nil { // what host code panics with may hold anything: it is not passed on
			p, refusal = Principal{}, refusePanic
		}
	}()
	p, refusal = g.identify(r.Context(), r.Header, r.URL.RawQuery, origin{request: r})
	if refusal == nil {
		refusal = g.limit(r, p)
	}
	if refusal != nil {
		return Principal{}, refusal
	}
	return p, nil
}

// limit asks the host whether p may go on.
func (g *Guard) limit(r *http.Request, p Principal) *Refusal {
	if g.c.Limit == nil {
		return nil
	}
	after, ok := g.c.Limit(r, p)
	if ok {
		return nil
	}
	return &Refusal{Status: http.StatusTooManyRequests, Reason: ReasonRateLimited, RetryAfter: max(after, time.Second)}
}
