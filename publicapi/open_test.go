package publicapi_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A site is a service whose roles and names change.
type site struct {
	*publicapi.Service
	roles *roles.Directory
	names map[string][]string
}

var writer = roles.Role{AppID: "writer", Inherits: []string{"reader"}, Permissions: roles.Grants{"content/articles/create": true, "content/pages/create": true}}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{names: map[string][]string{"model": {"articles", "pages"}}}
	var err error
	s.roles, err = roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(writer, author, visitor,
		roles.Role{AppID: "reader", Permissions: roles.Grants{"content/articles/read": true}})})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.roles.Close(context.Background()) })
	s.Service, err = publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: s.roles, Catalog: catalog(t),
		Names: func(context.Context) (map[string][]string, error) { return s.names, nil }})
	require.NoError(t, err)
	return s
}

func (s *site) save(t *testing.T, role roles.Role) {
	t.Helper()
	require.NoError(t, s.roles.Save(t.Context(), role))
}

// TestAStalePreviewOpensNothing changes something between the preview and the change that confirms it.
func TestAStalePreviewOpensNothing(t *testing.T) {
	plus := func(role roles.Role, grant string, allowed bool) roles.Role {
		role.Permissions = roles.Grants{"content/articles/create": true, "content/pages/create": true, grant: allowed}
		return role
	}
	for name, change := range map[string]func(*site){
		"a write is added":       func(s *site) { s.save(t, plus(writer, "content/secret/create", true)) },
		"a read is added":        func(s *site) { s.save(t, plus(writer, "content/secret/read", true)) },
		"a permission is denied": func(s *site) { s.save(t, plus(writer, "content/articles/create", false)) },
		"an inherited role gets a read": func(s *site) {
			s.save(t, roles.Role{AppID: "reader", Permissions: roles.Grants{"content/*/read": true}})
		},
		"another role is opened": func(s *site) { require.NoError(t, open(t.Context(), s.Service, "visitor")) },
		"it is opened and closed": func(s *site) {
			require.NoError(t, open(t.Context(), s.Service, "visitor"))
			require.NoError(t, s.Disable(t.Context(), "eve"))
		},
		"a model is added": func(s *site) { s.names = map[string][]string{"model": {"articles", "pages", "secret"}} },
	} {
		s := newSite(t)
		preview, err := s.Preview(t.Context(), "writer")
		require.NoError(t, err)
		require.Equal(t, []string{"content/articles/create", "content/pages/create"}, preview.Writes)
		change(s)
		before, err := s.Current(t.Context())
		require.NoError(t, err)
		var unconfirmed *publicapi.UnconfirmedError
		opening := publicapi.Opening{Role: "writer", By: "ada", Token: preview.Token, Acknowledged: preview.Writes}
		require.ErrorAs(t, s.Set(t.Context(), opening), &unconfirmed, name)
		after, err := s.Current(t.Context())
		require.NoError(t, err)
		require.Equal(t, before, after, name)

		again, err := s.Preview(t.Context(), "writer")
		require.NoError(t, err)
		require.Equal(t, again, unconfirmed.Preview, "%s: the error has the new preview", name)
		opening.Token, opening.Acknowledged = again.Token, again.Writes
		require.NoError(t, s.Set(t.Context(), opening), name)
	}
}

func TestATokenDependsOnNothingElse(t *testing.T) {
	s := newSite(t)
	preview, err := s.Preview(t.Context(), "writer")
	require.NoError(t, err)
	s.names = map[string][]string{"model": {"pages", "articles", "pages"}}
	s.save(t, roles.Role{AppID: "other", Permissions: roles.Grants{"**": true}})
	s.save(t, roles.Role{AppID: "writer", Name: "W", Inherits: writer.Inherits, Permissions: writer.Permissions})
	again, err := s.Preview(t.Context(), "writer")
	require.NoError(t, err)
	require.Equal(t, preview.Token, again.Token)

	others, err := roles.NewCatalog(roles.Group{Name: "Other", Permissions: []roles.Entry{{Permission: "content/articles/create", Label: "x"}}})
	require.NoError(t, err)
	other, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: s.roles, Catalog: others})
	require.NoError(t, err)
	seen, err := other.Preview(t.Context(), "writer")
	require.NoError(t, err)
	require.NotEqual(t, preview.Token, seen.Token, "by another catalog")
}

func TestAPreviewSaysWhatPatternsMatchNow(t *testing.T) {
	s := newSite(t)
	s.save(t, roles.Role{AppID: "r", Permissions: roles.Grants{"content/**": true, "content/pages/delete": false, "content/*/read": true, "content/drafts/read": true}})
	preview, err := s.Preview(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, []publicapi.Permission{
		{Entry: roles.Entry{Permission: "content/**"}, Matches: []roles.Entry{
			{Permission: "content/articles/read", Label: "Read articles", Effect: roles.EffectRead}, {Permission: "content/pages/read", Label: "Read pages", Effect: roles.EffectRead},
			{Permission: "content/articles/create", Label: "Create articles"}, {Permission: "content/pages/create", Label: "Create pages"},
			{Permission: "content/articles/delete", Label: "Delete articles"},
		}},
		{Entry: roles.Entry{Permission: "content/*/read", Label: "Read any model", Effect: roles.EffectRead}, Matches: []roles.Entry{
			{Permission: "content/articles/read", Label: "Read articles", Effect: roles.EffectRead}, {Permission: "content/pages/read", Label: "Read pages", Effect: roles.EffectRead},
		}},
		{Entry: roles.Entry{Permission: "content/drafts/read", Label: "Read drafts", Effect: roles.EffectRead}},
	}, preview.Permissions)
	require.Equal(t, []string{"content/**"}, preview.Writes)
}

// A read that is listed as a write too counts as a write, and so does a pattern that allows it.
func TestAWriteAmongReads(t *testing.T) {
	odd, err := roles.NewCatalog(roles.Group{Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Effect: roles.EffectRead}, {Permission: "content/counter/read"}, {Permission: "content/counter/{x}", Effect: roles.EffectRead}}})
	require.NoError(t, err)
	for _, c := range []struct {
		grants roles.Grants
		writes []string
	}{
		{roles.Grants{"content/*/read": true}, []string{"content/*/read"}},
		{roles.Grants{"content/counter/read": true}, []string{"content/counter/read"}},
		{roles.Grants{"content/counter/*": true, "content/a/read": true}, []string{"content/counter/*"}},
		{roles.Grants{"content/*/read": true, "content/counter/read": false, "content/counter/a": true}, nil},
		{roles.Grants{"content/*/read": true, "content/counter/*": false, "content": true}, []string{"content"}},
	} {
		report := publicapi.Exposure(roles.MustCompile(roles.Role{AppID: "r", Permissions: c.grants}), "r", odd, nil)
		require.Equal(t, c.writes, report.Writes, c.grants)
	}
}

// TestAnEditNamesWhatItAdds edits the public role, or one that it inherits from.
func TestAnEditNamesWhatItAdds(t *testing.T) {
	type edit struct {
		name          string
		role          roles.Role
		reads, writes []string
		matches       []string
	}
	grants := func(more roles.Grants) roles.Role {
		role := roles.Role{AppID: "writer", Inherits: []string{"reader"}, Permissions: roles.Grants{"content/articles/create": true, "content/pages/create": true}}
		for grant, allowed := range more {
			role.Permissions[grant] = allowed
		}
		return role
	}
	for _, e := range []edit{
		{"a write", grants(roles.Grants{"content/secret/create": true}), nil, []string{"content/secret/create"}, nil},
		{"a read", grants(roles.Grants{"content/pages/read": true}), []string{"content/pages/read"}, nil, nil},
		{"an inherited read", roles.Role{AppID: "reader", Permissions: roles.Grants{"content/*/read": true}}, []string{"content/*/read"}, nil, []string{"content/pages/read"}},
		{"a pattern", grants(roles.Grants{"content/*/delete": true}), nil, []string{"content/*/delete"}, []string{"content/articles/delete", "content/pages/delete"}},
		{"a pattern, in part known", grants(roles.Grants{"*/pages/*": true}), nil, []string{"*/pages/*"}, []string{"content/pages/read", "content/pages/delete"}},
		{"another parent", roles.Role{AppID: "writer", Inherits: []string{"author"}, Permissions: writer.Permissions},
			[]string{"content/*/read"}, []string{"app/odd", "content/posts/create"}, []string{"content/pages/read"}},
		{"less", roles.Role{AppID: "writer", Permissions: roles.Grants{"content/pages/create": true}}, nil, nil, nil},
		{"a permission that a pattern allowed", roles.Role{AppID: "author", Permissions: roles.Grants{"**": true}}, nil, nil, nil},
	} {
		s := newSite(t)
		require.NoError(t, open(t.Context(), s.Service, "writer"))
		before := s.roles.Policy()
		next, err := before.With(e.role)
		require.NoError(t, err)
		preview, setting, err := s.PreviewEdit(t.Context(), before, next)
		require.NoError(t, err)
		require.Equal(t, "writer", setting.Role)
		var reads, matches []string
		for _, p := range preview.Permissions {
			if p.Effect == roles.EffectRead {
				reads = append(reads, p.Permission)
			}
			for _, match := range p.Matches {
				matches = append(matches, match.Permission)
			}
		}
		require.Equal(t, e.reads, reads, e.name)
		require.Equal(t, e.writes, preview.Writes, e.name)
		require.Equal(t, e.matches, matches, e.name)
		if len(reads)+len(preview.Writes) == 0 {
			require.Empty(t, preview.Token, e.name)
			require.NoError(t, preview.Confirm("", nil), "%s: there is nothing to confirm", e.name)
			continue
		}
		require.Error(t, preview.Confirm("", preview.Writes), e.name)
		require.NoError(t, preview.Confirm(preview.Token, preview.Writes), e.name)

		s.save(t, roles.Role{AppID: "reader", Permissions: roles.Grants{}})
		less, err := s.roles.Policy().With(e.role)
		require.NoError(t, err)
		again, _, err := s.PreviewEdit(t.Context(), s.roles.Policy(), less)
		require.NoError(t, err)
		require.NotEqual(t, preview.Token, again.Token, "%s: the role was another one before", e.name)

		require.NoError(t, s.Disable(t.Context(), "ada"))
		closed, _, err := s.PreviewEdit(t.Context(), before, next)
		require.NoError(t, err)
		require.Zero(t, closed)
	}
}

// TestAPatternThatADenyNoLongerNarrows takes a deny away.
func TestAPatternThatADenyNoLongerNarrows(t *testing.T) {
	s := newSite(t)
	require.NoError(t, open(t.Context(), s.Service, "visitor"))
	s.names = map[string][]string{"model": {"pages", "secret"}}
	next, err := s.roles.Policy().With(roles.Role{AppID: "visitor", Permissions: roles.Grants{"content/*/read": true}})
	require.NoError(t, err)
	preview, _, err := s.PreviewEdit(t.Context(), s.roles.Policy(), next)
	require.NoError(t, err)
	require.Equal(t, []publicapi.Permission{{Entry: roles.Entry{Permission: "content/*/read", Label: "Read any model", Effect: roles.EffectRead},
		Matches: []roles.Entry{{Permission: "content/secret/read", Label: "Read secret", Effect: roles.EffectRead}}}}, preview.Permissions)
}

func TestNamesThatCannotBeReadOpenNothing(t *testing.T) {
	s := newService(t, publicapi.NewMemoryStore())
	broken, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: roles.MustCompile(visitor),
		Names: func(context.Context) (map[string][]string, error) { return nil, errDown }})
	require.NoError(t, err)
	require.ErrorIs(t, open(t.Context(), broken, "visitor"), errDown)
	require.ErrorIs(t, broken.Set(t.Context(), publicapi.Opening{Role: "visitor"}), errDown)
	require.NoError(t, open(t.Context(), s, "visitor"))
}

// A change that was prepared is stored only over the setting that it was checked against.
func TestAPreparedChangeMeetsAnother(t *testing.T) {
	s := newSite(t)
	preview, err := s.Preview(t.Context(), "writer")
	require.NoError(t, err)
	opening := publicapi.Opening{Role: "writer", By: "ada", Token: preview.Token, Acknowledged: preview.Writes}
	prepared, err := s.Prepare(t.Context(), s.roles.Policy(), opening)
	require.NoError(t, err)
	require.NoError(t, s.Disable(t.Context(), "bob"))
	require.ErrorIs(t, prepared.Save(t.Context()), publicapi.ErrConflict)
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role)
	_, err = s.Prepare(t.Context(), nil, opening)
	require.ErrorIs(t, err, publicapi.ErrUnavailable)
}
