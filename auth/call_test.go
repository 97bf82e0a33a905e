package auth_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A call gets the decision, the limit and the event that a request would get.
func TestCheckCall_DecidesAsHandleDoes(t *testing.T) {
	var events []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { events = append(events, e) }
		c.Limit = func(r *http.Request, p auth.Principal) (time.Duration, bool) {
			return time.Minute, r.Header.Get("X-Flood") == "" || r.URL.Path != "/posts.Posts/Do"
		}
	})
	for _, c := range []struct {
		about, permission, model string
		header                   http.Header
		status                   int
		reason                   auth.Reason
	}{
		{"a good key", "content/{model}/create", "posts", http.Header{"api-key": {w.editor}}, 0, ""},
		{"as gRPC sends it", "content/{model}/create", "posts", http.Header{"authorization": {"Bearer " + w.editor}}, 0, ""},
		{"no key, public", "content/{model}/read", "posts", nil, 0, ""},
		{"no key, not public", "content/{model}/create", "posts", nil, 401, auth.ReasonNotGranted},
		{"no permission needed", "", "", nil, 0, ""},
		{"not granted", "content/{model}/create", "posts", http.Header{"api-key": {w.ada}}, 403, auth.ReasonNotGranted},
		{"a bad key is never public", "content/{model}/read", "posts", http.Header{"api-key": {"API-bad"}}, 401, auth.ReasonMalformedKey},
		{"two spellings are two credentials", "content/{model}/read", "posts", http.Header{"api-key": {w.editor}, "Api-Key": {w.editor}}, 400, auth.ReasonRepeatedKey},
		{"an underscore", "content/{model}/read", "posts", http.Header{"api_key": {w.editor}}, 400, auth.ReasonMisspeltName},
		{"a value that is no segment", "content/{model}/create", "posts/../x", http.Header{"api-key": {w.editor}}, 403, auth.ReasonBadPermission},
		{"an empty value", "content/{model}/create", "", http.Header{"api-key": {w.editor}}, 403, auth.ReasonBadPermission},
		{"the same without a key", "content/{model}/create", "a%2Fb", nil, 401, auth.ReasonBadPermission},
		{"a template that lacks a value", "content/{other}/create", "posts", http.Header{"api-key": {w.editor}}, 500, auth.ReasonNoPathValue},
		{"a malformed template", "content//create", "posts", http.Header{"api-key": {w.editor}}, 500, auth.ReasonInternalError},
		{"too many", "content/{model}/create", "posts", http.Header{"api-key": {w.editor}, "x-flood": {"1"}}, 429, auth.ReasonRateLimited},
	} {
		events = nil
		p, err := w.guard.CheckCall(t.Context(), auth.Call{
			Header: c.header, Operation: "/posts.Posts/Do", Permission: c.permission, Values: map[string]string{"model": c.model},
			Peer: netip.MustParseAddr("192.0.2.7"),
		})
		require.Len(t, events, 1, c.about)
		e := events[0]
		require.Equal(t, []any{"POST", "/posts.Posts/Do", c.permission, "192.0.2.7", c.status, c.reason},
			[]any{e.Method, e.Route, e.Permission, e.Peer.String(), e.Status, e.Reason}, c.about)
		if c.status == 0 {
			require.NoError(t, err, c.about)
			require.Equal(t, p.Kind(), e.Kind)
			continue
		}
		var refusal *auth.Refusal
		require.ErrorAs(t, err, &refusal, c.about)
		require.Equal(t, c.status, refusal.Status)
		require.Equal(t, auth.Principal{}, p)
		require.NotContains(t, err.Error(), "API-")
	}
}

// An event has the whole name of an operation, and a call that needs no permission is decided as Check does.
func TestCheckCallWithoutAPermission(t *testing.T) {
	var events []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { events = append(events, e) }
	})
	c := auth.Call{Operation: "tools/call create item"}
	p, err := w.guard.CheckCall(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, auth.KindPublic, p.Kind())
	w.public.set("", nil)
	_, err = w.guard.CheckCall(t.Context(), c)
	requireReason(t, auth.ReasonMissingKey, err)
	require.Len(t, events, 2)
	for _, e := range events {
		require.Equal(t, c.Operation, e.Route)
	}
}

// Each call is judged by its own credential, whatever its context carries: on a connection that many calls share, the
// context is that of the caller who opened it.
func TestCheckCallIgnoresThePrincipalOfItsContext(t *testing.T) {
	w := newWorld(t)
	opened, err := w.guard.CheckCall(t.Context(), auth.Call{Header: http.Header{"api-key": {w.editor}}, Permission: "content/posts/create"})
	require.NoError(t, err)
	session := auth.NewContext(t.Context(), opened)
	check := func(key string) error {
		c := auth.Call{Header: http.Header{}, Permission: "content/posts/create"}
		if key != "" {
			c.Header.Set("api-key", key)
		}
		_, err := w.guard.CheckCall(session, c)
		return err
	}
	require.NoError(t, check(w.editor))
	require.Error(t, check(""), "no key")
	require.Error(t, check(w.ada), "another key")
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids[w.editor]))
	require.Error(t, check(w.editor), "the key was revoked")
}

// A value is refused where Require refuses it.
func TestCheckCallFillsAsRequireDoes(t *testing.T) {
	w := newWorld(t)
	admin := w.custom(keys.Custom{Role: roles.Admin})
	for _, value := range []string{"posts", "a.b", "A_1:@", "", ".", "..", "a/b", "a%2Fb", "*", "**", "a b", "é", strings.Repeat("x", 64), strings.Repeat("x", 65)} {
		_, err := w.guard.CheckCall(t.Context(), auth.Call{
			Header: http.Header{"api-key": {admin}}, Permission: "content/{model}/read", Values: map[string]string{"model": value},
		})
		require.Equal(t, roles.ValidSegment(value), err == nil, value)
	}
}
