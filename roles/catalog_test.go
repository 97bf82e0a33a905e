package roles_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func cms(t *testing.T) *roles.Catalog {
	c, err := roles.NewCatalog(
		roles.Group{Name: "Content", Permissions: []roles.Entry{
			{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
			{Permission: "content/{model}/create", Label: "Create {model}"},
			{Permission: "content/{model}/{locale}/publish", Label: "Publish {model} in {locale}", Effect: roles.EffectWrite},
			{Permission: "content/:models/manage", Label: "Manage models"},
		}},
		roles.Group{Name: "Logs", Permissions: []roles.Entry{{Permission: "app/logs", Label: "View logs", Effect: roles.EffectRead}}},
		// Listed as write although a template for reading matches it too.
		roles.Group{Name: "Odd", Permissions: []roles.Entry{{Permission: "content/counter/read", Label: "Read and count"}}},
	)
	require.NoError(t, err)
	return c
}

func TestCatalogUnknown(t *testing.T) {
	catalog := cms(t)
	role := roles.Role{Permissions: roles.Grants{
		"content/posts/read": true, "content/*/create": false, "content/**": true, "*/logs": true, "content/a/b/publish": true, "**": true,
		"content/posts/raed": true, "contents/**": true, "app/*/logs": true, "a//b": true, "app": false, "content/*/*/*/*": true,
	}}
	require.Equal(t, []string{"a//b", "app", "app/*/logs", "content/*/*/*/*", "content/posts/raed", "contents/**"}, catalog.Unknown(role))
	var none *roles.Catalog
	require.Equal(t, []string{"x"}, none.Unknown(roles.Role{Permissions: roles.Grants{"x": true}}))
}

func TestCatalogGroups(t *testing.T) {
	groups := cms(t).Groups(map[string][]string{"model": {"posts", "no/segment", "*", "pages"}, "locale": {"de"}})
	var texts []string
	for _, e := range groups[0].Permissions {
		texts = append(texts, e.Permission+" "+e.Label+" "+e.Effect.String())
	}
	require.Equal(t, []string{
		"content/posts/read Read posts read",
		"content/pages/read Read pages read",
		"content/posts/create Create posts write",
		"content/pages/create Create pages write",
		"content/posts/de/publish Publish posts in de write",
		"content/pages/de/publish Publish pages in de write",
		"content/:models/manage Manage models write",
	}, texts)
	plain := cms(t).Groups(nil)
	require.Equal(t, "content/{model}/read", plain[0].Permissions[0].Permission)
	plain[0].Permissions[0].Permission = "changed"
	require.Equal(t, "content/{model}/read", cms(t).Groups(nil)[0].Permissions[0].Permission)
	require.Empty(t, cms(t).Groups(map[string][]string{"model": nil})[0].Permissions[1:], "only what names no model is left")
	require.Nil(t, (*roles.Catalog)(nil).Groups(nil))
}

func TestCatalogMistakes(t *testing.T) {
	_, err := roles.NewCatalog(roles.Group{Name: "g", Permissions: []roles.Entry{
		{Permission: "a/*"}, {Permission: ""}, {Permission: "a/{b"}, {Permission: "a/x{b}"}, {Permission: "a/{}"}, {Permission: "a/{*}"}, {Permission: "a//b"},
		{Permission: "b/{x}"}, {Permission: "b/{y}"}, {Permission: "c", Effect: 7},
	}})
	for _, want := range []string{`"a/*" is not`, `"" is not`, `"a/{b" is not`, `"a/x{b}" is not`, `"a/{}" is not`, `"a/{*}" is not`, `"a//b" is not`, `"b/{y}" is listed twice`, `"c" has an unknown effect`} {
		require.ErrorContains(t, err, want)
	}
}

func TestEffectJSON(t *testing.T) {
	var e roles.Entry
	require.NoError(t, json.Unmarshal([]byte(`{"permission":"a"}`), &e))
	require.Equal(t, roles.EffectWrite, e.Effect, "what is not said counts as write")
	require.NoError(t, json.Unmarshal([]byte(`{"permission":"a","effect":"read"}`), &e))
	require.Equal(t, roles.EffectRead, e.Effect)
	require.Error(t, json.Unmarshal([]byte(`{"effect":"raed"}`), &e))
	out, err := json.Marshal(e)
	require.NoError(t, err)
	require.Equal(t, `{"permission":"a","label":"","effect":"read"}`, string(out))
}
