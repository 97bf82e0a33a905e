package publicapi_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/internal/ask"
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
			{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
			{Permission: "content/{model}/create", Label: "Create {model}"},
			{Permission: "content/{model}/delete", Label: "Delete {model}", Effect: roles.EffectWrite},
		}},
		roles.Group{Name: "App", Permissions: []roles.Entry{{Permission: "app/api/manage", Label: "Manage"}}},
	)
	require.NoError(t, err)
	return c
}

func newService(t *testing.T, store publicapi.Store) *publicapi.Service {
	t.Helper()
	s, err := publicapi.New(publicapi.Config{Store: store, Roles: roles.MustCompile(visitor, author, denied), Catalog: catalog(t), Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	return s
}

// open previews a role, confirms the preview, and makes it the public role.
func open(ctx context.Context, s *publicapi.Service, role string) error {
	preview, err := s.Preview(ctx, role)
	if err != nil {
		return err
	}
	return s.Set(ctx, publicapi.Opening{Role: role, By: "ada", Token: preview.Token, Acknowledged: preview.Writes})
}

func TestItIsClosedUntilItIsOpened(t *testing.T) {
	s := newService(t, publicapi.NewMemoryStore())
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role)

	require.NoError(t, open(t.Context(), s, "visitor"))
	role, _ = s.PublicRole(t.Context())
	require.Equal(t, "visitor", role)
	now, err := s.Current(t.Context())
	require.NoError(t, err)
	require.Equal(t, []any{"visitor", "ada", uint64(1)}, []any{now.Role, now.ChangedBy, now.Revision.Number})
	require.False(t, now.ChangedAt.IsZero())

	require.NoError(t, s.Disable(t.Context(), "bob"))
	role, _ = s.PublicRole(t.Context())
	require.Empty(t, role)
}

func TestSetRefuses(t *testing.T) {
	s := newService(t, publicapi.NewMemoryStore())
	for _, appid := range []string{"admin", "ADMIN", "nosuch", "", "Visitor", "visitor "} {
		require.ErrorIs(t, s.Set(t.Context(), publicapi.Opening{Role: appid}), publicapi.ErrRole, appid)
	}
	for _, c := range []struct {
		role         string
		acknowledged []string
		writes       []string // nil: accepted
	}{
		{"author", nil, []string{"app/odd", "content/posts/create"}},
		{"author", []string{"content/posts/create"}, []string{"app/odd", "content/posts/create"}},
		{"author", []string{"app/odd", "content/posts/create", "content/posts/delete"}, []string{"app/odd", "content/posts/create"}},
		{"author", []string{"app/odd", "content/{model}/create"}, []string{"app/odd", "content/posts/create"}},
		{"author", []string{"yes"}, []string{"app/odd", "content/posts/create"}},
		{"visitor", []string{"content/*/read"}, []string{}},
		{"denied", nil, []string{"app/**", "content/**"}},
		{"author", []string{"content/posts/create", "app/odd"}, nil},
	} {
		preview, err := s.Preview(t.Context(), c.role)
		require.NoError(t, err)
		for _, token := range []string{"", "x", preview.Token} {
			err := s.Set(t.Context(), publicapi.Opening{Role: c.role, By: "ada", Token: token, Acknowledged: c.acknowledged})
			if c.writes == nil && token == preview.Token {
				require.NoError(t, err)
				continue
			}
			var unconfirmed *publicapi.UnconfirmedError
			require.ErrorAs(t, err, &unconfirmed, "%v", c)
			require.Equal(t, preview, unconfirmed.Preview)
			if c.writes != nil {
				require.ElementsMatch(t, c.writes, unconfirmed.Preview.Writes)
			}
			role, _ := s.PublicRole(t.Context())
			require.Empty(t, role, "nothing was stored")
		}
	}
}

func TestWithoutACatalogEverythingHasToBeAcknowledged(t *testing.T) {
	s, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: roles.MustCompile(visitor)})
	require.NoError(t, err)
	preview, err := s.Preview(t.Context(), "visitor")
	require.NoError(t, err)
	require.Equal(t, []string{"content/*/read"}, preview.Writes)
	require.Error(t, s.Set(t.Context(), publicapi.Opening{Role: "visitor", Token: preview.Token}))
	require.NoError(t, open(t.Context(), s, "visitor"))
}

func TestNewSeesThroughTypedNils(t *testing.T) {
	var store *publicapi.MemoryStore
	_, err := publicapi.New(publicapi.Config{Store: store, Roles: roles.MustCompile(visitor), Staleness: publicapi.AlwaysAsk})
	require.ErrorContains(t, err, "Config.Store is nil")
}

// It would not be clear which of them decides.
func TestNewRefusesFixedRolesBesideADirectory(t *testing.T) {
	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor)})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	_, err = publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: roles.MustCompile(visitor), Directory: directory})
	require.ErrorContains(t, err, "not both")
}

type broken struct{ publicapi.MemoryStore }

var errDown = errors.New("down")

func (*broken) Load(context.Context) (publicapi.Setting, error) { return publicapi.Setting{}, errDown }

func TestAStoreErrorIsAnError(t *testing.T) {
	s := newService(t, &broken{})
	_, err := s.PublicRole(t.Context())
	require.ErrorIs(t, err, errDown)
	_, err = s.Current(t.Context())
	require.ErrorIs(t, err, errDown)
	require.ErrorIs(t, open(t.Context(), s, "visitor"), errDown)
	require.ErrorIs(t, s.Disable(t.Context(), "ada"), errDown)
	require.False(t, ask.Bounded(s), "a guard bounds it")

	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor)})
	require.NoError(t, err)
	cold, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: directory})
	require.NoError(t, err)
	require.NoError(t, directory.Close(t.Context()))
	require.ErrorIs(t, open(t.Context(), cold, "visitor"), publicapi.ErrUnavailable)
	_, err = cold.Current(t.Context())
	require.ErrorIs(t, err, publicapi.ErrUnavailable)
	require.NoError(t, cold.Disable(t.Context(), "ada"), "closing always works")

	_, err = publicapi.New(publicapi.Config{})
	require.ErrorContains(t, err, "Config.Store is nil")
	require.ErrorContains(t, err, "Config needs Roles")
}

func TestExposure(t *testing.T) {
	policy := roles.MustCompile(visitor, author, denied)
	routes := []auth.Route{
		{Pattern: "GET /{model}", Permission: "content/{model}/read"},
		{Pattern: "GET /secret", Permission: "content/secret/read"},
		{Pattern: "POST /{model}", Permission: "content/{model}/create"},
		{Pattern: "GET /healthz", Open: true},
	}
	require.Equal(t, publicapi.Report{
		Role:   "author",
		Grants: roles.Grants{"content/*/read": true, "content/secret/read": false, "content/posts/create": true, "app/odd": true},
		Permissions: []publicapi.Permission{
			{Entry: roles.Entry{Permission: "app/odd"}},
			{Entry: roles.Entry{Permission: "content/*/read", Label: "Read any model", Effect: roles.EffectRead},
				Matches: []roles.Entry{{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead}}},
			{Entry: roles.Entry{Permission: "content/posts/create", Label: "Create posts"}},
		},
		Writes: []string{"app/odd", "content/posts/create"},
		Routes: []auth.Route{routes[0], routes[2], routes[3]},
	}, publicapi.Exposure(policy, "author", catalog(t), routes))

	for _, closed := range []string{"", "admin", "ADMIN", "nosuch"} {
		report := publicapi.Exposure(policy, closed, catalog(t), routes)
		require.Equal(t, publicapi.Report{Routes: []auth.Route{routes[3]}}, report, closed)
	}
	require.Equal(t, publicapi.Report{Routes: []auth.Route{routes[3]}}, publicapi.Exposure(nil, "author", nil, routes))
}
