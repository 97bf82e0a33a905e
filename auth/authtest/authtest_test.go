package authtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/authtest"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

var (
	editor = roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}}
	reader = roles.Role{AppID: "reader", Permissions: roles.Grants{"content/*/read": true}}
	ok     = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
)

func TestAs(t *testing.T) {
	guard, _ := authtest.New(t, editor, reader)
	h := guard.Require("content/posts/update", ok)
	for role, want := range map[string]int{"editor": 200, "reader": 403, "nosuch": 403, roles.Admin: 200} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, authtest.As(t, guard, httptest.NewRequest("GET", "/", nil), role))
		require.Equal(t, want, w.Code, role)
		require.Equal(t, "Api-Key, Authorization", w.Header().Get("Vary"), "headers are set here too")
	}
	other, _ := authtest.New(t, editor)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, authtest.As(t, other, httptest.NewRequest("GET", "/", nil), "editor"))
	require.Equal(t, 401, w.Code, "another guard's principal is not authenticated here")
}

func TestNewIssuesKeysThatWork(t *testing.T) {
	guard, ring := authtest.New(t, editor)
	issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "test", Role: "editor"})
	require.NoError(t, err)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("api-key", issued.Key.Reveal())
	w := httptest.NewRecorder()
	guard.Require("content/posts/update", ok).ServeHTTP(w, r)
	require.Equal(t, 200, w.Code)
}

// recorder is a testing.TB that takes failures down instead of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Helper() {}

func TestSweepFindsTheForgottenRoute(t *testing.T) {
	guard, _ := authtest.New(t, editor)
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/content/{model}", "content/{model}/read", ok)
	guard.Handle(mux, "POST /api/content/{model}/{rest...}", "content/{model}/create", ok)
	guard.Handle(mux, "example.com/only/here", "content/posts/read", ok)
	guard.HandleOpen(mux, "GET /{$}", ok)
	guard.HandleOpen(mux, "/static/", ok)
	authtest.Sweep(t, guard, mux)

	mux.Handle("GET /forgotten/{id}", ok)
	mux.Handle("/forgotten/tree/", guard.Identify(ok))
	var r recorder
	authtest.Sweep(&r, guard, mux)
	require.Len(t, r.failures, 2)
	require.Contains(t, r.failures[0], `"/forgotten/tree/" is registered neither`)
	require.Contains(t, r.failures[1], `"GET /forgotten/{id}" is registered neither`)
}

func TestSweepFindsTheUnguardedTwin(t *testing.T) {
	guard, _ := authtest.New(t, editor)
	guard.HandleOpen(http.NewServeMux(), "GET /page", ok)
	mux := http.NewServeMux()
	mux.Handle("GET /page", ok) // the pattern is known, this handler is not behind the guard
	var r recorder
	authtest.Sweep(&r, guard, mux)
	require.Equal(t, []string{`authtest: "GET /page" answers a bad key with 200`}, r.failures)

	r = recorder{}
	authtest.Sweep(&r, guard, http.NewServeMux())
	require.Len(t, r.failures, 1, "a sweep that finds nothing proves nothing")

	r = recorder{}
	guard.HandleOpen(http.NewServeMux(), "GET /{id}", ok)
	mux = http.NewServeMux()
	mux.Handle("GET /{id}", ok) // unguarded, and behind a guarded literal
	guard.HandleOpen(mux, "GET /x", ok)
	authtest.Sweep(&r, guard, mux)
	require.Equal(t, []string{`authtest: "GET /{id}" answers a bad key with 200`}, r.failures)
}

func TestSweepKnowsTheGuardsProfile(t *testing.T) {
	guard, err := auth.New(auth.Config{
		Keys: keys.NewRing(keys.NewMemoryStore()), Roles: roles.MustCompile(editor),
		Profile: func(w http.ResponseWriter, _ *http.Request, _ *auth.Refusal) {
			w.WriteHeader(http.StatusPreconditionFailed)
		},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /page", "content/posts/read", ok)
	authtest.Sweep(t, guard, mux)

	guard.HandleOpen(http.NewServeMux(), "GET /twin", ok)
	mux.Handle("GET /twin", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	var r recorder
	authtest.Sweep(&r, guard, mux)
	require.Equal(t, []string{`authtest: "GET /twin" answers a bad key with 401`}, r.failures)
}

func ExampleAs() {
	t := &testing.T{} // the test's own
	guard, _ := auth.New(auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: roles.MustCompile(editor, reader)})
	handler := guard.Require("content/posts/update", ok)

	for _, role := range []string{"editor", "reader"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, authtest.As(t, guard, httptest.NewRequest("POST", "/posts", nil), role))
		fmt.Println(role, w.Code)
	}
	// Output:
	// editor 200
	// reader 403
}
