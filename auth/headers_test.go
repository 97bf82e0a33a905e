package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

func TestACORSLayerOutsideKeepsItsVary(t *testing.T) {
	w := newWorld(t)
	cors := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Add("Vary", "Origin")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			next.ServeHTTP(rw, r)
		})
	}
	h := cors(w.guard.Identify(w.guard.Require("content/posts/create", who)))
	for _, key := range []string{w.editor, w.ada, "junk"} {
		resp := serve(h, request("/", "api-key", key))
		require.Equal(t, []string{"Origin", "Api-Key, Authorization"}, resp.Header.Values("Vary"))
	}
	preflight := httptest.NewRequest(http.MethodOptions, "/", nil)
	preflight.Header.Set("Access-Control-Request-Method", "GET")
	require.Equal(t, 204, serve(h, preflight).StatusCode, "a preflight carries no key and needs none")
}

func TestAHandlerThatEditsVarySpoilsNoOtherRequest(t *testing.T) {
	w := newWorld(t)
	vandal := w.guard.Identify(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header()["Vary"][0] = "Nothing"
		rw.Header()["Cache-Control"][0] = "public"
		rw.Header().Add("Vary", "Cookie")
		rw.Header().Add("Cache-Control", "immutable")
	}))
	for range 3 {
		resp := serve(vandal, request("/", "api-key", w.editor))
		require.Equal(t, []string{"Nothing", "Cookie"}, resp.Header.Values("Vary"))
		requireHeaders(t, serve(w.guard.Identify(who), request("/", "api-key", w.editor)))
		requireHeaders(t, serve(w.guard.Require("content/posts/read", who), request("/", "api-key", w.ada)))
		requireHeaders(t, serve(w.guard.Require("content/posts/create", who), request("/")))
	}
}

func TestAHandlerMaySayOtherwise(t *testing.T) {
	w := newWorld(t)
	h := w.guard.Require("content/posts/read", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "private, max-age=10")
	}))
	require.Equal(t, "private, max-age=10", serve(h, request("/", "api-key", w.editor)).Header.Get("Cache-Control"))
}

func TestPublicCache(t *testing.T) {
	const cached = "public, max-age=60"
	w := newWorld(t)
	read := w.guard.Require("content/posts/read", auth.PublicCache(cached, who))
	for name, h := range map[string]http.Handler{"alone": read, "inside Identify": w.guard.Identify(read)} {
		t.Run(name, func(t *testing.T) {
			resp := serve(h, request("/"))
			require.Equal(t, cached, resp.Header.Get("Cache-Control"))
			require.Equal(t, "Api-Key, Authorization", resp.Header.Get("Vary"))
			head := httptest.NewRequest(http.MethodHead, "/", nil)
			require.Equal(t, cached, serve(h, head).Header.Get("Cache-Control"))
			post := httptest.NewRequest(http.MethodPost, "/", nil)
			requireHeaders(t, serve(h, post))
			requireHeaders(t, serve(h, request("/", "api-key", w.editor)))
			requireHeaders(t, serve(h, request("/", "api-key", "junk")))
		})
	}
	refused := w.guard.Require("content/posts/create", auth.PublicCache(cached, who))
	requireHeaders(t, serve(refused, request("/")))
	mux := http.NewServeMux()
	w.guard.HandleOpen(mux, "/", auth.PublicCache(cached, who))
	require.Equal(t, cached, serve(mux, request("/")).Header.Get("Cache-Control"))
	w.public.set("", nil)
	requireHeaders(t, serve(mux, request("/")))
}

func TestRefuseInsideAHandler(t *testing.T) {
	w := newWorld(t)
	h := w.guard.Require("content/posts/read", auth.PublicCache("public", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := auth.Allowed(r.Context(), "content/posts/create"); err != nil {
			w.guard.Refuse(rw, r, err)
			return
		}
		who(rw, r)
	})))
	require.Equal(t, 200, serve(h, request("/", "api-key", w.editor)).StatusCode)
	resp := serve(h, request("/", "api-key", w.ada))
	require.Equal(t, 403, resp.StatusCode)
	requireProblem(t, resp, "content/posts/create")
	resp = serve(h, request("/"))
	require.Equal(t, 401, resp.StatusCode)
	requireProblem(t, resp, "")
	other := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.guard.Refuse(rw, r, errDown) })
	resp = serve(other, request("/"))
	require.Equal(t, 503, resp.StatusCode, "an error that is not a refusal is a store error")
	requireProblem(t, resp, "")
}

func TestProfile(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) {
		c.Profile = func(rw http.ResponseWriter, r *http.Request, refusal *auth.Refusal) {
			http.Error(rw, refusal.Error(), http.StatusPreconditionFailed)
		}
	})
	resp := serve(w.guard.Handler(who), request("/", "api-key", "junk"))
	require.Equal(t, 412, resp.StatusCode)
	require.Equal(t, "Authentication failed\n", body(t, resp))
	requireHeaders(t, resp)
}

func TestStripCredentials(t *testing.T) {
	strip := func(c *auth.Config) {
		c.StripCredentials = true
		c.Sources = auth.SourceAPIKeyHeader | auth.SourceBearer | auth.SourceNonstandardXAPIKey | auth.SourceInsecureQuery
	}
	w := newWorld(t, strip)
	var seen *http.Request
	h := w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }))
	for _, r := range []*http.Request{
		request("/?a=1&b=2", "api-key", w.editor, "Accept", "x", "Authorization", basic("u", "p")),
		request("/?a=1&b=2", "Authorization", "Bearer "+w.editor, "Accept", "x"),
		request("/?a=1&b=2", "X-Api-Key", w.editor, "Accept", "x"),
		request("/?a=1&api_key="+w.editor+"&b=2", "Accept", "x"),
	} {
		before, beforeURL := r.Header.Clone(), *r.URL
		resp := serve(h, r)
		require.Equal(t, 200, resp.StatusCode)
		require.NotContains(t, seen.Header, "Api-Key")
		require.NotContains(t, seen.Header, "X-Api-Key")
		require.NotContains(t, seen.Header.Get("Authorization"), "Bearer")
		require.Equal(t, "x", seen.Header.Get("Accept"))
		require.Equal(t, "a=1&b=2", seen.URL.RawQuery)
		require.NotContains(t, seen.RequestURI, w.editor)
		require.Equal(t, before, r.Header, "what is outside keeps its request")
		require.Equal(t, beforeURL, *r.URL)
		require.Equal(t, "Api-Key, Authorization, X-Api-Key", resp.Header.Get("Vary"))
	}
	require.Equal(t, 200, serve(h, request("/", "Authorization", basic("u", "p"))).StatusCode)
	require.NotEmpty(t, seen.Header.Get("Authorization"), "what is not ours stays")
}
