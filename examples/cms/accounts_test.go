package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// The users that manage and are managed here.
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

// You can't grant more access than you have, by a role or by a password.
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
			"/accounts/user/unknown": 404, "/accounts/user/%00": 404, "/accounts/user/%ff": 404, "/accounts?login=%00": 200, "/admin/users?q=%00": 200,
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
		require.Equal(t, 403, change(sam, wes, "role", "reader"), "a user with more access, even to give less")
		require.Equal(t, 200, change(sam, wes, "name", "Wes"), "which is no harm")
		require.Equal(t, 409, change(sam, samID, "role", "admin"), "a user cannot change their own role")
		password := func(b *browser, id string) int {
			t.Helper()
			require.Equal(t, 200, b.open("/accounts/user/"+id))
			return b.press("Set password", "password", better)
		}
		require.Equal(t, 403, password(sam, admin), "a password is a way in")
		require.Equal(t, 403, password(sam, wes))
		require.Equal(t, 403, change(sam, admin, "active", ""), "the administrator could undo it")
		require.Equal(t, 403, change(sam, wes, "active", ""))
		require.Equal(t, 409, change(root, admin, "active", ""), "nor themselves")
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

		// A user who may write but not publish makes drafts.
		writer := browse(t, r)
		require.Equal(t, 200, writer.signIn("wes", good))
		require.Equal(t, 200, writer.open("/content/items/posts/create"))
		require.NotContains(t, writer.text, "Save and publish")
		require.Equal(t, 200, writer.press("Save as draft", "f.title", "Mine"))
		require.Contains(t, writer.text, "Hidden")
		require.NotContains(t, r.titles(t, "/api/content/items/posts", robsKey, "title"), "Mine")

		// After deactivation, the session and the key end with the next request.
		require.Equal(t, 200, change(sam, "rob", "active", ""))
		rob.open("/content")
		require.Equal(t, "/login", rob.at.Path)
		require.Equal(t, 401, rob.signIn("rob", better))
		require.Equal(t, 401, r.status(t, "GET", "/api/content/items/posts", robsKey))
		require.Equal(t, 200, change(sam, "rob", "active", "1"))
		rob.open("/content")
		require.Equal(t, "/login", rob.at.Path, "old sessions do not come back")
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", robsKey))

		// One's own password, and what ends when it changes.
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

// No verb implies another: a user who may change or add items may not therefore read them.
func TestWritersThatMayNotRead(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, `{
			"roles": [{"appid": "blind", "permissions": {
				"content/notes/update": true, "content/notes/create": true, "content/notes/updateorder": true, "content/one/update": true}}],
			"models": [{"name": "notes", "type": "tree", "fields": [{"name": "title", "type": "text"}]},
				{"name": "one", "type": "singleton", "fields": [{"name": "title", "type": "text"}]}],
			"items": {"notes": [{"_id": "n1", "_state": 1, "title": "Secret"}], "one": [{"_id": "o1", "_model": "one", "_state": 1, "title": "Secret"}]}
		}`)
		r := start(t, c)
		const good = "correct horse battery"
		root := r.admin(t)
		require.Equal(t, 200, root.open("/accounts/create"))
		require.Equal(t, 200, root.press("Create account", "login", "bo", "name", "Bo", "role", "blind", "password", good))
		b := browse(t, r)
		require.Equal(t, 200, b.signIn("bo", good))
		for path, want := range map[string]int{
			"/content": 200, "/content/items/notes": 403, "/content/item/notes/n1": 403, "/content/items/one": 403, "/content/item/one": 403, "/content/items/notes/create": 200,
		} {
			require.Equal(t, want, b.open(path), path)
			require.NotContains(t, b.text, "Secret", path)
		}
		require.Equal(t, 403, b.post("/content/item/notes/n1", url.Values{"f.title": {"x"}, "position": {"x"}}))
		require.Equal(t, 403, b.post("/content/item/one", url.Values{"f.title": {"x"}}))
		require.Equal(t, 200, b.open("/content/items/notes/create"))
		require.Equal(t, 200, b.press("Save as draft", "f.title", "Mine"), "what was done does not look refused")
	})
}

// change edits one input of an account's form, as a hand-made request can.
func change(b *browser, id, name, value string) int {
	b.Helper()
	require.Equal(b, 200, b.open("/accounts/user/"+id))
	return b.press("Save", name, value)
}

// When a role is deleted, its users lose it in the same step. A new role of the same appid is not theirs.
func TestUsersOfADeletedRole(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, people)
		r, n := start(t, c), anotherNode(t, c)
		const posts, robsKey = "/api/content/items/posts", "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d38"
		role := func() (appid string) {
			t.Helper()
			require.NoError(t, n.db.QueryRowContext(t.Context(), `SELECT role FROM cms_users WHERE id = 'rob'`).Scan(&appid))
			return appid
		}
		soon := func(key string, want int, about string) {
			t.Helper()
			for begin := time.Now(); r.status(t, "GET", posts, key) != want; time.Sleep(time.Millisecond) {
				require.Less(t, time.Since(begin), c.staleness+5*time.Second, about)
			}
		}
		keyWith := func(role string) string {
			t.Helper()
			issued, err := n.lk.Keys.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role})
			require.NoError(t, err)
			return issued.Key.Reveal()
		}
		reader := roles.Role{AppID: "reader", Name: "Reader", Permissions: roles.Grants{"content/posts/read": true}}
		exec := func(statement string) {
			t.Helper()
			_, err := n.db.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		require.Equal(t, 200, r.status(t, "GET", posts, robsKey))
		staffKey := keyWith("staff")
		require.Equal(t, 200, r.status(t, "GET", posts, staffKey))
		staff, _ := n.lk.Roles.Policy().Role("staff")
		staff.Inherits = nil
		require.NoError(t, n.lk.Roles.Save(t.Context(), staff))

		undone := errors.New("undone")
		require.ErrorIs(t, n.store.InTx(t.Context(), func(ctx context.Context) error {
			_, revision, err := n.store.Roles().Load(ctx)
			require.NoError(t, err)
			require.NoError(t, n.store.Roles().Delete(ctx, "reader", revision))
			return undone
		}), undone)
		require.Equal(t, "reader", role(), "the role is still there, and so is its user's")

		b := r.admin(t)
		soon(staffKey, 403, "this node knows that no role inherits from it")
		require.Equal(t, 200, b.open("/system/users/roles/role/reader"))
		require.Equal(t, 200, b.press("Delete reader"))
		require.Empty(t, role())
		soon(robsKey, 403, "a role that is gone gives nothing")
		require.NoError(t, n.lk.Roles.Save(t.Context(), reader))
		require.Empty(t, role())
		soon(keyWith("reader"), 200, "this node knows the role again")
		soon(robsKey, 403, "the next role of this appid is another one")

		exec(`UPDATE cms_users SET role = 'reader' WHERE id = 'rob'`)
		exec(`DELETE FROM latchkey_roles WHERE appid = 'reader'`)
		require.Empty(t, role(), "an operator's own statement is no way around it")
		exec(`UPDATE cms_users SET role = 'reader' WHERE id = 'rob'`)
		require.NoError(t, n.lk.Roles.Reload(t.Context()))
		require.NoError(t, n.lk.Roles.Save(t.Context(), reader))
		require.Empty(t, role(), "nor is a role that was given before it was there")
		require.NoError(t, n.lk.Roles.Save(t.Context(), reader))
		exec(`UPDATE cms_users SET role = 'reader' WHERE id = 'rob'`)
		reader.Name = "Who reads"
		require.NoError(t, n.lk.Roles.Save(t.Context(), reader))
		require.Equal(t, "reader", role(), "a role that is changed keeps its users")
	})
}

// Each change has its record, and both nodes have one log.
func TestTheAuditLog(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		a := start(t, c)
		root := a.admin(t)
		other := start(t, c)
		b := browse(t, other)
		b.signIn(a.password(t))
		n := anotherNode(t, c)
		count := func() (all [5]int) {
			t.Helper()
			for i, table := range []string{"latchkey_keys", "latchkey_roles", "cms_users", "cms_models", "cms_passwords"} {
				require.NoError(t, n.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&all[i]))
			}
			return all
		}
		changes := func(b *browser) (statuses []int) {
			t.Helper()
			for _, change := range [][]string{
				{"/system/api/create", "Create API key", "name", "Logged", "role", "-"},
				{"/system/users/roles/create", "Create role", "appid", "logged", "name", "Logged"},
				{"/accounts/create", "Create account", "login", "logged", "name", "Logged", "password", "correct horse battery"},
				{"/content/models/create", "Create model", "name", "logged"},
			} {
				require.Equal(t, 200, b.open(change[0]))
				statuses = append(statuses, b.press(change[1], change[2:]...))
			}
			return statuses
		}
		before := count()
		_, err := n.db.ExecContext(t.Context(), `ALTER TABLE latchkey_audit RENAME TO away`)
		require.NoError(t, err)
		require.Equal(t, []int{503, 503, 503, 503}, changes(root))
		require.Equal(t, before, count(), "what cannot be recorded is not done")
		_, err = n.db.ExecContext(t.Context(), `ALTER TABLE away RENAME TO latchkey_audit`)
		require.NoError(t, err)
		require.Equal(t, []int{200, 200, 200, 200}, changes(b))
		for i, was := range before {
			require.Equal(t, was+1, count()[i])
		}

		actions := func(b *browser) (list []string) {
			t.Helper()
			require.Equal(t, 200, b.open("/admin/audit"))
			var page struct {
				Items []struct{ Action, Actor string }
			}
			require.NoError(t, json.Unmarshal([]byte(b.text), &page), b.text)
			for _, record := range page.Items {
				list = append(list, record.Action)
			}
			require.GreaterOrEqual(t, len(list), 4)
			return list[:4] // the first start has left some before
		}
		require.Equal(t, []string{"model.create", "user.create", "role.create", "key.create"}, actions(root))
		require.Equal(t, actions(root), actions(b))
		for _, r := range []*running{a, other} {
			r.stop()
		}
		again := start(t, c)
		b.url = again.url // with the session that it has
		require.Equal(t, "model.create", actions(b)[0], "it outlives a restart")
	})
}
