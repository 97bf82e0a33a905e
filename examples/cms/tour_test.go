package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The README's five minutes, from the first start to a public API that is closed again.
func TestTheTour(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r := start(t, c)

		// Sign in.
		b := browse(t, r)
		require.Equal(t, 200, b.open("/"))
		require.Equal(t, "/login", b.at.Path, "without a session")
		login, password := r.password(t)
		require.Equal(t, "admin", login)
		require.Equal(t, 200, b.press("Sign in", "login", login, "password", password))
		require.Equal(t, "/content", b.at.Path)

		// A key of one's own.
		require.Equal(t, 200, b.open("/system/users/user"))
		require.Equal(t, 200, b.press("Create API key"))
		own := b.key()
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", own))
		require.Equal(t, 200, b.open("/system/users/user"))
		require.NotContains(t, b.text, own, "it is shown once")

		// A custom key.
		require.Equal(t, 200, b.open("/system/api/create"))
		require.Equal(t, 200, b.press("Create API key", "name", "Website build", "role", "reader"))
		custom := b.key()
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", custom))
		require.Equal(t, 403, r.status(t, "POST", "/api/content/item/posts", custom, `{"data":{"title":"x"}}`))

		// A model, and check boxes for it.
		require.Equal(t, 200, b.open("/system/users/roles/create"))
		require.NotContains(t, b.text, "content/recipes/read")
		require.Equal(t, 200, b.open("/content/models/create"))
		require.Equal(t, 200, b.press("Create model", "name", "recipes", "label", "Recipes"))
		require.Contains(t, b.text, "The model was created")
		require.Equal(t, 200, b.open("/system/users/roles/create"))
		for _, verb := range []string{"manage", "read", "create", "update", "delete", "publish"} {
			require.Contains(t, b.text, `name="p.content/recipes/`+verb+`"`)
		}

		// Items: the API shows published items and no drafts.
		require.Equal(t, 200, b.open("/content/items/recipes"))
		require.Contains(t, b.text, "No items yet")
		require.Equal(t, 200, b.open("/content/items/recipes/create"))
		require.Equal(t, 200, b.press("Save and publish", "f.title", "Bread"))
		require.Equal(t, 200, b.open("/content/items/recipes/create"))
		require.Equal(t, 200, b.press("Save as draft", "f.title", "Secret <sauce>"))
		require.Contains(t, b.text, "Secret &lt;sauce&gt;")
		const recipes = "/api/content/items/recipes"
		require.Equal(t, []any{"Bread"}, r.titles(t, recipes, own, "title"))
		require.Equal(t, 403, r.status(t, "GET", recipes, custom), "no role was given this yet")
		require.Equal(t, 401, r.status(t, "GET", recipes, ""))

		// A public role, and the public API open with it.
		require.Equal(t, 200, b.open("/system/users/roles/create"))
		require.Equal(t, 200, b.press("Create role", "appid", "world", "name", "World", "p.content/recipes/read", "allow"))
		require.Equal(t, 200, b.open("/system/api/public?role=world"))
		require.Equal(t, 200, b.press("Change to world"))
		require.Equal(t, []any{"Bread"}, r.titles(t, recipes, "", "title"))
		require.Equal(t, 401, r.status(t, "GET", "/api/pages/menus", ""), "that is all it opens")
		visitor := browse(t, r)
		visitor.open("/content/items/recipes")
		require.Equal(t, "/login", visitor.at.Path, "pages are not public")

		// And closed.
		require.Equal(t, 200, b.open("/system/api/public"))
		require.Equal(t, 200, b.press("Close"))
		require.Equal(t, 401, r.status(t, "GET", recipes, ""))

		// The log has records of all of it; then sign out.
		require.Equal(t, 200, b.open("/system/audit"))
		require.NotContains(t, b.text, own)
		require.Equal(t, 200, b.press("Sign out"))
		require.Equal(t, "/login", b.at.Path)
		b.open("/content")
		require.Equal(t, "/login", b.at.Path)
	})
}

// The parts of the content pages that the tour does not show.
func TestContentPages(t *testing.T) {
	t.Parallel()
	c := config{addr: "127.0.0.1:0", db: t.TempDir() + "/cms.db"}
	r := start(t, c)
	b := r.admin(t)

	require.Equal(t, 200, b.open("/content/models/create"))
	require.Equal(t, 400, b.press("Create model", "name", "a b"))
	require.Equal(t, 409, b.press("Create model", "name", "posts"))
	require.Equal(t, 200, b.press("Create model", "name", "site", "type", "singleton"))
	require.Equal(t, 200, b.open("/content/item/site"))
	require.Equal(t, 200, b.press("Save and publish", "f.title", "Mine"))
	require.Equal(t, 200, b.press("Save", "f.title", "Ours"), "a singleton is edited where it is shown")
	require.Contains(t, b.text, `value="Ours"`)

	require.Equal(t, 200, b.open("/content/item/posts/plans"))
	require.Equal(t, 200, b.press("Save and publish"))
	key := userLine.FindStringSubmatch(r.printed[2])[1]
	require.Equal(t, []any{"Hello", "Plans"}, r.titles(t, "/api/content/items/posts", key, "title"))
	require.Equal(t, 200, b.open("/content/item/posts/plans"))
	require.Equal(t, 200, b.press("Withdraw now"))
	require.Equal(t, []any{"Hello"}, r.titles(t, "/api/content/items/posts", key, "title"))
	require.Equal(t, 200, b.open("/content/item/posts/hello"))
	require.Equal(t, 200, b.press("Delete for good"))
	require.Empty(t, r.titles(t, "/api/content/items/posts", key, "title"))

	for path, want := range map[string]int{
		"/content/items/nothing": 404, "/content/item/posts/nothing": 404, "/content/item/posts/%00": 404,
		"/content/items/a%2Fb": 404, "/content/item/posts": 404, "/accounts/user/unknown": 404,
	} {
		require.Equal(t, want, b.open(path), path)
	}
}
