package auth_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// message is what a message shows, given as name, value, name, value.
func message(header ...string) http.Header { return request("/", header...).Header }

func TestCheckMessage(t *testing.T) {
	w := newWorld(t)
	far := w.custom(keys.Custom{Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	near := w.custom(keys.Custom{Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}})
	for _, c := range []struct {
		name        string
		sent, shown []string
		status      int
		kind        auth.Kind
		closed      bool // the public API
		unguarded   bool // nothing identified the request before
	}{
		{name: "in the message", shown: []string{"api-key", w.editor}, status: 200, kind: auth.KindCustomKey},
		{name: "Bearer in the message", shown: []string{"Authorization", "Bearer " + w.ada}, status: 200, kind: auth.KindUserKey},
		{name: "in the message, closed", shown: []string{"api-key", w.editor}, status: 200, kind: auth.KindCustomKey, closed: true},
		{name: "in the request", sent: []string{"api-key", w.editor}, status: 200, kind: auth.KindCustomKey},
		{name: "in the request alone", sent: []string{"api-key", w.editor}, status: 200, kind: auth.KindCustomKey, unguarded: true},
		{name: "nowhere", status: 200, kind: auth.KindPublic},
		{name: "nowhere, closed", status: 401, closed: true},
		{name: "nowhere, closed, alone", status: 401, closed: true, unguarded: true},
		{name: "both", sent: []string{"api-key", w.editor}, shown: []string{"api-key", w.editor}, status: 400},
		{name: "both, alone", sent: []string{"api-key", w.editor}, shown: []string{"api-key", w.editor}, status: 400, unguarded: true},
		{name: "two in the message", shown: []string{"api-key", w.editor, "Authorization", "Bearer " + w.editor}, status: 400},
		{name: "junk in the message", shown: []string{"api-key", "junk"}, status: 401},
		{name: "junk in the request alone", sent: []string{"api-key", "junk"}, shown: []string{"api-key", w.editor}, status: 401, unguarded: true},
		{name: "empty", shown: []string{"api-key", ""}, status: 401},
		{name: "under a wrong name", shown: []string{"api_key", w.editor}, status: 400},
		{name: "from a peer that is not allowed", shown: []string{"api-key", far}, status: 401},
		{name: "from one that is", shown: []string{"api-key", near}, status: 200, kind: auth.KindCustomKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.public.set("viewer", nil)
			if c.closed {
				w.public.set("", nil)
			}
			var p auth.Principal
			var err error
			check := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { p, err = w.guard.CheckMessage(r, message(c.shown...)) })
			h := w.guard.Identify(check)
			if c.unguarded {
				h = check
			}
			serve(h, request("/", c.sent...))
			if c.status == 200 {
				require.NoError(t, err)
				require.Equal(t, c.kind, p.Kind())
				return
			}
			var refusal *auth.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, c.status, refusal.Status)
			require.Equal(t, auth.KindNone, p.Kind())
		})
	}
	_, err := w.guard.CheckMessage(request("/"), http.Header{"api-key": {w.editor}})
	require.Error(t, err, "a name that is not canonical would be overlooked")
	_, err = new(auth.Guard).CheckMessage(request("/"), message("api-key", w.editor))
	require.Error(t, err)
}

// A message without a credential is from the caller who opened the connection, verified again.
func TestCheckMessageAsksAgain(t *testing.T) {
	w := newWorld(t)
	serve(w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := w.guard.CheckMessage(r, nil)
		require.NoError(t, err)
		require.NoError(t, w.ring.Disable(t.Context(), w.ids[w.editor]))
		_, err = w.guard.CheckMessage(r, nil)
		require.ErrorIs(t, err, keys.ErrDisabled)
	})), request("/", "api-key", w.editor))
}

// Each message is one for Limit and one event for Observe, beside those of the request.
func TestCheckMessageAsksTheHost(t *testing.T) {
	var events []auth.Event
	left, broken := 2, false
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { events = append(events, e) }
		c.Limit = func(_ *http.Request, p auth.Principal) (time.Duration, bool) {
			if broken {
				panic("at the disco")
			}
			left--
			return time.Minute, left >= 0
		}
	})
	serve(w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, err := w.guard.CheckMessage(r, message("api-key", w.editor))
		require.NoError(t, err)
		_, err = w.guard.CheckMessage(r, message("api-key", w.editor))
		require.Equal(t, 429, err.(*auth.Refusal).Status)
		broken = true
		_, err = w.guard.CheckMessage(r, message("api-key", w.editor))
		require.Equal(t, 500, err.(*auth.Refusal).Status)
		require.Len(t, events, 3)
		require.Equal(t, []any{auth.OutcomePassed, p.KeyID(), true}, []any{events[0].Outcome, events[0].KeyID, events[0].Peer.IsValid()})
		require.Equal(t, []any{auth.OutcomeRefused, auth.ReasonRateLimited}, []any{events[1].Outcome, events[1].Reason})
		require.Equal(t, []any{auth.OutcomeRefused, auth.ReasonInternalError}, []any{events[2].Outcome, events[2].Reason})
	})), request("/"))
	require.Len(t, events, 4, "and the request's own")
	require.Equal(t, auth.KindPublic, events[3].Kind)
}
