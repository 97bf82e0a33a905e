package adminapi_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/adminapi"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// users is a host's table of users.
type users struct{ auth.UserMap }

func (u users) List(_ context.Context, f admin.UserFilter) ([]auth.User, error) {
	var page []auth.User
	for _, user := range u.UserMap {
		if user.ID > f.After && (f.Role == "" || f.Role == user.Role) {
			page = append(page, user)
		}
	}
	slices.SortFunc(page, func(a, b auth.User) int { return cmp.Compare(a.ID, b.ID) })
	return page[:min(len(page), f.Limit)], nil
}

// A host is an application that mounts the API at /admin, with switches for tests.
type host struct {
	handler http.Handler
	ring    *keys.Ring
	viewer  string // a key without permissions to manage
	limited atomic.Bool
	broken  atomic.Bool // the sign-in fails
	// contested makes another writer change every key, and the public API, at the same time.
	contested atomic.Bool
}

// crowded is a store of keys with other writers.
type crowded struct {
	keys.Store
	host *host
}

func (c crowded) Update(ctx context.Context, r keys.Record) error {
	if c.host.contested.Load() {
		return keys.ErrConflict
	}
	return c.Store.Update(ctx, r)
}

func (c crowded) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]keys.Record, error) {
	if c.host.contested.Load() {
		return nil, keys.ErrConflict
	}
	return c.Store.InvalidateUser(ctx, space, userID, at)
}

func (c crowded) DropRole(ctx context.Context, role string) (int, error) {
	if c.host.contested.Load() {
		return 0, keys.ErrConflict
	}
	return c.Store.DropRole(ctx, role)
}

// crowdedSetting is a store of the public setting with other writers.
type crowdedSetting struct {
	publicapi.Store
	host *host
}

func (c crowdedSetting) Save(ctx context.Context, s publicapi.Setting) error {
	if c.host.contested.Load() {
		return publicapi.ErrConflict
	}
	return c.Store.Save(ctx, s)
}

// stores are the stores of a host.
type stores struct {
	keys   keys.Store
	roles  roles.Store
	public publicapi.Store
	audit  audit.Log
	inTx   func(context.Context, func(context.Context) error) error
}

func inMemory() stores {
	return stores{keys.NewMemoryStore(), roles.NewMemoryStore(), publicapi.NewMemoryStore(), audit.NewMemoryLog(0), nil}
}

func inSQL(s *sqlstore.Store) stores {
	return stores{s.Keys(), s.Roles(), s.PublicAPI(), s.Audit(), s.InTx}
}

// newHost makes a host. A bare one manages neither users nor the public API.
func newHost(t *testing.T, in stores, bare bool) *host {
	ctx := t.Context()
	h := &host{}
	var err error
	h.ring, err = keys.Open(keys.Config{Store: crowded{in.keys, h}, StoreTimeout: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.ring.Close(context.Background())) })
	directory, err := roles.Open(ctx, roles.Config{Store: in.roles, Timeout: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, directory.Close(context.Background())) })
	for _, role := range []roles.Role{
		{AppID: "viewer", Name: "Viewer", Permissions: roles.Grants{"content/pages/read": true}},
		{AppID: "writer", Name: "Writer", Permissions: roles.Grants{"content/*/create": true}},
		{AppID: "editor", Name: "Editor", Inherits: []string{"viewer"}, Permissions: roles.Grants{"content/secrets/read": false, "tpyo": true}},
	} {
		require.NoError(t, directory.Save(ctx, role))
	}
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
		{Permission: "content/{model}/create", Label: "Create {model}"},
	}})
	require.NoError(t, err)
	public, err := publicapi.New(publicapi.Config{Store: crowdedSetting{in.public, h}, Directory: directory, Catalog: catalog})
	require.NoError(t, err)
	table := users{auth.UserMap{
		"root": {ID: "root", Name: "Root", Role: roles.Admin, Active: true},
		"ada":  {ID: "ada", Name: "Ada", Role: "editor", Active: true},
		"bob":  {ID: "bob", Name: "Bob", Role: "viewer", Active: true},
	}}
	signedIn := func(r *http.Request) (string, error) {
		if h.broken.Load() {
			return "", errors.New("the table of sessions is gone")
		}
		if c, err := r.Cookie("session"); err == nil {
			return c.Value, nil
		}
		return "", nil
	}
	guard, err := auth.New(auth.Config{Keys: h.ring, Roles: directory, Users: table, Anonymous: public, SignedIn: signedIn,
		Limit: func(*http.Request, auth.Principal) (time.Duration, bool) { return time.Second, !h.limited.Load() }})
	require.NoError(t, err)
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/{model}", "content/{model}/read", http.NotFoundHandler())
	guard.HandleOpen(mux, "GET /healthz", http.NotFoundHandler())
	c := admin.Config{Keys: h.ring, Guard: guard, Roles: directory, RoleStore: in.roles, Public: public,
		Users: table, Audit: in.audit, InTx: in.inTx}
	if bare {
		c.Public, c.Users = nil, nil
	}
	service, err := admin.New(c)
	require.NoError(t, err)
	mux.Handle("/admin/", http.StripPrefix("/admin", adminapi.Handler(service)))
	h.handler = mux
	issued, err := h.ring.IssueCustom(ctx, keys.Custom{Name: "viewer", Role: "viewer"})
	require.NoError(t, err)
	h.viewer = issued.Key.Reveal()
	return h
}
