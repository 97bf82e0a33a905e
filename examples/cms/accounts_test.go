package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the people are like that manage and are managed here.
const people = `{
	"roles": [
		{"appid": "writer", "permissions": {"content/posts/read": true, "content/posts/update": true, "content/posts/create": true}},
		{"appid": "reader", "permissions": {"content/posts/read": true}},
		{"appid": "staff", "inherits": ["reader"], "permissions": {"app/users/manage": true}}
	],
	"users": [{"_id": "rob", "user": "rob", "name": "Rob", "role": "reader", "active": true, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d38"}],
	"models": [{"name": "posts", "type": "collection", "fields": [{"name": "title", "type": "text"}]}],
	"items": {"posts": [{"_id": "one", "_state": 1, "title": "One"}, {"_id": "draft", "_state": 0, "title": "Hidden"}]}
}`

// Nobody hands out more than they hold, whether by a role or by a password.
func TestAccounts(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, people)
		r := start(t, c)
		const good, better, robsKey = "correct horse battery", "staple battery horse", "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d38"
		root := r.admin(t)
		create := func(b *browser, login, role, password string) int {
			t.Helper()
			require.Equal(t, 200, b.open("/accounts/create"))
			return b.press("Create account", "login", login, "name", "Mx "+login, "role", role, "password", password)
		}
		require.Equal(t, 200, create(root, "sam", "staff", good))
		require.Equal(t, 200, create(root, "wes", "writer", good))
		require.Equal(t, 400, create(root, "short", "reader", "12345678"))
		require.Equal(t, 400, create(root, "two words", "reader", good))
		require.Equal(t, 409, create(root, "rob", "reader", good))
		require.Equal(t, 400, create(root, "gone", "no-such-role", good))
		n := anotherNode(t, c)
		id := func(login string) (id string) {
			t.Helper()
			require.NoError(t, n.db.QueryRowContext(t.Context(), `SELECT id FROM cms_users WHERE login = $1`, login).Scan(&id))
			return id
		}
		admin, wes, samID := id("admin"), id("wes"), id("sam")

		for path, want := range map[string]int{
			"/accounts/user/nobody": 404, "/accounts/user/%00": 404, "/accounts/user/%ff": 404, "/accounts?login=%00": 200, "/admin/users?q=%00": 200,
			"/admin/users?q=ROB&role=reader": 200, "/admin/users?q=%25": 200,
		} {
			require.Equal(t, want, root.open(path), path)
			if want == 200 {
				require.Equal(t, path == "/admin/users?q=ROB&role=reader", strings.Contains(root.text, "Rob"), path)
			}
		}

		sam := browse(t, r)
		require.Equal(t, 200, sam.signIn("sam", good))
		require.Equal(t, 403, create(sam, "eve", "writer", good), "a role with more")
		require.Equal(t, 403, create(sam, "eve", "admin", good))
		require.Equal(t, 200, create(sam, "tom", "staff", good), "a role with the same")
		require.Equal(t, 403, change(sam, "rob", "role", "writer"))
		require.Equal(t, 403, change(sam, wes, "role", "reader"), "less for somebody with more")
		require.Equal(t, 200, change(sam, wes, "name", "Wes"), "which is no harm")
		require.Equal(t, 409, change(sam, samID, "role", "admin"), "nobody raises themselves")
		password := func(b *browser, id string) int {
			t.Helper()
			require.Equal(t, 200, b.open("/accounts/user/"+id))
			return b.press("Set password", "password", better)
		}
		require.Equal(t, 403, password(sam, admin), "a password is a way in")
		require.Equal(t, 403, password(sam, wes))
		require.Equal(t, 200, password(sam, "rob"), "who was loaded has none yet")

		rob := browse(t, r)
		require.Equal(t, 200, rob.signIn("rob", better))
		require.Equal(t, 403, rob.open("/accounts"))
		require.Equal(t, 403, rob.open("/content/models/create"))
		require.Equal(t, 200, rob.open("/content/items/posts"))
		require.Contains(t, rob.text, "One")
		require.NotContains(t, rob.text, "Hidden", "readers are shown no drafts")
		require.Equal(t, 403, rob.open("/content/items/posts/create"))
		require.Equal(t, 403, rob.open("/content/item/posts/one"))
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", robsKey))

		// Who may write but not publish makes drafts.
		writer := browse(t, r)
		require.Equal(t, 200, writer.signIn("wes", good))
		require.Equal(t, 200, writer.open("/content/items/posts/create"))
		require.NotContains(t, writer.text, "Save and publish")
		require.Equal(t, 200, writer.press("Save as draft", "f.title", "Mine"))
		require.Contains(t, writer.text, "Hidden")
		require.NotContains(t, r.titles(t, "/api/content/items/posts", robsKey, "title"), "Mine")

		// Deactivated: the session and the key end on the next request.
		require.Equal(t, 200, change(sam, "rob", "active", ""))
		rob.open("/content")
		require.Equal(t, "/login", rob.at.Path)
		require.Equal(t, 401, rob.signIn("rob", better))
		require.Equal(t, 401, r.status(t, "GET", "/api/content/items/posts", robsKey))
		require.Equal(t, 200, change(sam, "rob", "active", "1"))
		rob.open("/content")
		require.Equal(t, "/login", rob.at.Path, "old sessions do not come back")
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", robsKey))

		// One's own password, and what another one ends.
		elsewhere := browse(t, r)
		require.Equal(t, 200, elsewhere.signIn("sam", good))
		require.Equal(t, 200, sam.open("/password"))
		require.Equal(t, 403, sam.press("Change password", "old", better, "password", better))
		require.Equal(t, 400, sam.press("Change password", "old", good, "password", "short"))
		require.Equal(t, 200, sam.press("Change password", "old", good, "password", better))
		require.Equal(t, "/login", sam.at.Path)
		elsewhere.open("/content")
		require.Equal(t, "/login", elsewhere.at.Path)
		require.Equal(t, 401, sam.signIn("sam", good))
		require.Equal(t, 200, sam.signIn("sam", better))

		require.Equal(t, 200, root.open("/system/audit"))
		for _, action := range []string{"user.create", "user.update", "user.password"} {
			require.Contains(t, root.text, action)
		}
		require.NotContains(t, root.text, "argon2")
	})
}

// change edits one input of an account's form, as somebody may do who makes requests by hand.
func change(b *browser, id, name, value string) int {
	b.Helper()
	require.Equal(b, 200, b.open("/accounts/user/"+id))
	return b.press("Save", name, value)
}
