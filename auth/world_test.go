package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A world is a guard with all that hosts put around it, and what tests turn.
type world struct {
	t      *testing.T
	store  *keys.MemoryStore
	ring   *keys.Ring
	users  *table
	public *switchable
	policy *roles.Policy
	guard  *auth.Guard
	editor string // a custom key that may read and create posts
	ada    string // a user key; ada reads posts
	ids    map[string]string
}

var (
	viewer = roles.Role{AppID: "viewer", Permissions: roles.Grants{"content/posts/read": true}}
	editor = roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true}}
)

// table is a host's table of users.
type table struct {
	mu   sync.Mutex
	rows map[string]auth.User
	err  error
	asks int
}

func (u *table) User(_ context.Context, id string) (auth.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asks++
	if u.err != nil {
		return auth.User{}, u.err
	}
	row, ok := u.rows[id]
	if !ok {
		return auth.User{}, auth.ErrNoUser
	}
	return row, nil
}

func (u *table) set(user auth.User) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.rows[user.ID] = user
}

// switchable is a public role that tests change.
type switchable struct {
	mu   sync.Mutex
	role string
	err  error
}

func (s *switchable) PublicRole(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.role, s.err
}

func (s *switchable) set(role string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role, s.err = role, err
}

var errDown = errors.New("connection refused to 10.0.0.7: password=hunter2")

// newWorld makes a guard whose public role is viewer. change may alter its configuration.
func newWorld(t *testing.T, change ...func(*auth.Config)) *world {
	t.Helper()
	store := keys.NewMemoryStore()
	ring, err := keys.Open(keys.Config{Store: store, FlushEvery: time.Hour}) // no flush while a test prints what it has
	require.NoError(t, err)
	w := &world{
		t:      t,
		store:  store,
		ring:   ring,
		users:  &table{rows: map[string]auth.User{"ada": {ID: "ada", Name: "Ada", Role: "viewer", Active: true}}},
		public: &switchable{role: "viewer"},
		policy: roles.MustCompile(viewer, editor),
		ids:    map[string]string{},
	}
	t.Cleanup(func() { require.NoError(t, w.ring.Close(context.Background())) })
	w.editor = w.custom(keys.Custom{Name: "build", Role: "editor"})
	issued, err := w.ring.IssueUser(t.Context(), "ada", keys.User{})
	require.NoError(t, err)
	w.ada = issued.Key.Reveal()
	w.ids[w.ada] = issued.Record.ID

	c := auth.Config{Keys: w.ring, Roles: w.policy, Users: w.users, Anonymous: w.public}
	for _, f := range change {
		f(&c)
	}
	w.guard, err = auth.New(c)
	require.NoError(t, err)
	return w
}

func (w *world) custom(c keys.Custom) string {
	w.t.Helper()
	issued, err := w.ring.IssueCustom(w.t.Context(), c)
	require.NoError(w.t, err)
	w.ids[issued.Key.Reveal()] = issued.Record.ID
	return issued.Key.Reveal()
}

// who answers with the kind of principal that it sees.
var who = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.PrincipalFrom(r.Context())
	w.Header().Set("X-Who", string(p.Kind()))
	_, _ = io.WriteString(w, "handled")
})

// request makes a GET of target with header lines given as name, value, name, value.
func request(target string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b)
}

var _ auth.Anonymous = (*publicapi.Service)(nil)
