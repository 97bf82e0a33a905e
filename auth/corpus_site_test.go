package auth_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A stage is how one guard of a scene is configured.
type stage struct {
	publicOff bool
	sources   auth.Sources // 0: the default
	fault     string       // see inject
	cockpit   bool         // under Cockpit's profile
}

// A site is one server with the routes of the corpus.
type site struct {
	server *httptest.Server
	mu     sync.Mutex
	saw    sight
}

// A sight is what a server saw of one request from the inside. An answer could say anything.
type sight struct {
	arrived  bool           // net/http's parser let it through
	passed   bool           // the guard let it through to the mux
	attached auth.Principal // by the guard, before the mux
	handled  bool           // a handler ran
	handler  auth.Principal // as the handler saw it
}

func (s *site) note(change func(*sight)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.saw)
}

// at returns the scene's site for a stage, and starts it if it is new.
func (s *scene) at(t *testing.T, st stage) *site {
	t.Helper()
	if s.sites[st] == nil {
		s.sites[st] = s.start(t, st)
	}
	return s.sites[st]
}

func (s *scene) start(t *testing.T, st stage) *site {
	t.Helper()
	c := auth.Config{
		Keys: s.ring, Roles: s.policy, Users: s.users, Anonymous: s.public(t, st.publicOff), Sources: st.sources,
		Observe: auth.LogTo(slog.New(slog.NewJSONHandler(&s.log, nil))),
	}
	if st.cockpit {
		c = cockpit.Configure(c)
	}
	s.inject(t, &c, st.fault)
	guard, err := auth.New(c)
	require.NoError(t, err)

	here := new(site)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		here.note(func(saw *sight) { saw.handled, saw.handler = true, p })
		_, _ = io.WriteString(w, "handled\n")
	})
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/content/{model}/items", "content/{model}/read", handler)
	guard.Handle(mux, "POST /api/content/{model}/items", "content/{model}/create", handler)
	guard.HandleOpen(mux, "POST /api/echo", handler)
	guard.HandleOpen(mux, "/public/", handler)

	seen := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := guard.PrincipalFrom(r.Context())
		here.note(func(saw *sight) { saw.passed, saw.attached = true, p })
		mux.ServeHTTP(w, r)
	})
	guarded := guard.Identify(seen)
	here.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.arrived.Add(1)
		here.note(func(saw *sight) { saw.arrived = true })
		guarded.ServeHTTP(w, r)
	}))
	here.server.Config.ErrorLog = log.New(&s.log, "", 0)
	here.server.Start()
	s.t.Cleanup(here.server.Close) // it serves other entries too
	return here
}

// public is the setting of the public API: the role viewer, or closed.
func (s *scene) public(t *testing.T, off bool) *publicapi.Service {
	t.Helper()
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Label: "Read items", Effect: roles.EffectRead},
		{Permission: "content/{model}/create", Label: "Create items"},
	}})
	require.NoError(t, err)
	var store publicapi.Store = publicapi.NewMemoryStore()
	if !s.instant {
		store = struct{ publicapi.Store }{store}
	}
	public, err := publicapi.New(publicapi.Config{Store: store, Roles: s.policy, Catalog: catalog, Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	preview, err := public.Preview(t.Context(), "viewer")
	require.NoError(t, err)
	require.NoError(t, public.Set(t.Context(), publicapi.Opening{Role: "viewer", By: "the test", Token: preview.Token}))
	if off {
		require.NoError(t, public.Disable(t.Context(), "the test"))
	}
	return public
}

// close stops all servers, so that every event is told.
func (s *scene) close() {
	for _, here := range s.sites {
		here.server.Close()
	}
}

// An answer is what came back, and what the server saw.
type answer struct {
	raw    string
	status int
	header http.Header
	body   string
	sight
	finds int64 // look-ups in the key store
}

// send writes raw over a connection of its own and reads until the server closes it.
func (s *scene) send(t *testing.T, here *site, raw []byte) answer {
	t.Helper()
	here.note(func(saw *sight) { *saw = sight{} })
	before := s.finds.Load()
	conn, err := net.Dial("tcp", here.server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, _ = conn.Write(raw) // a server may have answered before it read all
	got, err := io.ReadAll(conn)
	if len(got) == 0 {
		require.NoError(t, err)
	}
	method, _, _ := strings.Cut(string(raw[:min(len(raw), 16)]), " ")
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(got)), &http.Request{Method: method})
	require.NoError(t, err, "answer %q", got)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err, "answer %q", got)

	a := answer{raw: string(got), status: resp.StatusCode, header: resp.Header, body: string(body)}
	here.note(func(saw *sight) { a.sight = *saw })
	a.finds = s.finds.Load() - before
	return a
}

// A logbook keeps all that was logged, by whomever.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// hear logs an error of a background task of the ring.
func (l *logbook) hear(err error) {
	slog.New(slog.NewJSONHandler(l, nil)).LogAttrs(context.Background(), slog.LevelError, "ring", slog.Any("error", err))
}
