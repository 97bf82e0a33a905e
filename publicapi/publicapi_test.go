package publicapi_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
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

func TestNewSeesThroughTypedNils(t *testing.T) {
	var directory *roles.Directory
	var store *publicapi.MemoryStore
	_, err := publicapi.New(publicapi.Config{Store: store, Roles: directory})
	require.ErrorContains(t, err, "Config.Store is nil")
	require.ErrorContains(t, err, "Config.Roles is nil")
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
		Grants:   roles.Grants{"content/*/read": true, "content/secret/read": false, "content/posts/create": true, "app/odd": true},
		Partly:   []string{"content/{model}/read", "content/{model}/create"},
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
