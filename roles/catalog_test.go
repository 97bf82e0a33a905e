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
			{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.Read},
			{Permission: "content/{model}/create", Label: "Create {model}"},
			{Permission: "content/{model}/{locale}/publish", Label: "Publish {model} in {locale}", Effect: roles.Write},
			{Permission: "content/:models/manage", Label: "Manage models"},
		}},
		roles.Group{Name: "Logs", Permissions: []roles.Entry{{Permission: "app/logs", Label: "View logs", Effect: roles.Read}}},
		// Listed as write although a template for reading matches it too.
		roles.Group{Name: "Odd", Permissions: []roles.Entry{{Permission: "content/counter/read", Label: "Read and count"}}},
	)
	require.NoError(t, err)
	return c
}

func TestCatalogWrites(t *testing.T) {
	p := roles.MustCompile(
		roles.Role{AppID: "pages", Permissions: roles.Grants{"content/pages/read": true, "app/logs": true}},
		roles.Role{AppID: "reader", Permissions: roles.Grants{"content/*/read": true, "content/counter/read": false}},
		roles.Role{AppID: "counter", Permissions: roles.Grants{"content/*/read": true}},
		roles.Role{AppID: "creator", Permissions: roles.Grants{"content/posts/create": true}},
		roles.Role{AppID: "unlisted", Permissions: roles.Grants{"export/all": true, "content/posts/read": true}},
		roles.Role{AppID: "broad", Permissions: roles.Grants{"content/**": true}},
		roles.Role{AppID: "taken-back", Permissions: roles.Grants{"content/posts/*": true, "content/*/create": false, "content/posts/read": true, "content/*/*": false}},
		roles.Role{AppID: "heir", Inherits: []string{"creator", "pages"}},
		roles.Role{AppID: "empty"},
	)
	catalog := cms(t)
	for appid, want := range map[string][]string{
		"pages":      nil,
		"reader":     nil,
		"counter":    {"content/counter/read"},
		"creator":    {"content/{model}/create"},
		"unlisted":   {"export/all"},
		"broad":      {"content/**", "content/:models/manage", "content/counter/read", "content/{model}/create", "content/{model}/{locale}/publish"},
		"taken-back": nil,
		"heir":       {"content/{model}/create"},
		"empty":      nil,
		"ghost":      nil,
		"admin":      {"**", "content/:models/manage", "content/counter/read", "content/{model}/create", "content/{model}/{locale}/publish"},
	} {
		require.Equal(t, want, catalog.Writes(p, appid), appid)
	}
	var none *roles.Catalog
	require.Equal(t, []string{"app/logs", "content/pages/read"}, none.Writes(p, "pages"))
	require.Equal(t, []string{"**"}, none.Writes(p, roles.Admin))
	require.Nil(t, none.Writes(p, "taken-back"), "what is denied in the end does not count")
	require.Nil(t, catalog.Writes(nil, "broad"))
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

func TestCatalogReached(t *testing.T) {
	p := roles.MustCompile(roles.Role{AppID: "r", Permissions: roles.Grants{"content/posts/*": true, "content/*/create": false}})
	got := cms(t).Reached(p, "r")
	require.Equal(t, []roles.Group{{Name: "Content", Permissions: []roles.Entry{{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.Read}}}}, got)
	require.Nil(t, cms(t).Reached(p, "ghost"))
	require.Nil(t, (*roles.Catalog)(nil).Reached(p, "r"))
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
	require.Equal(t, roles.Write, e.Effect, "what is not said counts as write")
	require.NoError(t, json.Unmarshal([]byte(`{"permission":"a","effect":"read"}`), &e))
	require.Equal(t, roles.Read, e.Effect)
	require.Error(t, json.Unmarshal([]byte(`{"effect":"raed"}`), &e))
	out, err := json.Marshal(e)
	require.NoError(t, err)
	require.Equal(t, `{"permission":"a","label":"","effect":"read"}`, string(out))
}
