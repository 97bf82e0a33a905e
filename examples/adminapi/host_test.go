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
	"github.com/latchkey-go/latchkey/auth/audit"
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

// A host is an application that mounts the API at /admin, and what tests turn.
type host struct {
	handler http.Handler
	ring    *keys.Ring
	viewer  string // a key that may manage nothing
	limited atomic.Bool
	broken  atomic.Bool // the sign-in fails
	// contested has somebody else change every key, and the public API, at the same time.
	contested atomic.Bool
}

// crowded is a store of keys that others write to as well.
type crowded struct {
	*keys.MemoryStore
	host *host
}

func (c crowded) Update(ctx context.Context, r keys.Record) error {
	if c.host.contested.Load() {
		return keys.ErrConflict
	}
	return c.MemoryStore.Update(ctx, r)
}

func (c crowded) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]keys.Record, error) {
	if c.host.contested.Load() {
		return nil, keys.ErrConflict
	}
	return c.MemoryStore.InvalidateUser(ctx, space, userID, at)
}

// crowdedSetting is such a store of the public API.
type crowdedSetting struct {
	*publicapi.MemoryStore
	host *host
}

func (c crowdedSetting) Save(ctx context.Context, s publicapi.Setting) error {
	if c.host.contested.Load() {
		return publicapi.ErrConflict
	}
	return c.MemoryStore.Save(ctx, s)
}

// newHost makes a host. A bare one manages neither users nor the public API.
func newHost(t *testing.T, bare bool) *host {
	ctx := t.Context()
	h := &host{}
	h.ring = keys.NewRing(crowded{keys.NewMemoryStore(), h})
	t.Cleanup(func() { require.NoError(t, h.ring.Close(context.Background())) })
	rows := roles.NewMemoryStore(
		roles.Role{AppID: "viewer", Name: "Viewer", Permissions: roles.Grants{"content/pages/read": true}},
		roles.Role{AppID: "writer", Name: "Writer", Permissions: roles.Grants{"content/*/create": true}},
		roles.Role{AppID: "editor", Name: "Editor", Inherits: []string{"viewer"}, Permissions: roles.Grants{"content/secrets/read": false, "tpyo": true}})
	directory, err := roles.Open(ctx, roles.Config{Store: rows})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, directory.Close(context.Background())) })
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.Read},
		{Permission: "content/{model}/create", Label: "Create {model}"},
	}})
	require.NoError(t, err)
	public, err := publicapi.New(publicapi.Config{Store: crowdedSetting{publicapi.NewMemoryStore(), h}, Roles: directory, Catalog: catalog})
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
	guard.Open(mux, "GET /healthz", http.NotFoundHandler())
	c := admin.Config{Keys: h.ring, Guard: guard, Roles: directory, RoleStore: rows, Public: public,
		Users: table, Catalog: catalog, SignedIn: signedIn, Audit: audit.NewMemoryLog(0)}
	if bare {
		c.Public, c.Users = nil, nil
	}
	service, err := admin.New(c)
	require.NoError(t, err)
	mux.Handle("/admin/", http.StripPrefix("/admin", admin.Handler(service)))
	h.handler = mux
	issued, err := h.ring.IssueCustom(ctx, keys.Custom{Name: "viewer", Role: "viewer"})
	require.NoError(t, err)
	h.viewer = issued.Key.Reveal()
	return h
}
