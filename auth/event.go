package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// An Outcome is how a request fared with the guard.
type Outcome string

const (
	OutcomeGranted Outcome = "granted" // went on to a handler behind Require or Open
	OutcomeRefused Outcome = "refused"
	OutcomePassed  Outcome = "passed" // known, but no route of the guard decided: a 404 behind Identify, or Check
)

// An Event tells what became of one request. There is one for each: sent when it is decided, before the
// handler runs, or for Passed after it ran. A request that is refused after it was granted (by a Require in
// another, say) sends a second one. It never holds a key or a digest.
type Event struct {
	Time       time.Time
	Outcome    Outcome
	Status     int    // of a refusal, else 0
	Reason     Reason // of a refusal, else ""
	Err        error  // what a store said, word for word, or what is wrong with the host's wiring
	Kind       Kind
	KeyID      string // also of a key that is refused for what it has become
	UserID     string
	Role       string
	Permission string // that the route needs, with its {name}s
	Method     string
	Route      string // the pattern that matched, if one did
	Peer       netip.Addr
}

func refusedEvent(refusal *Refusal) Event {
	return Event{Outcome: OutcomeRefused, Status: refusal.Status, Reason: refusal.Reason, Err: refusal.cause, KeyID: refusal.key}
}

// tell completes the event and hands it to the observer, at most once a request, and once more if it is
// refused later. It is false if the observer panicked.
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
	if id := p.KeyID(); id != "" {
		event.KeyID = id
	}
	event.UserID, event.Role = p.UserID(), p.Role()
	event.Method, event.Route = r.Method, r.Pattern
	event.Peer = g.c.ClientAddr(r)
	g.c.Observe(r.Context(), event)
	return true
}

// LogTo returns an observer that logs each event to logger: refusals as warnings, stores in trouble as
// errors, everything else at level info. Texts go out as attributes, never as part of the message. It panics if
// logger is nil.
func LogTo(logger *slog.Logger) func(context.Context, Event) {
	if logger == nil {
		panic("auth: LogTo without a logger hears nothing")
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
		if e.Peer.IsValid() {
			add("peer", e.Peer.String())
		}
		if e.Err != nil {
			add("error", e.Err.Error())
		}
		logger.LogAttrs(ctx, level, "latchkey", attrs...)
	}
}
