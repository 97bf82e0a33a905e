package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	ginrouter "github.com/gin-gonic/gin"
	chirouter "github.com/go-chi/chi/v5"
	echorouter "github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/authtest"
	"github.com/latchkey-go/latchkey/examples/frameworks/chi"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
	"github.com/latchkey-go/latchkey/examples/frameworks/echo"
	"github.com/latchkey-go/latchkey/examples/frameworks/exposure"
	"github.com/latchkey-go/latchkey/examples/frameworks/gin"
)

// send sends a request and returns its answer.
func send(t *testing.T, method, url, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(text)
}

func withKey(key string) http.Header {
	if key == "" {
		return http.Header{}
	}
	return http.Header{"Api-Key": {key}}
}

func init() { ginrouter.SetMode(ginrouter.TestMode) }

func dialHTTP(t *testing.T, s *site) {
	url := listen(t, s.handler)
	do := func(method, path, key string) int {
		resp, body := send(t, method, url+path, "", withKey(key))
		require.Contains(t, strings.Join(resp.Header.Values("Vary"), ", "), "Api-Key", "%s %s", method, path)
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"), "%s %s", method, path)
		if method == http.MethodHead {
			require.Empty(t, body)
		}
		return ok(resp.StatusCode)
	}
	s.menus = func(key string) int { return do("GET", "/api/pages/menus", key) }
	s.create = func(key, model string) int { return do("POST", "/api/content/"+model, key) }
	s.method = func(method, key string) int {
		resp, _ := send(t, method, url+"/api/pages/menus", "", withKey(key))
		return resp.StatusCode
	}
	s.forget = func() string {
		switch router := s.router.(type) {
		case *http.ServeMux:
			router.HandleFunc("GET /forgotten", http.NotFound)
		case *chirouter.Mux:
			router.Get("/forgotten", http.NotFound)
		case *echorouter.Echo:
			router.GET("/forgotten", func(c *echorouter.Context) error { return c.NoContent(http.StatusNotFound) })
		case *ginrouter.Engine:
			router.GET("/forgotten", func(c *ginrouter.Context) { c.Status(http.StatusNotFound) })
		}
		return "GET /forgotten"
	}
	s.sweep = func() ([]string, map[string]string) {
		found := &recorder{TB: t}
		var routes []auth.Route
		switch router := s.router.(type) {
		case *http.ServeMux:
			authtest.Sweep(found, s.guard, router)
			routes = s.guard.Routes()
		case *chirouter.Mux:
			var err error
			routes, found.names, err = chi.Routes(router)
			require.NoError(t, err)
		case *echorouter.Echo:
			routes = authtest.SweepHandler(found, s.guard, s.handler, echo.Patterns(router))
		case *ginrouter.Engine:
			routes = authtest.SweepHandler(found, s.guard, s.handler, gin.Patterns(router))
		}
		guarded := map[string]string{}
		for _, route := range routes {
			guarded[route.Pattern] = route.Permission
		}
		return found.names, guarded
	}
	s.misnamed = func(key string) int {
		guarded := s.guard.Require("content/{model}/create", http.NotFoundHandler())
		switch router := s.router.(type) {
		case *http.ServeMux:
			router.Handle("POST /misnamed/{other}", guarded)
		case *chirouter.Mux:
			router.Method("POST", "/misnamed/{other}", guarded)
		case *echorouter.Echo:
			router.POST("/misnamed/:other", echorouter.WrapHandler(guarded))
		case *ginrouter.Engine:
			router.POST("/misnamed/:model", ginrouter.WrapH(guarded)) // which does not pass gin's values on
		}
		resp, body := send(t, "POST", url+"/misnamed/posts", "", withKey(key))
		require.Contains(t, body, "Config.PathValue")
		return resp.StatusCode
	}
}

// A route is guarded without Identify around the router as well, and its handler knows the caller.
func TestRoutesAloneAreGuarded(t *testing.T) {
	for _, name := range []string{"net/http", "chi", "echo", "gin", "huma"} {
		s := newSite(t, name)
		url := listen(t, s.router.(http.Handler))
		for _, c := range []struct {
			key, model string
			want       int
		}{{s.editor, "posts", 201}, {s.writer, "secret", 403}, {s.wrong, "posts", 401}, {"", "posts", 401}} {
			resp, _ := send(t, "POST", url+"/api/content/"+c.model, "", withKey(c.key))
			require.Equal(t, c.want, resp.StatusCode, name)
		}
		require.Equal(t, []content.Item{{Model: "posts", By: "editor"}}, created(s), name)
	}
}

// listen serves h and returns its address.
func listen(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// A recorder takes the place of a test that must fail, and keeps the patterns that its errors name.
type recorder struct {
	testing.TB
	names []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.names = append(r.names, args[0].(string))
}

// What callers reach is the same with each router, and stands in a file.
func TestExposure(t *testing.T) {
	for _, name := range []string{"net/http", "chi", "echo", "gin", "huma"} {
		s := newSite(t, name)
		var routes []auth.Route
		switch router := s.router.(type) {
		case *chirouter.Mux:
			var err error
			routes, _, err = chi.Routes(router)
			require.NoError(t, err)
		case *echorouter.Echo:
			routes = authtest.SweepHandler(t, s.guard, s.handler, echo.Patterns(router))
		case *ginrouter.Engine:
			routes = authtest.SweepHandler(t, s.guard, s.handler, gin.Patterns(router))
		case *http.ServeMux:
			routes = s.guard.Routes()
		}
		file := "testdata/" + strings.ReplaceAll(name, "/", "") + ".exposure"
		exposure.Exposure(t, s.guard, file, []string{"writer", "editor"}, exposure.Routes(s.guard, s.handler, nil, routes))
	}
}
