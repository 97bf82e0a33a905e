package adminapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

func TestRoles(t *testing.T) {
	w := newWorld(t, nil)
	role := map[string]any{"appid": "temp", "name": "Temp", "permissions": map[string]bool{"content/pages/read": true, "content/pagse": true}}
	made := w.expect(201, w.call(root, "POST", "/roles", role))
	require.Equal(t, []any{"content/pagse"}, made.body["unknown"], "a typing error is shown")
	require.Equal(t, "roles/temp", made.header.Get("Location"))
	w.expect(409, w.call(root, "POST", "/roles", role))
	for field, wrong := range map[string]map[string]any{
		"appid":       {"appid": "Temp"}, // differs in case only
		"name":        {"appid": "x", "name": "a\nb"},
		"info":        {"appid": "x", "info": string(make([]byte, 3))},
		"permissions": {"appid": "x", "permissions": map[string]bool{"a//b": true}},
		"inherits":    {"appid": "x", "inherits": []string{"x"}},
	} {
		require.Equal(t, field, w.expect(400, w.call(root, "POST", "/roles", wrong)).string("field"))
	}
	for _, wrong := range []string{"", "admin", "ADMIN", "a b", "ä"} {
		require.Equal(t, "appid", w.expect(400, w.call(root, "POST", "/roles", map[string]any{"appid": wrong})).string("field"))
	}
	require.Equal(t, "permissions", w.expect(400, w.call(root, "POST", "/roles", `{"appid":"x","permissions":{"a":1}}`)).string("field"))
	require.Equal(t, "permissions", w.expect(400, w.call(root, "POST", "/roles", `{"appid":"x","permissions":{"a":true,"a":false}}`)).string("field"))

	tag := w.expect(200, w.call(root, "GET", "/roles/temp", nil)).header.Get("ETag")
	require.Equal(t, tag, made.header.Get("ETag"))
	w.expect(400, w.call(root, "PUT", "/roles/temp", map[string]any{"appid": "other"}))
	w.expect(200, w.call(root, "PUT", "/roles/temp", map[string]any{"name": "Temp 2"}, "If-Match", tag))
	require.True(t, w.roles.Policy().Has("temp"), "the next request meets what was saved")
	w.expect(412, w.call(root, "PUT", "/roles/temp", map[string]any{"name": "Temp 3"}, "If-Match", tag))
	w.expect(412, w.call(root, "DELETE", "/roles/temp", nil, "If-Match", tag))
	n := len(w.records())
	w.expect(200, w.call(root, "PUT", "/roles/temp", map[string]any{"name": "Temp 2"}))
	require.Len(t, w.records(), n, "nothing was changed")
	w.expect(204, w.call(root, "DELETE", "/roles/temp", nil))
	w.expect(404, w.call(root, "DELETE", "/roles/temp", nil))
	last := w.records()[0]
	require.Equal(t, "role.delete", last.Action)
	require.Equal(t, "Temp 2", last.Before["name"])
	require.Nil(t, last.After)
}

func TestDeletingARoleShowsWhatItTouches(t *testing.T) {
	w := newWorld(t, nil)
	w.expect(409, w.call(root, "DELETE", "/roles/editor", nil)) // others inherit from it
	k := w.custom(keys.Custom{Name: "Site", Role: "viewer"})
	w.expect(200, w.call(root, "PUT", "/public", w.opening("viewer")))
	usage := w.expect(200, w.call(root, "GET", "/roles/viewer", nil)).body["usage"].(map[string]any)
	require.EqualValues(t, 1, usage["key_count"])
	require.EqualValues(t, 1, usage["user_count"])
	require.Equal(t, true, usage["public"])
	require.Contains(t, fmt.Sprint(usage["keys"]), k.Record.ID)
	require.Contains(t, fmt.Sprint(usage["users"]), "bob")

	refused := w.expect(409, w.call(root, "DELETE", "/roles/viewer", nil))
	require.Equal(t, usage, refused.body["usage"])
	w.users.set(auth.User{ID: "eve", Role: "viewer", Active: true})
	changed := w.expect(409, w.call(root, "DELETE", "/roles/viewer?confirm="+usage["confirm"].(string), nil))
	confirm := changed.body["usage"].(map[string]any)["confirm"].(string)
	require.NotEqual(t, usage["confirm"], confirm, "another user has it")
	require.True(t, w.roles.Policy().Has("viewer"))
	w.expect(204, w.call(root, "DELETE", "/roles/viewer?confirm="+confirm, nil))

	require.False(t, w.roles.Policy().Has("viewer"))
	require.Equal(t, "", w.expect(200, w.call(root, "GET", "/keys/"+k.Record.ID, nil)).string("role"))
	require.Equal(t, "", w.expect(200, w.call(root, "GET", "/public", nil)).string("role"))
	w.expect(201, w.call(root, "POST", "/roles", map[string]any{"appid": "viewer", "permissions": map[string]bool{"x": true}}))
	require.Equal(t, "", w.expect(200, w.call(root, "GET", "/public", nil)).string("role"), "a new one of that name is another one")
	w.expect(401, w.call("", "GET", "/keys", nil))
}

// TestAUsageListsOnlyWhatTheCallerManages asks with the permission to manage roles alone.
func TestAUsageListsOnlyWhatTheCallerManages(t *testing.T) {
	w := newWorld(t, nil)
	id := w.custom(keys.Custom{Name: "Site", Role: "viewer"}).Record.ID
	for scopes, sees := range map[string]struct{ keys, users bool }{
		"app/roles/manage": {}, "app/roles/manage app/api/manage": {keys: true}, "app/roles/manage app/users/manage": {users: true},
	} {
		who := credential(w.custom(keys.Custom{Role: "admin", Scopes: append(strings.Fields(scopes), "content/posts/read")}).Key.Reveal())
		for _, answer := range []reply{
			w.expect(200, w.call(who, "GET", "/roles/viewer", nil)), w.expect(409, w.call(who, "DELETE", "/roles/viewer", nil)),
		} {
			usage := answer.body["usage"].(map[string]any)
			require.EqualValues(t, 1, usage["key_count"])
			require.EqualValues(t, 1, usage["user_count"])
			require.NotEmpty(t, usage["confirm"])
			require.Equal(t, sees.keys, strings.Contains(answer.text, id), scopes)
			require.Equal(t, sees.users, strings.Contains(answer.text, "bob"), scopes)
		}
	}
	keeper := credential(w.custom(keys.Custom{Role: "keeper"}).Key.Reveal())
	require.NotContains(t, w.expect(200, w.call(keeper, "GET", "/roles/viewer", nil)).text, "usage")
}

// TestUsersOfADeletedRoleFallToNone deletes a role and saves another one under its appid.
func TestUsersOfADeletedRoleFallToNone(t *testing.T) {
	broken := false
	var w *world
	w = newWorld(t, nil, func(c *admin.Config) {
		c.DropRole = func(_ context.Context, appid string) error {
			if broken {
				return errDisk
			}
			w.users.drop(appid)
			return nil
		}
	})
	confirm := func() string {
		return w.expect(200, w.call(root, "GET", "/roles/viewer", nil)).body["usage"].(map[string]any)["confirm"].(string)
	}
	broken = true
	w.expect(503, w.call(root, "DELETE", "/roles/viewer?confirm="+confirm(), nil))
	require.True(t, w.roles.Policy().Has("viewer"))
	require.Equal(t, "viewer", w.user("bob").Role())

	broken = false
	w.expect(204, w.call(root, "DELETE", "/roles/viewer?confirm="+confirm(), nil))
	w.expect(201, w.call(root, "POST", "/roles", map[string]any{"appid": "viewer", "permissions": map[string]bool{"content/**": true}}))
	require.Empty(t, w.user("bob").Role(), "the new role is another one")
	require.Equal(t, "editor", w.user("ada").Role())
}
