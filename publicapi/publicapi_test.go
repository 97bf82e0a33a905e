package publicapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

var (
	visitor = roles.Role{AppID: "visitor", Permissions: roles.Grants{"content/*/read": true, "content/secret/read": false}}
	author  = roles.Role{AppID: "author", Permissions: roles.Grants{"content/posts/create": true, "app/odd": true}, Inherits: []string{"visitor"}}
	denied  = roles.Role{AppID: "denied", Permissions: roles.Grants{"content/**": true, "content/*/create": false, "content/*/delete": false, "app/**": true, "app/odd": false}}
)

func catalog(t *testing.T) *roles.Catalog {
	c, err := roles.NewCatalog(
		roles.Group{Name: "Content", Permissions: []roles.Entry{
			{Permission: "content/{model}/read", Label: "Read", Effect: roles.Read},
			{Permission: "content/{model}/create", Label: "Create"},
			{Permission: "content/{model}/delete", Label: "Delete", Effect: roles.Write},
		}},
		roles.Group{Name: "App", Permissions: []roles.Entry{{Permission: "app/api/manage", Label: "Manage"}}},
	)
	require.NoError(t, err)
	return c
}

func newService(t *testing.T, store publicapi.Store) *publicapi.Service {
	t.Helper()
	s, err := publicapi.New(publicapi.Config{Store: store, Roles: roles.MustCompile(visitor, author, denied), Catalog: catalog(t)})
	require.NoError(t, err)
	return s
}

func TestItIsClosedUntilItIsOpened(t *testing.T) {
	s := newService(t, publicapi.NewMemoryStore())
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role)

	require.NoError(t, s.Set(t.Context(), "visitor", "ada"))
	role, _ = s.PublicRole(t.Context())
	require.Equal(t, "visitor", role)
	now, err := s.Current(t.Context())
	require.NoError(t, err)
	require.Equal(t, []any{"visitor", "ada", uint64(1)}, []any{now.Role, now.ChangedBy, now.Revision})
	require.False(t, now.ChangedAt.IsZero())

	require.NoError(t, s.Disable(t.Context(), "bob"))
	role, _ = s.PublicRole(t.Context())
	require.Empty(t, role)
}

func TestSetRefuses(t *testing.T) {
	s := newService(t, publicapi.NewMemoryStore())
	for _, appid := range []string{"admin", "ADMIN", "nosuch", "", "Visitor", "visitor "} {
		require.ErrorIs(t, s.Set(t.Context(), appid, "ada"), publicapi.ErrRole, appid)
	}
	for _, c := range []struct {
		role         string
		acknowledged []string
		writes       []string // nil: accepted
	}{
		{"author", nil, []string{"app/odd", "content/{model}/create"}},
		{"author", []string{"content/{model}/create"}, []string{"app/odd", "content/{model}/create"}},
		{"author", []string{"app/odd", "content/{model}/create", "content/{model}/delete"}, []string{"app/odd", "content/{model}/create"}},
		{"author", []string{"yes"}, []string{"app/odd", "content/{model}/create"}},
		{"visitor", []string{"content/{model}/read"}, []string{}},
		{"denied", nil, []string{"app/**", "app/api/manage", "content/**"}},
		{"author", []string{"content/{model}/create", "app/odd"}, nil},
	} {
		err := s.Set(t.Context(), c.role, "ada", c.acknowledged...)
		if c.writes == nil {
			require.NoError(t, err)
			continue
		}
		var unacknowledged *publicapi.UnacknowledgedError
		require.ErrorAs(t, err, &unacknowledged, "%v", c)
		require.ElementsMatch(t, c.writes, unacknowledged.Writes)
		role, _ := s.PublicRole(t.Context())
		require.Empty(t, role, "nothing was stored")
	}
}

func TestWithoutACatalogEverythingHasToBeAcknowledged(t *testing.T) {
	s, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: roles.MustCompile(visitor)})
	require.NoError(t, err)
	var unacknowledged *publicapi.UnacknowledgedError
	require.ErrorAs(t, s.Set(t.Context(), "visitor", "ada"), &unacknowledged)
	require.Equal(t, []string{"content/*/read"}, unacknowledged.Writes)
	require.NoError(t, s.Set(t.Context(), "visitor", "ada", unacknowledged.Writes...))
}

func TestADeletedRoleClosesThePublicAPIForGood(t *testing.T) {
	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor, author)})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	s, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: directory, Catalog: catalog(t)})
	require.NoError(t, err)
	require.NoError(t, s.Set(t.Context(), "visitor", "ada"))
	ring := keys.NewRing(keys.NewMemoryStore())
	guard, err := auth.New(auth.Config{Keys: ring, Roles: directory, Anonymous: s})
	require.NoError(t, err)
	status := func() int {
		w := httptest.NewRecorder()
		guard.Require("content/posts/read", http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w.Code
	}
	require.Equal(t, 404, status())

	require.NoError(t, directory.Delete(t.Context(), "author"))
	require.Equal(t, 404, status(), "another role")
	require.NoError(t, directory.Save(t.Context(), roles.Role{AppID: "visitor", Permissions: roles.Grants{"content/posts/read": true}}))
	require.Equal(t, 404, status(), "an edited role")

	require.NoError(t, directory.Delete(t.Context(), "visitor"))
	require.NoError(t, directory.Save(t.Context(), visitor))
	require.Equal(t, 401, status(), "a role of that name that comes later is another role: nothing but Set opens the public API")
	now, err := s.Current(t.Context())
	require.NoError(t, err)
	require.Empty(t, now.Role)
	require.NoError(t, s.Set(t.Context(), "visitor", "ada"))
	require.Equal(t, 404, status())
}

// flaky fails to save while it is told to.
type flaky struct {
	publicapi.MemoryStore
	fail bool
}

func (f *flaky) Save(ctx context.Context, s publicapi.Setting) error {
	if f.fail {
		return errDown
	}
	return f.MemoryStore.Save(ctx, s)
}

func TestADeletedRoleStaysClosedWhileTheStoreCannotSaveIt(t *testing.T) {
	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor)})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	store := &flaky{}
	require.NoError(t, store.Save(t.Context(), publicapi.Setting{Role: "visitor", Revision: 1}))
	s, err := publicapi.New(publicapi.Config{Store: store, Roles: directory, Catalog: catalog(t)})
	require.NoError(t, err)

	store.fail = true
	require.NoError(t, directory.Delete(t.Context(), "visitor"), "though nobody had asked for the public role yet")
	require.NoError(t, directory.Save(t.Context(), visitor))
	role, err := s.PublicRole(t.Context())
	require.ErrorIs(t, err, errDown)
	require.Empty(t, role)
	now, err := s.Current(t.Context())
	require.NoError(t, err)
	require.Empty(t, now.Role)

	store.fail = false
	role, err = s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role)
	setting, _ := store.Load(t.Context())
	require.Empty(t, setting.Role, "now it is closed in the store too")
	require.Equal(t, "role visitor was deleted", setting.ChangedBy)
	require.NoError(t, s.Set(t.Context(), "visitor", "ada"))
	role, _ = s.PublicRole(t.Context())
	require.Equal(t, "visitor", role)
}

type broken struct{ publicapi.MemoryStore }

var errDown = errors.New("down")

func (*broken) Load(context.Context) (publicapi.Setting, error) { return publicapi.Setting{}, errDown }

func TestAStoreInTroubleIsAnError(t *testing.T) {
	s := newService(t, &broken{})
	_, err := s.PublicRole(t.Context())
	require.ErrorIs(t, err, errDown)
	_, err = s.Current(t.Context())
	require.ErrorIs(t, err, errDown)
	require.ErrorIs(t, s.Set(t.Context(), "visitor", "ada"), errDown)
	require.ErrorIs(t, s.Disable(t.Context(), "ada"), errDown)
	require.False(t, s.Instant())

	cold, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: coldSource{}})
	require.NoError(t, err)
	require.ErrorIs(t, cold.Set(t.Context(), "visitor", "ada"), publicapi.ErrUnavailable)
	_, err = cold.Current(t.Context())
	require.ErrorIs(t, err, publicapi.ErrUnavailable)
	require.NoError(t, cold.Disable(t.Context(), "ada"), "closing always works")

	_, err = publicapi.New(publicapi.Config{})
	require.ErrorContains(t, err, "Config.Store is nil")
	require.ErrorContains(t, err, "Config.Roles is nil")
}

type coldSource struct{}

func (coldSource) Policy() *roles.Policy { return nil }

func TestExposure(t *testing.T) {
	policy := roles.MustCompile(visitor, author, denied)
	routes := []auth.Route{
		{Pattern: "GET /{model}", Permission: "content/{model}/read"},
		{Pattern: "GET /secret", Permission: "content/secret/read"},
		{Pattern: "POST /{model}", Permission: "content/{model}/create"},
		{Pattern: "GET /healthz", Open: true},
	}
	require.Equal(t, publicapi.Report{
		Role:     "author",
		Groups:   []roles.Group{{Name: "Content", Permissions: []roles.Entry{{Permission: "content/{model}/read", Label: "Read", Effect: roles.Read}, {Permission: "content/{model}/create", Label: "Create"}}}},
		Unlisted: []string{"app/odd"},
		Writes:   []string{"app/odd", "content/{model}/create"},
		Routes:   []auth.Route{routes[0], routes[2], routes[3]},
	}, publicapi.Exposure(policy, "author", catalog(t), routes))

	for _, closed := range []string{"", "admin", "ADMIN", "nosuch"} {
		report := publicapi.Exposure(policy, closed, catalog(t), routes)
		require.Equal(t, publicapi.Report{Routes: []auth.Route{routes[3]}}, report, closed)
		require.Contains(t, report.String(), "closed")
	}
	require.Equal(t, publicapi.Report{Routes: []auth.Route{routes[3]}}, publicapi.Exposure(nil, "author", nil, routes))
}
