package exposure_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/authtest"
	"github.com/latchkey-go/latchkey/examples/frameworks/exposure"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A site is an application whose reach is on record.
type site struct {
	roles  map[string]roles.Grants
	public string
	routes []func(*auth.Guard, *http.ServeMux)
	outer  func(*auth.Guard, http.Handler) http.Handler
}

func newSite() *site {
	handle := func(pattern, permission string) func(*auth.Guard, *http.ServeMux) {
		return func(g *auth.Guard, mux *http.ServeMux) { g.Handle(mux, pattern, permission, mustNotRun) }
	}
	return &site{
		roles: map[string]roles.Grants{
			"public": {"content/pages/read": true},
			"editor": {"content/*/read": true, "content/pages/update": true, "content/secret/read": false},
		},
		public: "public",
		routes: []func(*auth.Guard, *http.ServeMux){
			handle("GET /api/{model}", "content/{model}/read"),
			handle("POST /api/{model}/{id}", "content/{model}/update"),
			handle("GET /users", "users/read"),
			func(g *auth.Guard, mux *http.ServeMux) { g.HandleKey(mux, "POST /refresh", mustNotRun) },
			func(g *auth.Guard, mux *http.ServeMux) { g.HandleOpen(mux, "GET /healthz", mustNotRun) },
			func(g *auth.Guard, mux *http.ServeMux) {
				g.HandleAny(mux, "GET /stats", []string{"stats/read", "content/pages/update"}, mustNotRun)
			},
		},
		outer: (*auth.Guard).Identify,
	}
}

var mustNotRun = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a guarded handler ran") })

const reviewed = `without a key: GET /api/{model=pages}  content/{model}/read
without a key: GET /healthz  open
editor: GET /api/{model}  content/{model}/read
editor: GET /healthz  open
editor: GET /stats  stats/read or content/pages/update
editor: POST /api/{model=pages}/{id}  content/{model}/update
editor: POST /refresh  any key
`

// failures returns what Exposure finds against the reviewed file.
func (s *site) failures(t *testing.T, file string) []string {
	var all []roles.Role
	for appid, grants := range s.roles {
		all = append(all, roles.Role{AppID: appid, Permissions: grants})
	}
	c := auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: roles.MustCompile(all...)}
	if s.public != "" {
		c.Anonymous = publicapi.Fixed(s.public)
	}
	guard, err := auth.New(c)
	require.NoError(t, err)
	mux := http.NewServeMux()
	for _, register := range s.routes {
		register(guard, mux)
	}
	r := recorder{TB: t}
	exposure.Exposure(&r, guard, file, []string{"editor"}, exposure.Routes(guard, s.outer(guard, mux), mux, guard.Routes()))
	return r.failures
}

func reviewedFile(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "exposure.txt")
	require.NoError(t, os.WriteFile(file, []byte(reviewed), 0o600))
	return file
}

func TestExposureIsAsReviewed(t *testing.T) {
	for name, outer := range map[string]func(*auth.Guard, http.Handler) http.Handler{
		"Identify": (*auth.Guard).Identify, "Handler": (*auth.Guard).Handler,
		"none": func(_ *auth.Guard, h http.Handler) http.Handler { return h },
	} {
		s := newSite()
		s.outer = outer
		require.Empty(t, s.failures(t, reviewedFile(t)), name)
	}
}

func TestExposureIsWrittenOnRequest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "exposure.txt")
	require.Len(t, newSite().failures(t, file), strings.Count(reviewed, "\n"), "no file: all of it is new")
	t.Setenv("LATCHKEY_EXPOSURE", "write")
	require.Empty(t, newSite().failures(t, file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, reviewed, string(text))
}

// Each change that opens something fails, and says what it opens.
func TestExposureFindsOpenings(t *testing.T) {
	add := func(register func(*auth.Guard, *http.ServeMux)) func(*site) {
		return func(s *site) { s.routes = append(s.routes, register) }
	}
	grant := func(role, permission string) func(*site) {
		return func(s *site) { s.roles[role][permission] = true }
	}
	unguarded := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	replace := func(i int, register func(*auth.Guard, *http.ServeMux)) func(*site) {
		return func(s *site) { s.routes[i] = register }
	}
	for what, c := range map[string]struct {
		plant func(*site)
		want  string
	}{
		"a forgotten route": {
			add(func(_ *auth.Guard, mux *http.ServeMux) { mux.Handle("GET /forgotten", unguarded) }),
			"without a key: GET /forgotten  NOT GUARDED",
		},
		"a forgotten subtree": {
			add(func(g *auth.Guard, mux *http.ServeMux) { mux.Handle("/files/", g.Identify(unguarded)) }),
			"without a key: /files/  NOT GUARDED",
		},
		"a route that is guarded on another mux": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) {
				g.Handle(http.NewServeMux(), "GET /users", "users/read", mustNotRun)
				mux.Handle("GET /users", unguarded)
			}), "without a key: GET /users  NOT GUARDED is refused by its rules, and was reached",
		},
		"a route with another rule than is listed": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) {
				g.Handle(http.NewServeMux(), "GET /users", "users/read", mustNotRun)
				mux.Handle("GET /users", g.Require("content/pages/read", mustNotRun))
			}), "without a key: GET /users  content/pages/read is refused by its rules, and was reached",
		},
		"a route that any key opens, and is listed with a permission": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) {
				g.Handle(http.NewServeMux(), "GET /users", "users/read", mustNotRun)
				mux.Handle("GET /users", g.RequireKey(mustNotRun))
			}), "editor: GET /users  any key is refused by its rules, and was reached",
		},
		"a route whose wrapper keeps its guard from being asked": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) {
				guarded := g.Require("users/read", mustNotRun)
				g.Handle(http.NewServeMux(), "GET /users", "users/read", mustNotRun)
				mux.HandleFunc("GET /users", func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("X-Internal") == "" { // a shortcut of the host
						return
					}
					guarded.ServeHTTP(w, r)
				})
			}), "without a key: GET /users  NOT GUARDED is refused by its rules",
		},
		"an open route": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) { g.HandleOpen(mux, "GET /users", mustNotRun) }),
			"does not have: without a key: GET /users  open",
		},
		"a route for any key": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) { g.HandleKey(mux, "GET /users", mustNotRun) }),
			"does not have: editor: GET /users  any key",
		},
		"a weaker permission": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) { g.Handle(mux, "GET /users", "content/pages/read", mustNotRun) }),
			"does not have: without a key: GET /users  content/pages/read",
		},
		"one more permission that is enough": {
			replace(5, func(g *auth.Guard, mux *http.ServeMux) {
				g.HandleAny(mux, "GET /stats", []string{"stats/read", "content/pages/read"}, mustNotRun)
			}), "does not have: without a key: GET /stats  stats/read or content/pages/read",
		},
		"a permission that the program computes": {
			replace(2, func(g *auth.Guard, mux *http.ServeMux) {
				g.Handle(http.NewServeMux(), "GET /users", "users/read", mustNotRun)
				mux.Handle("GET /users", g.RequireFunc(func(*http.Request) (string, error) { return "content/pages/read", nil }, mustNotRun))
			}), "without a key: GET /users  a permission that is computed",
		},
		"a new method": {add(func(g *auth.Guard, mux *http.ServeMux) {
			g.Handle(mux, "DELETE /api/{model}", "content/{model}/read", mustNotRun)
		}), "without a key: DELETE /api/{model=pages}  content/{model}/read"},
		"a new model of the public role": {grant("public", "content/users/read"), "without a key: GET /api/{model=users}  content/{model}/read"},
		"a wildcard for a segment":       {grant("public", "content/*/read"), "does not have: without a key: GET /api/{model}  content/{model}/read"},
		"a wildcard for all":             {grant("public", "**"), "does not have: without a key: POST /api/{model}/{id}  content/{model}/update"},
		"a wildcard of another role":     {grant("editor", "content/**"), "does not have: editor: POST /api/{model}/{id}  content/{model}/update"},
		"a deny that is gone": {func(s *site) {
			delete(s.roles["editor"], "content/secret/read")
			s.roles["editor"]["content/secret/read"] = true
		}, "does not have: editor: GET /api/{model=secret}  content/{model}/read"},
		"a public role that is another": {func(s *site) { s.public = "editor" }, "does not have: without a key: GET /stats"},
		"a stale role: what was reviewed is gone": {func(s *site) { s.roles["public"] = roles.Grants{"content/news/read": true} },
			"has what is not reached: without a key: GET /api/{model=pages}"},
		"a closed public API that was reviewed open": {func(s *site) { s.public = "" }, "has what is not reached: without a key: GET /api/{model=pages}"},
	} {
		s := newSite()
		c.plant(s)
		failures := s.failures(t, reviewedFile(t))
		require.True(t, slices.ContainsFunc(failures, func(f string) bool { return strings.Contains(f, c.want) }), "%s: %q", what, failures)
	}
}

func TestExposureRefusesRolesThatCannotBeListed(t *testing.T) {
	guard, _ := authtest.New(t, roles.Role{AppID: "editor"})
	for _, appid := range []string{roles.Admin, "nosuch"} {
		r := recorder{TB: t}
		exposure.Exposure(&r, guard, filepath.Join(t.TempDir(), "none"), []string{appid})
		require.Equal(t, []string{fmt.Sprintf("exposure: %q is no role whose reach can be listed", appid)}, r.failures)
	}
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
