package auth

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
)

// A Guard authenticates each request and authorizes it before the handler runs. Make it with [New]; the zero Guard
// refuses every request with 503. It may be used concurrently.
type Guard struct {
	c         Config
	extractor extractor
	vary      string
	// unauthorized is the body of a 401 without a detail: it says where a key is accepted, and is the same for each cause.
	unauthorized []byte
	// Limits of host code.
	askSession, askUsers, askRole *ask.Limit

	setting func(context.Context) (string, error) // returns the public role; nil: closed
	custom  *subject                              // of every custom key's principal
	none    *subject                              // of callers without a credential while the public API is closed

	public atomic.Pointer[subject] // of the latest public role: anonymous callers share it

	mu     sync.Mutex
	routes []Route
}

// Format returns the format of the ring's keys, for finding them where none is accepted.
func (g *Guard) Format() keys.Format { return g.extractor.format }

// Identify authenticates each request and attaches the principal for [Guard.Require], [PrincipalFrom] and [Allowed].
// It refuses a credential that is not valid. Callers without a credential pass, even while the public API is closed;
// Require decides on them. It wraps the whole mux, inside CORS and logging.
func (g *Guard) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.enter(w, r, next, false) })
}

// Handler is Identify, and also refuses callers without a credential while the public API is closed, on every path.
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

// used records a use of the caller's key once address, owner and limit have let the request pass. Without a policy
// the answer is 503, which is not a use.
func (g *Guard) used(p Principal) {
	if p.key != (keys.Verified{}) && g.policy() != nil {
		p.key.Used()
	}
}

// serve calls next, then copies Pattern and MultipartForm to the outer request, and reports OutcomePassed if no route
// decided.
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

// Check authenticates r and writes nothing. It decides as Handler does: its error is a *[Refusal], also for a caller
// without a credential while the public API is closed. Behind Identify it returns the principal that Identify found;
// elsewhere it reports to the observer, with [OutcomePassed] if the caller passes.
func (g *Guard) Check(r *http.Request) (Principal, error) {
	if a := g.stateOf(r.Context()); a != nil {
		if a.principal.Kind() == KindNone {
			return Principal{}, refuseMissing.asError()
		}
		return a.principal, nil
	}
	p, refusal := admitted(g.authenticate(r))
	return g.checked(r, p, "", refusal)
}

// admitted refuses a caller without a credential while the public API is closed.
func admitted(p Principal, refusal *Refusal) (Principal, *Refusal) {
	if refusal == nil && p.Kind() == KindNone {
		return Principal{}, refuseMissing
	}
	return p, refusal
}

// checked reports the result of a check to the observer and returns it. It records a use of the key of a caller who passes.
// permission is "" if none was asked for.
func (g *Guard) checked(r *http.Request, p Principal, permission string, refusal *Refusal) (Principal, error) {
	event := Event{Outcome: OutcomePassed}
	switch {
	case refusal != nil:
		event = refusedEvent(refusal)
	case permission != "":
		event.Outcome = OutcomeGranted
	}
	event.Permission = permission
	if refusal != nil && refusal.Status != http.StatusForbidden {
		p = Principal{}
	}
	if !g.report(r, nil, event, p) {
		return Principal{}, refusePanic.asError()
	}
	if g.used(p); refusal != nil {
		return Principal{}, refusal.asError()
	}
	return p, nil
}

// Refuse writes the answer to any error of this library through Config.Profile: a *[Refusal], and those of packages
// keys, roles, publicapi and admin that say how they are answered (400, 401, 403, 404, 409, 412, 422). Any other error
// counts as a store error: 503, and its text is not sent. A [roles.Problem] does, too, since stored roles may have it.
// In a handler behind the guard it also reports to the observer that the request was refused.
func (g *Guard) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal := answerOf(r.Context(), err)
	if a := g.stateOf(r.Context()); a != nil {
		g.refuse(w, r, a, refusal.Missing, refusal)
		return
	}
	g.write(w, r, refusal) // Check has reported it
}

func (g *Guard) write(w http.ResponseWriter, r *http.Request, refusal *Refusal) {
	if a := g.stateOf(r.Context()); a != nil {
		a.ensureHeaders(g, w.Header())
		w.Header()["Cache-Control"] = []string{noStore} // PublicCache does not apply to refusals
	} else {
		g.setHeaders(w.Header(), new([2]string))
	}
	if g.c.Profile == nil {
		body := problems[refusal.Status]
		if refusal.Status == http.StatusUnauthorized {
			body = g.unauthorized
		}
		writeProblem(w, refusal, body)
		return
	}
	setRetryAfter(w.Header(), refusal)
	g.c.Profile(w, r, refusal)
}

// refuse reports and writes the refusal. a is nil before a principal is attached.
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

// authenticate is identify for a request, followed by the host's limit.
func (g *Guard) authenticate(r *http.Request) (p Principal, refusal *Refusal) {
	defer recovered(&p, &refusal)
	p, refusal = g.identify(r, r.Header, r.URL.RawQuery)
	return g.limit(r, p, refusal)
}

// recovered is deferred around host code. It refuses a request whose host code panics. The panic may hold a secret, so it
// is not passed on.
func recovered(p *Principal, refusal **Refusal) {
	if recover() != nil {
		*p, *refusal = Principal{}, refusePanic
	}
}

// limit calls the host's limit for a principal that is not refused.
func (g *Guard) limit(r *http.Request, p Principal, refusal *Refusal) (Principal, *Refusal) {
	if refusal == nil && g.c.Limit != nil {
		if after, ok := g.c.Limit(r, p); !ok {
			refusal = &Refusal{Status: http.StatusTooManyRequests, Reason: ReasonRateLimited, RetryAfter: max(after, time.Second)}
		}
	}
	if refusal != nil {
		return Principal{}, refusal
	}
	return p, nil
}
