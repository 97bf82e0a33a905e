package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func TestRequireAllOf(t *testing.T) {
	w := newWorld(t)
	both := w.guard.Require("content/posts/read", w.guard.Require("content/posts/create", who))
	require.Equal(t, 200, serve(both, request("/", "api-key", w.editor)).StatusCode)
	require.Equal(t, 403, serve(both, request("/", "api-key", w.ada)).StatusCode, "reading is not creating")
	swapped := w.guard.Require("content/posts/create", w.guard.Require("content/posts/read", who))
	require.Equal(t, 403, serve(swapped, request("/", "api-key", w.ada)).StatusCode)
}

func TestRequireAny(t *testing.T) {
	w := newWorld(t)
	h := w.guard.RequireAny([]string{"content/secret/read", "content/posts/create"}, who)
	require.Equal(t, 200, serve(h, request("/", "api-key", w.editor)).StatusCode)
	resp := serve(h, request("/", "api-key", w.ada))
	require.Equal(t, 403, resp.StatusCode)
	requireProblem(t, resp, "content/secret/read")
	require.Panics(t, func() { w.guard.RequireAny(nil, who) })
	require.Panics(t, func() { w.guard.RequireAny([]string{"a//b"}, who) })
}

// A 401 says where a key belongs, in the same bytes for each cause. A 400 says which rule was broken.
func TestRefusalsHelp(t *testing.T) {
	for want, sources := range map[string]auth.Sources{
		"Send the key in the header api-key, or in the header Authorization after the word Bearer.": 0,
		"Send the key in the header X-Api-Key.":                                                     auth.SourceNonstandardXAPIKey,
	} {
		w := newWorld(t, func(c *auth.Config) { c.Sources, c.Anonymous = sources, nil })
		header := "api-key"
		if sources != 0 {
			header = "X-Api-Key"
		}
		expired, over := w.custom(keys.Custom{ExpiresAt: time.Now().Add(time.Millisecond)}), w.custom(keys.Custom{})
		require.NoError(t, w.ring.Invalidate(t.Context(), w.ids[over]))
		w.users.set(auth.User{ID: "ada", Role: "viewer"}) // inactive
		time.Sleep(2 * time.Millisecond)
		h := w.guard.Handler(who)
		missing := body(t, serve(h, request("/")))
		require.Contains(t, missing, want)
		for _, key := range []string{"junk", "API-94f0c2d81be7356a0f5d27c3e8a1b46900000000", expired, over, w.ada} {
			require.Equal(t, missing, body(t, serve(h, request("/", header, key))))
		}
	}
	w := newWorld(t)
	for reason, r := range map[auth.Reason]*http.Request{
		auth.ReasonAmbiguous:    request("/", "api-key", w.editor, "Authorization", "Bearer "+w.editor),
		auth.ReasonRepeatedKey:  request("/", "api-key", w.editor, "api-key", w.editor),
		auth.ReasonMisspeltName: request("/", "api_key", w.editor),
		auth.ReasonKeyInQuery:   request("/?api_key=x"),
	} {
		_, err := w.guard.Check(r)
		refusal, ok := errors.AsType[*auth.Refusal](err)
		require.True(t, ok)
		require.Equal(t, []any{400, reason}, []any{refusal.Status, refusal.Reason})
		require.NotEmpty(t, refusal.Detail)
	}
}

// Any valid key or sign-in will do, with a role or without. The public role is none.
func TestRequireKey(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) {
		c.SignedIn = func(r *http.Request) (string, error) { return r.Header.Get("X-Test-User"), nil }
	})
	mux := http.NewServeMux()
	w.guard.HandleKey(mux, "GET /me", who)
	require.Equal(t, []auth.Route{{Pattern: "GET /me", Key: true}}, w.guard.Routes())
	require.False(t, w.guard.Routes()[0].ReachedBy(w.policy, roles.Rights{Role: "viewer"}), "not without a key")
	roleless, over := w.custom(keys.Custom{Name: "no role"}), w.custom(keys.Custom{Name: "over"})
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids[over]))
	for _, h := range []http.Handler{mux, w.guard.Identify(mux), w.guard.Handler(mux)} {
		for key, want := range map[string]int{w.editor: 200, w.ada: 200, roleless: 200, over: 401, "API-wrong": 401} {
			require.Equal(t, want, serve(h, request("/me", "api-key", key)).StatusCode)
		}
		require.Equal(t, 200, serve(h, request("/me", "X-Test-User", "ada")).StatusCode)
		require.Equal(t, 401, serve(h, request("/me", "X-Test-User", "gone")).StatusCode)
		require.Equal(t, 401, serve(h, request("/me")).StatusCode)
	}
	require.Panics(t, func() { w.guard.RequireKey(nil) })
}

func TestRequireFunc(t *testing.T) {
	w := newWorld(t)
	h := w.guard.RequireFunc(func(r *http.Request) (string, error) {
		switch v := r.URL.Query().Get("v"); v {
		case "down":
			return "", errDown
		case "limit":
			return "", &auth.Refusal{Status: 429, Reason: auth.ReasonRateLimited}
		default:
			return "content/posts/" + v, nil
		}
	}, who)
	for target, want := range map[string]int{"/?v=read": 200, "/?v=create": 403, "/?v=": 403, "/?v=*": 403, "/?v=a/b/../c": 403, "/?v=down": 503, "/?v=limit": 429} {
		require.Equal(t, want, serve(h, request(target, "api-key", w.ada)).StatusCode, target)
	}
}

func TestMiddleware(t *testing.T) {
	w := newWorld(t)
	h := w.guard.Middleware("content/posts/create")(who)
	require.Equal(t, 200, serve(h, request("/", "api-key", w.editor)).StatusCode)
	require.Equal(t, 403, serve(h, request("/", "api-key", w.ada)).StatusCode)
}

func TestMalformedPermissionsPanicAtRegistration(t *testing.T) {
	w := newWorld(t)
	for _, permission := range []string{"", "/", "a//b", "a/*", "**", "a/../b", "a/{b", "a/{}", "a/x{b}", "a/{b...}", "a b", "{a}{b}/c", "a/{b}}/c"} {
		require.Panics(t, func() { w.guard.Require(permission, who) }, permission)
		require.Panics(t, func() { w.guard.Middleware(permission) }, permission)
		require.Panics(t, func() { w.guard.Handle(http.NewServeMux(), "/", permission, who) }, permission)
	}
	require.Panics(t, func() { w.guard.Require("a/b", nil) })
}

func TestAPathValueIsOneSegmentOrRefused(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	w.guard.Handle(mux, "GET /api/{model}/items", "content/{model}/read", who)
	for path, want := range map[string]int{
		"/api/posts/items": 200, "/api/secret/items": 403, "/api/POSTS/items": 403, "/api/posts%2f/items": 403, "/api/posts%2fread/items": 403,
		"/api/%2e%2e/items": 403, "/api/*/items": 403, "/api/%00/items": 403, "/api/posts%20/items": 403, "/api/%D1%80osts/items": 403,
	} {
		require.Equal(t, want, serve(mux, request(path, "api-key", w.editor)).StatusCode, path)
		if want == 403 {
			require.Equal(t, 401, serve(mux, request(path)).StatusCode, path)
		}
	}
}

func TestRoutersOfOtherKinds(t *testing.T) {
	type paramsKey struct{}
	w := newWorld(t, func(c *auth.Config) {
		c.PathValue = func(r *http.Request, name string) string {
			return r.Context().Value(paramsKey{}).(map[string]string)[name]
		}
	})
	h := w.guard.Require("content/{model}/read", who)
	r := request("/whatever", "api-key", w.editor)
	r = r.WithContext(context.WithValue(r.Context(), paramsKey{}, map[string]string{"model": "posts"}))
	require.Equal(t, 200, serve(h, r).StatusCode)
	require.Equal(t, 500, serve(h, request("/", "api-key", w.editor)).StatusCode, "host code that panics is 500")
}

func TestThePatternIsHandedBack(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	w.guard.Handle(mux, "GET /a/{model}", "content/{model}/read", who)
	r := request("/a/posts", "api-key", w.editor)
	serve(w.guard.Identify(mux), r)
	require.Equal(t, "GET /a/{model}", r.Pattern, "for the log outside")

	mux.HandleFunc("GET /panics", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	r = request("/panics")
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { serve(w.guard.Identify(mux), r) }, "a handler's panic is the server's")
	require.Equal(t, "GET /panics", r.Pattern)
}

func TestOneRequestIsAuthenticatedOnce(t *testing.T) {
	w := newWorld(t)
	h := w.guard.Identify(w.guard.Handler(w.guard.Require("content/posts/read", w.guard.Require("content/posts/read", who))))
	require.Equal(t, 200, serve(h, request("/", "api-key", w.ada)).StatusCode)
	require.Equal(t, 1, w.users.asks)
	// also with a context in between that is not ours
	type k struct{}
	between := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.guard.Require("content/posts/read", who).ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), k{}, 1)))
	})
	require.Equal(t, 200, serve(w.guard.Identify(between), request("/", "api-key", w.ada)).StatusCode)
	require.Equal(t, 2, w.users.asks)
}

func TestTwoGuardsDoNotSeeEachOther(t *testing.T) {
	a, b := newWorld(t), newWorld(t)
	b.public.set("", nil)
	h := a.guard.Identify(b.guard.Require("content/posts/read", who))
	require.Equal(t, 401, serve(h, request("/", "api-key", a.editor)).StatusCode, "a's key is not b's")
	h = a.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, ok := b.guard.PrincipalFrom(r.Context())
		require.False(t, ok)
		p, ok := a.guard.PrincipalFrom(r.Context())
		require.True(t, ok)
		_, _, err := b.guard.Explain(p, "content/posts/read")
		requireReason(t, auth.ReasonMissingKey, err)
		_, _, err = a.guard.Explain(p, "content/posts/read")
		require.NoError(t, err)
	}))
	require.Equal(t, 200, serve(h, request("/", "api-key", a.editor)).StatusCode)
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	p, err := w.guard.Check(request("/", "api-key", w.ada))
	require.NoError(t, err)
	require.Equal(t, auth.KindUserKey, p.Kind())
	require.Equal(t, "ada", p.UserID())
	require.Equal(t, "Ada", p.Name())
	require.Equal(t, "viewer", p.Role())
	require.Equal(t, w.ids[w.ada], p.KeyID())
	require.True(t, p.Authenticated())
	again, err := w.guard.Check(request("/", "Authorization", "Bearer "+w.editor))
	require.NoError(t, err)
	same, err := w.guard.Check(request("/", "api-key", w.editor))
	require.NoError(t, err)
	require.True(t, again == same, "the same principal from every source")

	_, err = w.guard.Check(request("/", "api-key", "junk"))
	var refusal *auth.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, 401, refusal.Status)
	require.EqualError(t, err, "Authentication failed")
	w.public.set("", nil)
	_, err = w.guard.Check(request("/"))
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, auth.ReasonMissingKey, refusal.Reason)
}

func TestCheckCall(t *testing.T) {
	w := newWorld(t)
	key := w.custom(keys.Custom{Name: "x", Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	h := http.Header{"Api-Key": {key}}
	_, err := w.guard.CheckCall(t.Context(), auth.Call{Header: h, Peer: netip.MustParseAddr("10.2.3.4")})
	require.NoError(t, err)
	_, err = w.guard.CheckCall(t.Context(), auth.Call{Header: h, Peer: netip.MustParseAddr("::ffff:10.2.3.4")})
	require.NoError(t, err)
	for _, peer := range []netip.Addr{{}, netip.MustParseAddr("11.0.0.1"), netip.MustParseAddr("::1")} {
		_, err = w.guard.CheckCall(t.Context(), auth.Call{Header: h, Peer: peer})
		require.Error(t, err, peer)
	}
	_, err = w.guard.CheckCall(t.Context(), auth.Call{Header: h, Query: "api_key=x", Peer: netip.MustParseAddr("10.2.3.4")})
	require.Error(t, err)
	p, err := w.guard.CheckCall(t.Context(), auth.Call{})
	require.NoError(t, err)
	require.Equal(t, auth.KindPublic, p.Kind())
}

func TestLimit(t *testing.T) {
	var asked []auth.Kind
	w := newWorld(t, func(c *auth.Config) {
		c.Limit = func(_ *http.Request, p auth.Principal) (time.Duration, bool) {
			asked = append(asked, p.Kind())
			return 90 * time.Second, p.Kind() != auth.KindCustomKey
		}
	})
	h := w.guard.Identify(w.guard.Require("content/posts/read", who))
	resp := serve(h, request("/", "api-key", w.editor))
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "90", resp.Header.Get("Retry-After"))
	requireProblem(t, resp, "")
	require.Equal(t, 200, serve(h, request("/", "api-key", w.ada)).StatusCode)
	require.Equal(t, 401, serve(h, request("/", "api-key", "junk")).StatusCode)
	require.Equal(t, []auth.Kind{auth.KindCustomKey, auth.KindUserKey}, asked, "once a request, after authentication")
}

func TestAProfileOfTheHostNeedsNoRetryAfter(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) {
		c.Limit = func(*http.Request, auth.Principal) (time.Duration, bool) { return 1500 * time.Millisecond, false }
		c.Profile = func(w http.ResponseWriter, _ *http.Request, refusal *auth.Refusal) { w.WriteHeader(refusal.Status) }
	})
	h := w.guard.Identify(who)
	resp := serve(h, request("/", "api-key", w.editor))
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "2", resp.Header.Get("Retry-After"))
	require.Empty(t, serve(h, request("/", "api-key", "junk")).Header.Get("Retry-After"))
}

// Many identities at once: no request ever gets another's principal.
func TestNoIdentityLeaksIntoAnotherRequest(t *testing.T) {
	w := newWorld(t)
	h := w.guard.Identify(w.guard.Require("content/posts/read", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		fmt.Fprint(rw, p.KeyID())
	})))
	var wg sync.WaitGroup
	for i := range 64 {
		key := w.custom(keys.Custom{Name: fmt.Sprint(i), Role: "editor"})
		id := w.ids[key]
		wg.Go(func() {
			for range 300 {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, request("/", "api-key", key))
				if rec.Body.String() != id {
					t.Errorf("asked as %s, answered as %s", id, rec.Body)
					return
				}
			}
		})
	}
	wg.Wait()
}
