package auth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func observeInto(e *auth.Event) func(*auth.Config) {
	return func(c *auth.Config) { c.Observe = func(_ context.Context, heard auth.Event) { *e = heard } }
}

func TestPublicAPIOff(t *testing.T) {
	for name, role := range map[string]string{"switched off": "", "role does not exist": "gone", "super role": "admin", "super role's look-alike": "ADMIN"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.public.set(role, nil)
			for _, h := range []http.Handler{w.guard.Handler(who), w.guard.Require("content/posts/read", who), w.guard.Identify(w.guard.Require("content/posts/read", who)), w.guard.Identify(w.guard.Handler(who))} {
				resp := serve(h, request("/"))
				require.Equal(t, 401, resp.StatusCode)
				require.Equal(t, `Bearer realm="api"`, resp.Header.Get("WWW-Authenticate"), "no error code when nothing was shown: RFC 6750, section 3.1")
				requireProblem(t, resp, "")
			}
			resp := serve(w.guard.Identify(who), request("/"))
			require.Equal(t, 200, resp.StatusCode, "Identify lets pass; deciding is Require's")
			require.Empty(t, resp.Header.Get("X-Who"), "with no principal")
			require.Equal(t, 401, serve(w.guard.Identify(who), request("/", "api-key", "junk")).StatusCode, "but never with a bad key")
			require.Equal(t, 200, serve(w.guard.Handler(who), request("/", "api-key", w.editor)).StatusCode)
		})
	}
}

func TestWithoutAnonymousThePublicAPIIsClosed(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Anonymous = nil })
	require.Equal(t, 401, serve(w.guard.Require("content/posts/read", who), request("/")).StatusCode)
}

func TestAnonymousCallersLackPermissionsWith401(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, observeInto(&heard))
	resp := serve(w.guard.Require("content/posts/create", who), request("/"))
	require.Equal(t, 401, resp.StatusCode)
	require.Equal(t, auth.ReasonNotGranted, heard.Reason)
	requireProblem(t, resp, "") // and are not told which
}

func TestAll401AreTheSame(t *testing.T) {
	w := newWorld(t)
	h := w.guard.Require("content/posts/create", who)
	first := body(t, serve(h, request("/")))
	for _, key := range []string{"", "junk", w.editor[:len(w.editor)-1] + "x", "USR-" + w.editor[4:]} {
		resp := serve(h, request("/", "api-key", key))
		require.Equal(t, 401, resp.StatusCode)
		require.Equal(t, first, body(t, resp))
	}
}

func TestWithoutUsersEveryUserKeyIsRefused(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Users = nil })
	require.Equal(t, 401, serve(w.guard.Handler(who), request("/", "api-key", w.ada)).StatusCode)
	require.Equal(t, 200, serve(w.guard.Handler(who), request("/", "api-key", w.editor)).StatusCode)
}

func TestTheZeroGuardRefuses(t *testing.T) {
	var g auth.Guard
	for _, h := range []http.Handler{g.Identify(who), g.Handler(who), g.Require("a/b", who), g.RequireAny([]string{"a/b"}, who)} {
		resp := serve(h, request("/"))
		require.Equal(t, 503, resp.StatusCode)
		requireProblem(t, resp, "")
	}
	_, err := g.Check(request("/"))
	require.Error(t, err)
	require.Nil(t, g.Policy())
	require.Empty(t, g.Routes())
	_, _, err = g.Explain(auth.Principal{}, "a/b")
	require.Error(t, err)
}

func TestAdminMayEverythingWellFormed(t *testing.T) {
	w := newWorld(t)
	admin := w.custom(keys.Custom{Name: "x", Role: roles.Admin})
	mux := http.NewServeMux()
	w.guard.Handle(mux, "GET /{model}", "content/{model}/read", who)
	require.Equal(t, 200, serve(mux, request("/posts", "api-key", admin)).StatusCode)
	require.Equal(t, 403, serve(mux, request("/a%2fb", "api-key", admin)).StatusCode)
	upper := w.custom(keys.Custom{Name: "x", Role: "ADMIN"})
	require.Equal(t, 403, serve(mux, request("/posts", "api-key", upper)).StatusCode)
}
