package admin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A world is an application whose management is tested. Everything it logs and records goes to heard.
type world struct {
	t       *testing.T
	store   keys.Store
	ring    *keys.Ring
	roles   *roles.Directory
	rows    *roles.MemoryStore
	public  *publicapi.Service
	users   *table
	guard   *auth.Guard
	log     *audit.MemoryLog
	service *admin.Service
	heard   *heard
	names   func() (map[string][]string, error) // of the catalog
}

// heard collects what is logged.
type heard struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.buf.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.buf.String()
}

// catalog is that of a small CMS.
func catalog(t testing.TB) *roles.Catalog {
	c, err := roles.NewCatalog(
		roles.Group{Name: "Content", Permissions: []roles.Entry{
			{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
			{Permission: "content/{model}/create", Label: "Create {model}"},
			{Permission: "content/{model}/delete", Label: "Delete {model}"},
		}},
		roles.Group{Name: "System", Permissions: []roles.Entry{
			{Permission: admin.ManageAPI, Label: "Manage Api access"}, {Permission: admin.ManageRoles, Label: "Manage roles"},
			{Permission: admin.ManageUsers, Label: "Manage users"}, {Permission: admin.ReadLogs, Label: "View app logs", Effect: roles.EffectRead},
		}})
	require.NoError(t, err)
	return c
}

// theRoles are those of the tests. The hostile corpus has the first two.
var theRoles = []roles.Role{
	{AppID: "editor", Name: "Editor", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true}},
	{AppID: "viewer", Name: "Viewer", Permissions: roles.Grants{"content/posts/read": true}},
	{AppID: "keeper", Name: "Editor who manages keys", Inherits: []string{"editor"}, Permissions: roles.Grants{admin.ManageAPI: true}},
	{AppID: "rolemaker", Name: "Editor who manages roles", Inherits: []string{"editor"}, Permissions: roles.Grants{admin.ManageRoles: true}},
	{AppID: "warden", Name: "Editor who manages users", Inherits: []string{"editor"}, Permissions: roles.Grants{admin.ManageUsers: true}},
}

// newWorld makes a world; change may alter its configuration, and wrap its store of keys.
func newWorld(t *testing.T, wrap func(keys.Store) keys.Store, changes ...func(*admin.Config)) *world {
	t.Helper()
	w := &world{t: t, store: keys.NewMemoryStore(), rows: roles.NewMemoryStore(theRoles...), heard: &heard{},
		users: &table{rows: map[string]auth.User{}}, log: audit.NewMemoryLog(0),
		names: func() (map[string][]string, error) { return map[string][]string{"model": {"pages", "posts"}}, nil }}
	for _, user := range []auth.User{
		{ID: "root", Name: "Root", Role: roles.Admin, Active: true}, {ID: "ada", Name: "Ada", Role: "editor", Active: true},
		{ID: "bob", Name: "Bob", Role: "viewer", Active: true}, {ID: "wanda", Name: "Wanda", Role: "warden", Active: true},
		{ID: "gone", Name: "Gone", Role: roles.Admin},
	} {
		w.users.set(user)
	}
	if wrap != nil {
		w.store = wrap(w.store)
	}
	logger := slog.New(slog.NewJSONHandler(w.heard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.ring = keys.NewRing(w.store)
	t.Cleanup(func() { require.NoError(t, w.ring.Close(context.Background())) })
	var err error
	w.roles, err = roles.Open(t.Context(), roles.Config{Store: w.rows})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.roles.Close(context.Background())) })
	w.public, err = publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: w.roles, Catalog: catalog(t),
		Names: func(context.Context) (map[string][]string, error) { return w.names() }})
	require.NoError(t, err)
	signedIn := func(r *http.Request) (string, error) {
		if c, err := r.Cookie("session"); err == nil {
			return c.Value, nil
		}
		return "", nil
	}
	w.guard, err = auth.New(auth.Config{Keys: w.ring, Roles: w.roles, Anonymous: w.public, Users: w.users,
		SignedIn: signedIn, Observe: auth.LogTo(logger)})
	require.NoError(t, err)
	mux := http.NewServeMux()
	w.guard.Handle(mux, "GET /api/content/{model}", "content/{model}/read", http.NotFoundHandler())
	w.guard.Handle(mux, "POST /api/content/{model}", "content/{model}/create", http.NotFoundHandler())
	w.guard.HandleOpen(mux, "GET /healthz", http.NotFoundHandler())
	c := admin.Config{Keys: w.ring, Guard: w.guard, Roles: w.roles, RoleStore: w.rows, Public: w.public, Users: w.users,
		Audit: both{w.log, audit.Slog(logger)}}
	for _, change := range changes {
		change(&c)
	}
	w.service, err = admin.New(c)
	require.NoError(t, err)
	return w
}

// as returns a principal with a role, without a key.
func (w *world) as(role string) auth.Principal { return w.guard.PrincipalForRole(role) }

// root is the administrator.
func (w *world) root() auth.Principal { return w.user("root") }

// user returns a user who is signed in.
func (w *world) user(id string) auth.Principal {
	w.t.Helper()
	p, err := w.guard.PrincipalForUser(w.t.Context(), id)
	require.NoError(w.t, err)
	return p
}

// open makes a role the public one, and confirms all that this opens.
func (w *world) open(by auth.Principal, appid string) error {
	preview, err := w.service.PreviewPublic(w.t.Context(), w.root(), appid)
	if err != nil {
		return err
	}
	_, err = w.service.OpenPublic(w.t.Context(), by, appid, admin.Confirmation{Token: preview.Token, Acknowledged: preview.Writes})
	return err
}

// custom issues a custom key, past the service.
func (w *world) custom(k keys.Custom) keys.Issued {
	w.t.Helper()
	issued, err := w.ring.IssueCustom(w.t.Context(), k)
	require.NoError(w.t, err)
	return issued
}

// userKey issues a user's key, past the service.
func (w *world) userKey(userID string, k keys.User) keys.Issued {
	w.t.Helper()
	issued, err := w.ring.IssueUser(w.t.Context(), userID, k)
	require.NoError(w.t, err)
	return issued
}

// holder returns the principal of this key.
func (w *world) holder(issued keys.Issued) auth.Principal {
	w.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("api-key", issued.Key.Reveal())
	p, err := w.guard.Check(r)
	require.NoError(w.t, err)
	return p
}

// records returns the actions in the audit log, newest first.
func (w *world) records() []audit.Record {
	w.t.Helper()
	all, err := w.log.List(w.t.Context(), audit.Filter{Limit: 1000})
	require.NoError(w.t, err)
	return all
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

// both is a log whose records also go to another one.
type both struct {
	audit.Log
	also audit.Log
}

func (b both) Append(ctx context.Context, r audit.Record) error {
	return errors.Join(b.Log.Append(ctx, r), b.also.Append(ctx, r))
}
