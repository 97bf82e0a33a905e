package cockpit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A frontDoor is a content API under Cockpit's profile. The public role is web, which reads posts.
type frontDoor struct {
	t      *testing.T
	ring   *keys.Ring
	store  *failingKeys
	users  auth.UserMap
	public publicRole
	guard  *auth.Guard
	api    http.Handler
	ids    map[string]string // of the keys' records
}

// publicRole is the public API's role, or "" while it is closed.
type publicRole struct {
	role string
	err  error
}

func (p *publicRole) PublicRole(context.Context) (string, error) { return p.role, p.err }

// A failingKeys is a store whose look-ups may fail.
type failingKeys struct {
	keys.Store
	err error
}

func (s *failingKeys) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if s.err != nil {
		return keys.Record{}, s.err
	}
	return s.Store.Find(ctx, space, digests)
}

var errOnFire = errors.New("the disk of db-7 is on fire")

func openFrontDoor(t *testing.T, change ...func(*auth.Config)) *frontDoor {
	t.Helper()
	d := &frontDoor{
		t: t, store: &failingKeys{Store: keys.NewMemoryStore()}, ids: map[string]string{}, public: publicRole{role: "web"},
		users: auth.UserMap{"ada": {Name: "Ada", Role: "editor", Active: true}, "ina": {Name: "Ina", Role: "editor"}},
	}
	var err error
	d.ring, err = keys.Open(keys.Config{Store: d.store})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.ring.Close(context.Background())) })
	c := auth.Config{
		Keys: d.ring, Users: d.users, Anonymous: &d.public,
		Roles: roles.MustCompile(
			roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true}},
			roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true}},
		),
	}
	for _, f := range change {
		f(&c)
	}
	d.guard, err = auth.New(cockpit.Configure(c))
	require.NoError(t, err)
	mux := http.NewServeMux()
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") })
	d.guard.Handle(mux, "GET /api/content/items/{model}", "content/{model}/read", answer)
	d.guard.Handle(mux, "POST /api/content/item/{model}", "content/{model}/create", answer)
	d.guard.HandleOpen(mux, "/api/open", answer)
	d.api = cockpit.CORS(d.guard.Handler(mux))
	return d
}

func (d *frontDoor) custom(c keys.Custom) string {
	d.t.Helper()
	issued, err := d.ring.IssueCustom(d.t.Context(), c)
	require.NoError(d.t, err)
	d.ids[issued.Key.Reveal()] = issued.Record.ID
	return issued.Key.Reveal()
}

func (d *frontDoor) user(id string) string {
	d.t.Helper()
	issued, err := d.ring.IssueUser(d.t.Context(), id, keys.User{})
	require.NoError(d.t, err)
	d.ids[issued.Key.Reveal()] = issued.Record.ID
	return issued.Key.Reveal()
}

const items, item = "/api/content/items/posts", "/api/content/item/posts"

// ask sends one request with header lines given as name, value, name, value.
func (d *frontDoor) ask(method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.api.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b)
}
