package adminapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func TestPublic(t *testing.T) {
	w := newWorld(t, nil)
	require.Equal(t, "", w.expect(200, w.call(root, "GET", "/public", nil)).string("role"))
	preview := w.expect(200, w.call(root, "GET", "/public/preview?role=editor", nil))
	require.Equal(t, []any{"content/posts/create"}, preview.body["writes"])
	require.Equal(t, []any{
		map[string]any{"permission": "content/posts/create", "label": "Create posts", "effect": "write"},
		map[string]any{"permission": "content/posts/read", "label": "Read posts", "effect": "read"},
	}, preview.body["permissions"])
	require.Len(t, preview.body["routes"], 3)

	refused := w.expect(409, w.call(root, "PUT", "/public", map[string]any{"role": "editor"}))
	require.Equal(t, preview.body["writes"], refused.body["acknowledge"])
	require.Equal(t, preview.body, refused.body["preview"])
	w.expect(409, w.call(root, "PUT", "/public", map[string]any{"role": "editor", "acknowledge": preview.body["writes"]}))
	w.expect(409, w.call(root, "PUT", "/public", map[string]any{"role": "editor", "token": preview.body["token"]}))
	w.expect(409, w.call(root, "PUT", "/public", map[string]any{"role": "editor", "token": preview.body["token"], "acknowledge": []string{"x"}}))
	w.expect(409, w.call(root, "PUT", "/public", map[string]any{"role": "viewer", "token": preview.body["token"]})) // of another role
	w.expect(400, w.call(root, "PUT", "/public", map[string]any{"role": "ghost"}))
	w.expect(400, w.call(root, "PUT", "/public", map[string]any{"role": ""}))
	w.expect(400, w.call(root, "PUT", "/public", map[string]any{}))
	w.expect(200, w.call(root, "PUT", "/public", w.opening("editor")))
	w.expect(401, w.call("", "GET", "/keys", nil))
	require.NotContains(t, w.expect(200, w.call(root, "GET", "/public", nil)).body["exposure"], "token")

	tag := w.expect(200, w.call(root, "GET", "/public", nil)).header.Get("ETag")
	n := len(w.records())
	w.expect(200, w.call(root, "PUT", "/public", map[string]any{"role": "editor"}))
	require.Len(t, w.records(), n, "it was so already")
	w.expect(412, w.call(root, "DELETE", "/public", nil, "If-Match", `"0"`))
	w.expect(204, w.call(root, "DELETE", "/public", nil, "If-Match", tag))
	w.expect(204, w.call(root, "DELETE", "/public", nil))
	require.Equal(t, "public.close", w.records()[0].Action)
	require.Len(t, w.records(), n+1)
	w.expect(401, w.call("", "GET", "/keys", nil))
}

// TestAStalePreview changes something after the preview that the client confirms.
func TestAStalePreview(t *testing.T) {
	for name, change := range map[string]func(*world) error{
		"a write": func(w *world) error {
			return w.roles.Save(t.Context(), roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true, "content/secret/create": true}})
		},
		"a read": func(w *world) error {
			return w.roles.Save(t.Context(), roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true, "content/secret/read": true}})
		},
		"the setting": func(w *world) error { return w.open(w.root(), "viewer") },
		"a model": func(w *world) error {
			w.names = func() (map[string][]string, error) {
				return map[string][]string{"model": {"pages", "posts", "secret"}}, nil
			}
			return nil
		},
	} {
		w := newWorld(t, nil)
		stale := w.opening("keeper") // inherits from editor
		require.NoError(t, change(w), name)
		before, err := w.public.Current(t.Context())
		require.NoError(t, err)
		refused := w.expect(409, w.call(root, "PUT", "/public", stale))
		after, err := w.public.Current(t.Context())
		require.NoError(t, err)
		require.Equal(t, before, after, name)
		preview := refused.body["preview"].(map[string]any)
		require.Equal(t, w.opening("keeper"), map[string]any{"role": "keeper", "token": preview["token"], "acknowledge": preview["writes"]}, name)
		w.expect(200, w.call(root, "PUT", "/public", w.opening("keeper")))
	}
}

// TestAnEditOpensOnlyWhatWasConfirmed edits the public role, and a role that it inherits from.
func TestAnEditOpensOnlyWhatWasConfirmed(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.open(w.root(), "rolemaker")) // inherits from editor
	grants := func(more ...string) map[string]any {
		all := map[string]bool{"content/posts/read": true, "content/posts/create": true}
		for _, grant := range more {
			all[grant] = true
		}
		return map[string]any{"permissions": all}
	}
	// save sends an edit, and once more with what the answer asks for. It returns what the edit adds.
	save := func(edited map[string]any) map[string]any {
		before := w.roles.Policy()
		refused := w.expect(409, w.call(root, "PUT", "/roles/editor", edited))
		require.Same(t, before, w.roles.Policy())
		preview := refused.body["preview"].(map[string]any)
		edited["token"] = "x"
		edited["acknowledge"] = preview["writes"]
		w.expect(409, w.call(root, "PUT", "/roles/editor", edited))
		edited["token"] = preview["token"]
		w.expect(200, w.call(root, "PUT", "/roles/editor", edited))
		return preview
	}
	entry := func(permission, label, effect string, matches ...any) map[string]any {
		e := map[string]any{"permission": permission, "label": label, "effect": effect}
		if matches != nil {
			e["matches"] = matches
		}
		return e
	}
	deleting := save(grants("content/posts/delete"))
	require.Equal(t, []any{"content/posts/delete"}, deleting["writes"], "the model that was added, and no other")
	require.Equal(t, []any{entry("content/posts/delete", "Delete posts", "write")}, deleting["permissions"])
	require.Empty(t, deleting["routes"], "no route is about it")

	reading := save(grants("content/posts/delete", "content/pages/read"))
	require.Equal(t, []any{entry("content/pages/read", "Read pages", "read")}, reading["permissions"])
	require.Empty(t, reading["writes"])

	creating := save(grants("content/posts/delete", "content/pages/read", "content/*/create"))
	require.Equal(t, []any{entry("content/*/create", "Create any model", "write", entry("content/pages/create", "Create pages", "write"))},
		creating["permissions"], "of one model, and then of all")

	w.expect(200, w.call(root, "PUT", "/roles/editor", grants()))
	w.expect(200, w.call(root, "PUT", "/roles/viewer", grants("content/secret/read"))) // is not public

	// Between the preview and the edit that it is about, another caller opens more.
	edited := grants("content/pages/read")
	preview := w.expect(409, w.call(root, "PUT", "/roles/editor", edited)).body["preview"].(map[string]any)
	edited["token"], edited["acknowledge"] = preview["token"], preview["writes"]
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: "rolemaker", Inherits: []string{"editor"}, Permissions: roles.Grants{"content/secret/read": true}}))
	w.expect(409, w.call(root, "PUT", "/roles/editor", edited))

	w.expect(204, w.call(root, "DELETE", "/public", nil))
	w.expect(200, w.call(root, "PUT", "/roles/editor", grants("content/**")))
}

// TestThePublicManagesNothing opens the API with a role that manages keys.
func TestThePublicManagesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.expect(200, w.call(root, "PUT", "/public", w.opening("keeper")))
	w.expect(401, w.call("", "GET", "/keys", nil))
	w.expect(401, w.call("", "POST", "/keys", aKey))
	w.expect(401, w.call("", "POST", "/keys", "not JSON"))
	w.expect(401, w.call("", "DELETE", "/public", nil))
}
