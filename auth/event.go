package auth

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// An Outcome is the guard's result for a request.
type Outcome string

const (
	OutcomeGranted Outcome = "granted" // went on to a handler behind Require or HandleOpen
	OutcomeRefused Outcome = "refused"
	OutcomePassed  Outcome = "passed" // authenticated, but no route of the guard decided: a 404 behind Identify, or Check
)

// An Event describes the decision on one request. It is sent once, before the handler runs; for OutcomePassed, after
// it ran. A request that is refused after it was granted, for example by a Require inside another, sends a second
// one. It never holds a key or a digest, unless a host's store puts one into the text of its error, or an imported key of at
// most 32 bytes is a segment of Path.
type Event struct {
	Time       time.Time
	Outcome    Outcome
	Status     int    // of a refusal, else 0
	Reason     Reason // of a refusal, else ""
	Err        error  // the store's error, unchanged, or a mistake in the host's wiring
	Kind       Kind
	KeyID      string // also of an expired, disabled or invalidated key
	UserID     string
	Role       string
	Permission string // of the route, with its {name}s
	Method     string
	Route      string // the pattern that matched, without the method, or "", or the place given to Guard.Report, such as Post.draft
	Path       string // of a request that was not granted, before a pattern has matched; long segments are "…"
	Peer       netip.Addr
}

func refusedEvent(refusal *Refusal) Event {
	return Event{Outcome: OutcomeRefused, Status: refusal.Status, Reason: refusal.Reason, Err: refusal.cause, KeyID: refusal.key}
}

// report completes the event and calls the observer at most once a request, and once more if the request is refused
// later. It is false if the observer panicked.
func (g *Guard) report(r *http.Request, a *requestState, event Event, p Principal) (ok bool) {
	if g.c.Observe == nil {
		return true
	}
	if a != nil {
		level := reportedAllowed
		if event.Outcome == OutcomeRefused {
			level = reportedRefused
		}
		if a.reported.Swap(max(level, a.reported.Load())) >= level {
			return true
		}
	}
	defer func() { ok = recover() == nil }()
	event.Time = time.Now()
	event.Kind = p.Kind()
	event.KeyID = cmp.Or(p.KeyID(), event.KeyID)
	event.UserID, event.Role = p.UserID(), p.Role()
	event.Method, event.Route = r.Method, cmp.Or(event.Route, g.c.Route(r))
	if event.Outcome != OutcomeGranted && event.Route == "" {
		event.Path = g.pathWithoutKeys(r.URL.Path)
	}
	event.Peer = g.c.ClientAddr(r)
	g.c.Observe(r.Context(), event)
	return true
}

// Report tells the observer of a refusal in a request that a handler answers by itself: the one of a GraphQL operation
// or, with a place in it, of one field. Refusal.Missing becomes the event's permission. Without a place it is the
// event of the request, sent once, and with one it is sent each time. r's context must be the handler's.
func (g *Guard) Report(r *http.Request, place string, refusal *Refusal) {
	a := g.stateOf(r.Context())
	p, _ := a.caller()
	event := refusedEvent(refusal)
	event.Permission, event.Route = refusal.Missing, place
	if place != "" {
		a = nil
	}
	_ = g.report(r, a, event, p) // an observer that panics changes nothing: the answer is a refusal already
}

// pathWithoutKeys returns path with "…" for each segment that may be a key, whatever its format.
func (g *Guard) pathWithoutKeys(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if len(s) > maxPlace || g.extractor.format.Contains(s) {
			segments[i] = "…"
		}
	}
	return strings.Join(segments, "/")
}

// LogTo returns an observer that logs each event to logger: refusals as warnings, store errors as errors, everything
// else at level info. Texts are attributes, never part of the message. It panics if logger is nil.
func LogTo(logger *slog.Logger) func(context.Context, Event) {
	if logger == nil {
		panic("auth: LogTo needs a logger")
	}
	return func(ctx context.Context, e Event) {
		level := slog.LevelInfo
		switch {
		case e.Reason == ReasonClientGone:
		case e.Status >= http.StatusInternalServerError:
			level = slog.LevelError
		case e.Outcome == OutcomeRefused:
			level = slog.LevelWarn
		}
		if !logger.Enabled(ctx, level) {
			return
		}
		attrs := []slog.Attr{slog.String("outcome", string(e.Outcome))}
		add := func(name, value string) {
			if value != "" {
				attrs = append(attrs, slog.String(name, value))
			}
		}
		add("reason", string(e.Reason))
		if e.Status != 0 {
			attrs = append(attrs, slog.Int("status", e.Status))
		}
		add("kind", string(e.Kind))
		add("key_id", e.KeyID)
		add("user_id", e.UserID)
		add("role", e.Role)
		add("permission", e.Permission)
		add("method", e.Method)
		add("route", e.Route)
		add("path", e.Path)
		if e.Peer.IsValid() {
			add("peer", e.Peer.String())
		}
		if e.Err != nil {
			add("error", e.Err.Error())
		}
		logger.LogAttrs(ctx, level, "latchkey", attrs...)
	}
}
