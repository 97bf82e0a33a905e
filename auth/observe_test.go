package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

func TestOneEventARequest(t *testing.T) {
	var heard []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { heard = append(heard, e) }
	})
	mux := http.NewServeMux()
	w.guard.Handle(mux, "GET /posts/{model}", "content/{model}/read", who)
	w.guard.Handle(mux, "POST /posts", "content/posts/create", who)
	w.guard.HandleOpen(mux, "GET /open", who)
	mux.Handle("GET /both", w.guard.Require("content/posts/read", w.guard.Require("content/posts/create", who)))
	h := w.guard.Identify(mux)
	ask := func(method, target string, header ...string) auth.Event {
		t.Helper()
		heard = nil
		r := request(target, header...)
		r.Method = method
		serve(h, r)
		require.Len(t, heard, 1)
		require.False(t, heard[0].Time.IsZero())
		require.Equal(t, "192.0.2.1", heard[0].Peer.String())
		return heard[0]
	}

	e := ask("GET", "/posts/posts", "api-key", w.ada)
	require.Equal(t, auth.OutcomeGranted, e.Outcome)
	require.Equal(t, []string{"user", w.ids[w.ada], "ada", "viewer"}, []string{string(e.Kind), e.KeyID, e.UserID, e.Role})
	require.Equal(t, []string{"content/{model}/read", "GET", "/posts/{model}"}, []string{e.Permission, e.Method, e.Route})

	e = ask("POST", "/posts", "api-key", w.ada)
	require.Equal(t, []any{auth.OutcomeRefused, 403, auth.ReasonNotGranted, "content/posts/create", w.ids[w.ada]}, []any{e.Outcome, e.Status, e.Reason, e.Permission, e.KeyID})
	e = ask("POST", "/posts")
	require.Equal(t, []any{auth.OutcomeRefused, 401, auth.ReasonNotGranted, auth.KindPublic}, []any{e.Outcome, e.Status, e.Reason, e.Kind})
	e = ask("GET", "/open")
	require.Equal(t, []any{auth.OutcomeGranted, "/open"}, []any{e.Outcome, e.Route})
	e = ask("GET", "/nowhere", "api-key", w.editor)
	require.Equal(t, []any{auth.OutcomePassed, "", w.ids[w.editor]}, []any{e.Outcome, e.Route, e.KeyID})
	e = ask("GET", "/posts/posts", "api-key", "junk")
	require.Equal(t, []any{auth.OutcomeRefused, auth.ReasonMalformedKey, ""}, []any{e.Outcome, e.Reason, e.KeyID})

	heard = nil
	serve(h, request("/both", "api-key", w.ada))
	require.Len(t, heard, 2, "refused after it was granted: a second one")
	require.Equal(t, []auth.Outcome{auth.OutcomeGranted, auth.OutcomeRefused}, []auth.Outcome{heard[0].Outcome, heard[1].Outcome})

	heard = nil
	_, err := w.guard.Check(request("/", "api-key", "junk"))
	require.Error(t, err)
	require.Len(t, heard, 1)

	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids[w.ada]))
	e = ask("GET", "/open", "api-key", w.ada)
	require.Equal(t, []any{auth.ReasonInvalidatedKey, w.ids[w.ada]}, []any{e.Reason, e.KeyID}, "whose key it was is known to the log")
}

// A canary: no log line, event, error or panic text ever holds a key.
func TestNoKeyIsEverSaid(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	observe := auth.LogTo(logger)
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(ctx context.Context, e auth.Event) {
			observe(ctx, e)
			logger.Info("all of it", "event", e, "text", e.Reason)
		}
	})
	invalid := w.custom(keys.Custom{Name: "x", Role: "editor"})
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids[invalid]))
	mistyped := w.editor[:30] + "ff" + w.editor[32:]
	for _, key := range []string{w.editor, w.ada, invalid, mistyped, strings.ToLower(w.editor), w.editor + "\n"} {
		for _, r := range []*http.Request{
			request("/", "api-key", key), request("/", "Authorization", "Bearer "+key), request("/", "X-Api-Key", key),
			request("/", "Authorization", "Token "+key), request("/?api_key=" + strings.TrimSpace(key)), request("/", "api-key", key, "Authorization", "Bearer "+key),
			request("/"+strings.TrimSpace(key), "api-key", "junk"),
		} {
			p, err := w.guard.Check(r)
			logger.Info("checked", "principal", p, "key", p.Key(), "err", err)
			resp := serve(w.guard.Identify(w.guard.Require("content/posts/create", who)), r)
			log.WriteString(body(t, resp))
			require.NoError(t, resp.Header.Write(&log))
		}
	}
	require.NotEmpty(t, log.String())
	for _, key := range []string{w.editor, w.ada, invalid, mistyped} {
		require.NotContains(t, log.String(), key)
		require.NotContains(t, log.String(), key[4:30])
	}
}

func TestLogTo(t *testing.T) {
	var log bytes.Buffer
	observe := auth.LogTo(slog.New(slog.NewJSONHandler(&log, nil)))
	w := newWorld(t, func(c *auth.Config) { c.Observe = observe })
	line := func(r *http.Request) map[string]any {
		log.Reset()
		serve(w.guard.Require("content/posts/create", who), r)
		var entry map[string]any
		require.NoError(t, json.Unmarshal(log.Bytes(), &entry), log.String())
		delete(entry, "time")
		return entry
	}
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "latchkey", "outcome": "granted", "kind": "custom", "key_id": w.ids[w.editor], "role": "editor",
		"permission": "content/posts/create", "method": "GET", "peer": "192.0.2.1",
	}, line(request("/", "api-key", w.editor)))
	require.Equal(t, map[string]any{
		"level": "WARN", "msg": "latchkey", "outcome": "refused", "reason": "malformed_key", "status": 401.0, "method": "GET", "path": "/", "peer": "192.0.2.1",
		"error": "keys: invalid key: malformed",
	}, line(request("/", "api-key", `x" level=INFO msg="login ok`)))
	w.users.err = errDown
	require.Equal(t, "ERROR", line(request("/", "api-key", w.ada))["level"])
}

// An event has one stable pattern, whatever the router: without the method, or as the host says.
func TestTheRouteOfAnEvent(t *testing.T) {
	for pattern, want := range map[string]string{
		"GET /posts": "/posts", "/posts": "/posts", "GET  \t/posts": "/posts", "GET\t/posts": "/posts", "GET example.com/posts": "example.com/posts",
	} {
		var e auth.Event
		w := newWorld(t, func(c *auth.Config) { c.Observe = func(_ context.Context, got auth.Event) { e = got } })
		mux := http.NewServeMux()
		w.guard.Handle(mux, pattern, "content/posts/read", who)
		serve(mux, request("http://example.com/posts"))
		require.Equal(t, want, e.Route)
	}
	var e auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, got auth.Event) { e = got }
		c.Route = func(r *http.Request) string { return "named " + r.Method }
	})
	serve(w.guard.Require("content/posts/read", who), request("/posts"))
	require.Equal(t, "named GET", e.Route)
}
