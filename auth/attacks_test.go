package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// What a review with fresh eyes found. Each test failed before its fix.

func TestPrintingAContextShowsNoKey(t *testing.T) {
	w := newWorld(t)
	var printed bytes.Buffer
	serve(w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		child := context.WithValue(r.Context(), http.ServerContextKey, 1)
		fmt.Fprintf(&printed, "%v %+v %#v %s %d %v", r.Context(), r.Context(), r.Context(), r.Context(), r.Context(), child)
		slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "ctx", r.Context())
	})), request("/", "api-key", w.editor))
	require.Contains(t, printed.String(), "latchkey.Context")
	require.NotContains(t, printed.String(), w.editor)
}

// vanishing is a source of roles that runs out after the first question.
type vanishing struct {
	policy *roles.Policy
	asked  atomic.Int32
}

func (v *vanishing) Policy() *roles.Policy {
	if v.asked.Add(1) > 1 {
		return nil
	}
	return v.policy
}

func TestRequireAnyKeepsA503(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Roles = &vanishing{policy: c.Roles.Policy()} })
	h := w.guard.RequireAny([]string{"content/posts/delete", "content/posts/create"}, who)
	require.Equal(t, 503, serve(h, request("/", "api-key", w.editor)).StatusCode)
}

type bomb struct{}

func (bomb) Policy() *roles.Policy { panic("bang") }

func TestASourceThatPanicsHasNoPolicy(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Roles = bomb{} })
	_, err := w.guard.CheckCall(t.Context(), auth.Call{Header: http.Header{}})
	require.Error(t, err)
	p := w.guard.PrincipalForRole("editor")
	require.Error(t, auth.Allowed(auth.NewContext(t.Context(), p), "content/posts/read"))
	_, _, err = w.guard.Explain(p, "content/posts/read")
	requireReason(t, auth.ReasonNoPolicy, err)
	require.Equal(t, 503, serve(w.guard.Require("content/posts/read", who), request("/", "api-key", w.editor)).StatusCode)
}

func TestCheckCallOverlooksNoSpelling(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"api-key", "API-KEY", "authorization", "api_key", "x-api-key"} {
		_, err := w.guard.CheckCall(t.Context(), auth.Call{Header: http.Header{name: {"API-bad"}}})
		require.Error(t, err, name)
	}
}

func TestBrokenBasicHidesNoKey(t *testing.T) {
	w := newWorld(t)
	for _, tail := range []string{"!", "\x80", "-", "+/_"} {
		v := "Basic " + base64.StdEncoding.EncodeToString([]byte("\xff\xff\xfe"+w.editor+":xx")) + tail
		require.Equal(t, 401, serve(w.guard.Identify(who), request("/", "Authorization", v)).StatusCode, tail)
	}
}

func TestForeignBearerLeavesOnlyTokensToTheHost(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.ForeignBearer = true })
	for v, want := range map[string]int{"Bearer": 401, "Bearer ": 401, "Bearer  ,": 400, "Bearer, Bearer": 400, "Bearer=": 401, "Bearer a, Bearer b": 400, "Bearer theirs": 200} {
		require.Equal(t, want, serve(w.guard.Identify(who), request("/", "Authorization", v)).StatusCode, v)
	}
}

// A key that an outer guard has stripped is not ignored.
func TestAStrippedKeyIsNotIgnored(t *testing.T) {
	outer := newWorld(t, func(c *auth.Config) { c.StripCredentials = true })
	inner := newWorld(t)
	h := outer.guard.Identify(inner.guard.Require("content/posts/read", who))
	require.Equal(t, 401, serve(h, request("/", "api-key", outer.editor)).StatusCode)
	require.Equal(t, 200, serve(h, request("/")).StatusCode)
}

// That holds behind a principal of another guard too.
func TestAStrippedKeyIsNotIgnoredBehindNewContext(t *testing.T) {
	outer := newWorld(t, func(c *auth.Config) { c.StripCredentials = true })
	inner := newWorld(t)
	h := outer.guard.Identify(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx := auth.NewContext(r.Context(), outer.guard.PrincipalForRole("editor"))
		inner.guard.Require("content/posts/read", who).ServeHTTP(rw, r.WithContext(ctx))
	}))
	require.Equal(t, 401, serve(h, request("/", "api-key", outer.editor)).StatusCode)
	require.Equal(t, 200, serve(h, request("/")).StatusCode)
}

func TestStrippingReachesAParsedForm(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) {
		c.StripCredentials, c.Sources = true, auth.SourceAPIKeyHeader|auth.SourceInsecureQuery
	})
	r := request("/?api_key=" + w.editor + "&a=1")
	require.NoError(t, r.ParseForm())
	serve(w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		require.Empty(t, r.FormValue("api_key"))
		require.Equal(t, "1", r.FormValue("a"))
	})), r)
	require.Equal(t, w.editor, r.Form.Get("api_key"), "what is outside keeps its request")
}

// A ResponseWriter in between that has headers of its own does not see what Identify set on the one outside.
func TestVarySurvivesATimeoutHandler(t *testing.T) {
	w := newWorld(t)
	leaf := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Add("Vary", "Accept-Encoding") })
	h := w.guard.Identify(http.TimeoutHandler(w.guard.Require("content/posts/read", auth.PublicCache("public, max-age=60", leaf)), time.Second, ""))
	resp := serve(h, request("/"))
	require.Equal(t, []string{"Api-Key, Authorization", "Accept-Encoding"}, resp.Header["Vary"])
}

func TestUploadedFilesAreRemoved(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	srv := httptest.NewServer(w.guard.Identify(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(0); err != nil {
			http.Error(rw, err.Error(), 400)
		}
	})))
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	file, err := writer.CreateFormFile("f", "x.bin")
	require.NoError(t, err)
	_, err = file.Write(make([]byte, 11<<20))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	resp, err := http.Post(srv.URL, writer.FormDataContentType(), &form)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode)
	srv.Close() // waits until the request is over
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAPermissionMadeFromARequestIsNotRepeated(t *testing.T) {
	var heard []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { heard = append(heard, e) }
	})
	mux := http.NewServeMux()
	mux.Handle("GET /api/{model}", w.guard.RequireFunc(func(r *http.Request) (string, error) {
		return "content/" + r.PathValue("model") + "/read", nil
	}, who))
	for _, model := range []string{w.ada, strings.Repeat("x%20", 1000), "a%0ab"} {
		resp := serve(mux, request("/api/"+model, "api-key", w.editor))
		require.Equal(t, 403, resp.StatusCode)
		requireProblem(t, resp, "")
	}
	require.Len(t, heard, 3)
	for _, e := range heard {
		require.Empty(t, e.Permission)
	}
}

func TestAHalfFilledRefusalIsTheHostsMistake(t *testing.T) {
	w := newWorld(t)
	for _, status := range []int{0, 100, 200, 204, 404, 999} {
		h := w.guard.RequireFunc(func(*http.Request) (string, error) { return "", &auth.Refusal{Status: status} }, who)
		require.Equal(t, 500, serve(h, request("/", "api-key", w.editor)).StatusCode, status)
	}
}

// A SignedIn that hangs may go on reading the request after it was answered.
func TestAHungSignInSharesNoHeaders(t *testing.T) {
	done := make(chan struct{})
	w := newWorld(t, func(c *auth.Config) {
		c.Timeout = 5 * time.Millisecond
		c.SignedIn = func(r *http.Request) (string, error) {
			defer close(done)
			for range 100 {
				_, _ = r.Cookie("session")
				time.Sleep(100 * time.Microsecond)
			}
			return "", nil
		}
	})
	r := request("/")
	require.Equal(t, 503, serve(w.guard.Identify(who), r).StatusCode)
	for range 50 {
		r.Header.Set("X-Trace", "1") // what a layer outside may do
		time.Sleep(100 * time.Microsecond)
	}
	<-done
}

// CrossOriginProtection lets every GET pass, and a websocket's handshake is one.
func TestAWebsocketFromAnotherSiteIsRefused(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.SignedIn = func(*http.Request) (string, error) { return "ada", nil } })
	header := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
	require.Equal(t, 403, serve(w.guard.Require("content/posts/read", who), request("/", header...)).StatusCode)
	header[7] = "same-origin"
	require.Equal(t, 200, serve(w.guard.Require("content/posts/read", who), request("/", header...)).StatusCode)
}

func TestLimitIsAskedOnceARequest(t *testing.T) {
	asked := 0
	w := newWorld(t, func(c *auth.Config) {
		c.Anonymous = nil
		c.Limit = func(*http.Request, auth.Principal) (time.Duration, bool) { asked++; return 0, true }
	})
	serve(w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = w.guard.Check(r) })), request("/"))
	require.Equal(t, 1, asked)
}

// What a handler refuses itself is no granted request.
func TestRefuseInAHandlerIsHeard(t *testing.T) {
	var heard []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { heard = append(heard, e) }
	})
	serve(w.guard.Require("content/posts/read", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.guard.Refuse(rw, r, auth.Allowed(r.Context(), "content/posts/create"))
	})), request("/", "api-key", w.ada))
	require.Len(t, heard, 2)
	require.Equal(t, []any{auth.OutcomeRefused, 403, "content/posts/create"}, []any{heard[1].Outcome, heard[1].Status, heard[1].Permission})
	heard = nil
	_, err := w.guard.Check(request("/", "api-key", w.ada))
	require.NoError(t, err)
	require.Len(t, heard, 1)
	require.Equal(t, auth.OutcomePassed, heard[0].Outcome)
}
