package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// quoted returns s as a JavaScript string.
func quoted(s string) string {
	text, _ := json.Marshal(s) // a string always encodes
	return string(text)
}

const (
	posts   = "/api/content/items/posts"
	recipes = "/api/content/items/recipes"
	menus   = "/api/pages/menus"
)

// The usual steps, from the first sign-in to the last sign-out, in a real browser over the real program.
func TestFlows(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r := start(t, c)
		w := newTab(t, r)
		login, password := r.password(t)

		// A wrong password, then the right one.
		w.Open("/system/users/user")
		require.Equal(t, "/login", w.path())
		require.EqualValues(t, 401, w.signIn(login, "not the one that was printed"))
		require.Contains(t, w.text(), "User name or password is wrong.")
		w.fill("Password", password)
		w.press("Sign in")
		require.Equal(t, "/system/users/user", w.path(), "back to where one wanted to go")

		// One's own key.
		require.Contains(t, w.text(), "No API key yet")
		w.press("Create API key")
		first := w.copied()
		require.Equal(t, 200, r.status(t, "GET", posts, first))
		w.Open("/system/users/user")
		require.NotContains(t, w.text(), first, "it is shown once")
		w.press("Refresh now")
		own := w.copied()
		require.Equal(t, 401, r.status(t, "GET", posts, first), "the old one is refused")
		require.Equal(t, 200, r.status(t, "GET", posts, own))

		// A custom key with a role.
		w.press("Keys")
		w.press("New API key")
		w.fill("Name", "Website build")
		w.choose("Role", "reader")
		w.press("Create API key")
		custom := w.copied()
		require.Equal(t, 200, r.status(t, "GET", posts, custom))
		require.Equal(t, 403, r.status(t, "POST", "/api/content/item/posts", custom, `{"data":{"title":"x"}}`))

		// The public API: the sample's role is public at the start. Close it, open it, close it.
		require.Equal(t, 200, r.status(t, "GET", menus, ""))
		w.press("Public API")
		w.press("Close")
		require.Equal(t, 401, r.status(t, "GET", menus, ""))
		w.press("Roles")
		w.press("New role")
		w.fill("Appid", "everybody")
		w.fill("Name", "Everybody")
		w.allow("content/pages/read")
		w.press("Create role")
		w.press("Public API")
		require.Contains(t, w.text(), "Public API is closed")
		w.choose("Role for callers without a key", "everybody")
		w.press("Show what it opens")
		require.Contains(t, w.text(), "Read pages")
		require.Contains(t, w.text(), menus)
		require.Equal(t, 401, r.status(t, "GET", menus, ""), "looking opens nothing")
		w.press("Open the public API")
		require.Equal(t, 200, r.status(t, "GET", menus, ""))
		require.Equal(t, 401, r.status(t, "GET", posts, ""))
		w.press("Close")
		require.Equal(t, 401, r.status(t, "GET", menus, ""))

		// A model, an item, and the check boxes for it.
		w.press("Content")
		w.press("New model")
		w.fill("Name", "recipes")
		w.press("Create model")
		w.press("recipes")
		w.press("New item")
		w.fill("title", "Bread")
		w.press("Save and publish")
		require.Equal(t, 403, r.status(t, "GET", recipes, custom), "no role was given this yet")
		w.press("Roles")
		w.press("Reader")
		require.Contains(t, w.text(), "Read recipes")
		w.allow("content/recipes/read")
		w.press("Save")
		require.Equal(t, []any{"Bread"}, r.titles(t, recipes, custom, "title"))

		// A deactivated user loses session and key.
		w.press("Accounts")
		w.press("New account")
		const rosesPassword = "correct horse battery"
		w.fill("User name", "rose")
		w.fill("Name", "Rose")
		w.choose("Role", "reader")
		w.fill("Password", rosesPassword)
		w.press("Create account")
		rose := &tab{w.Another(t, r.url)}
		rose.Open("/")
		rose.signIn("rose", rosesPassword)
		rose.press("My key")
		rose.press("Create API key")
		roses := rose.copied()
		require.Equal(t, 200, r.status(t, "GET", recipes, roses))
		require.NotContains(t, rose.text(), "Audit log", "what she may not see is on no list")
		w.press("rose")
		w.input("Active")
		eval[any](w, `document.querySelector("`+marked+`").click()`)
		w.press("Save")
		require.Contains(t, w.text(), "inactive")
		require.Equal(t, 401, r.status(t, "GET", recipes, roses))
		rose.Open("/content")
		require.Equal(t, "/login", rose.path())
		require.EqualValues(t, 401, rose.signIn("rose", rosesPassword))

		// Out, and Back shows nothing.
		w.press("Content")
		w.press("recipes")
		require.Contains(t, w.text(), "Bread")
		w.press("Sign out")
		require.Equal(t, "/login", w.path())
		w.back()
		require.NotContains(t, w.text(), "Bread")
		require.Equal(t, "/login", w.path())
		w.Open("/system/api")
		require.Equal(t, "/login", w.path())
		require.Equal(t, 200, r.status(t, "GET", posts, own), "signing out ends no key")
	})
}
