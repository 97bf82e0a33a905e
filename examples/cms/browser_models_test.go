package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Models are made, rearranged and deleted, and the log has the records.
func TestModels(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, `{
			"roles": [{"appid": "cook", "permissions": {"content/recipes/read": true, "content/recipes/manage": true}}],
			"users": [{"_id": "cook", "user": "cook", "name": "Cook", "role": "cook", "active": true}],
			"models": [{"name": "recipes", "label": "Recipes", "type": "collection",
				"fields": [{"name": "title", "type": "text", "i18n": true}, {"name": "tags", "type": "set"}]}],
			"items": {"recipes": [{"_id": "one", "_state": 1, "title": "Bread", "title_de": "Brot", "tags": ["a"]}, {"_id": "two", "_state": 0, "title": "Soup"}]}
		}`)
		r := start(t, c)
		b := r.admin(t)
		const edit = "/content/model/recipes"
		fields := func() (names []string) {
			t.Helper()
			m, err := anotherNode(t, c).content.Model(t.Context(), "recipes")
			require.NoError(t, err)
			for _, f := range m.Fields {
				names = append(names, fmt.Sprintf("%s %s %s %v", f.Name, f.Label, f.Type, f.I18n))
			}
			return names
		}
		require.Equal(t, 200, b.open(edit))
		require.Equal(t, 200, b.press("Save model", "label", "Dishes"))
		require.Equal(t, "/content", b.at.Path)
		require.Contains(t, b.text, "Dishes")
		require.Equal(t, []string{"title  text true", "tags  set false"}, fields(), "what the form does not show stays")

		require.Equal(t, 200, b.open(edit))
		require.Equal(t, 200, b.press("↑Move tags up"))
		require.Equal(t, []string{"title  text true", "tags  set false"}, fields(), "nothing is saved yet")
		require.Equal(t, 200, b.press("Save model"))
		require.Equal(t, []string{"tags  set false", "title  text true"}, fields())
		require.Equal(t, 200, b.open(edit))
		require.Equal(t, 200, b.press("Remove tags"))
		require.Equal(t, 200, b.press("Save model"))
		require.Equal(t, []string{"title  text true"}, fields())

		// Another user was quicker.
		late := r.admin(t)
		require.Equal(t, 200, late.open(edit))
		require.Equal(t, 200, b.open(edit))
		require.Equal(t, 200, b.press("Save model", "label", "Meals"))
		require.Equal(t, 409, late.press("Save model", "label", "Food"))
		require.Contains(t, late.text, `value="Food"`, "what was typed is not lost")
		require.Equal(t, 200, late.press("Save model"), "and wins if it is meant")

		// With the permission for one model, that model can be changed but not deleted.
		require.Equal(t, 200, b.open("/accounts/user/cook"))
		require.Equal(t, 200, b.press("Set password", "password", "correct horse battery"))
		cook := browse(t, r)
		require.Equal(t, 200, cook.signIn("cook", "correct horse battery"))
		require.Equal(t, 200, cook.open(edit))
		require.NotContains(t, cook.text, "Delete this model")
		require.Equal(t, 200, cook.press("Save model", "label", "Mine"))
		require.Equal(t, 403, cook.open("/content/models/create"))
		require.Equal(t, 403, cook.open("/content/model/pages"))
		response, err := cook.straight().PostForm(r.url+edit+"/delete", map[string][]string{"confirm": {"recipes"}})
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, 403, response.StatusCode)

		require.Equal(t, 200, b.open(edit))
		require.Contains(t, b.text, "2 items are deleted with it")
		require.Contains(t, b.text, "/system/users/roles/role/cook", "whose permissions stay")
		require.Equal(t, 400, b.press("Delete model and items", "confirm", "recipe"))
		require.Equal(t, 200, b.press("Delete model and items", "confirm", "recipes"))
		require.Equal(t, 404, b.open(edit))
		require.Equal(t, 200, b.open("/system/users/roles/role/cook"))
		require.Contains(t, b.text, "content/recipes/read", "the grant is still there to see")

		// A new model of the same name begins empty.
		require.Equal(t, 200, b.open("/content/models/create"))
		require.Equal(t, 200, b.press("Create model", "name", "recipes"))
		require.Equal(t, 200, b.open("/content/items/recipes"))
		require.Contains(t, b.text, "No items yet")
		require.Equal(t, 200, b.open("/system/audit"))
		for _, action := range []string{"model.create", "model.update", "model.delete"} {
			require.Contains(t, b.text, action)
		}
	})
}

// Items of a tree can be put below one another, but never below themselves.
func TestTreePages(t *testing.T) {
	t.Parallel()
	c := config{addr: "127.0.0.1:0", db: t.TempDir() + "/cms.db"}
	r := start(t, c)
	b := r.admin(t)
	require.Equal(t, 200, b.open("/content/models/create"))
	require.Equal(t, 200, b.press("Create model", "name", "sections", "type", "tree"))
	id := func(title string) (id string) {
		t.Helper()
		n := anotherNode(t, c)
		m, err := n.content.Model(t.Context(), "sections")
		require.NoError(t, err)
		items, _, err := n.content.Page(t.Context(), m, true, 10, 0)
		require.NoError(t, err)
		for _, item := range items {
			if item["title"] == title {
				id = item.ID()
			}
		}
		require.NotEmpty(t, id)
		return id
	}
	add := func(title, parent, position string) int {
		t.Helper()
		require.Equal(t, 200, b.open("/content/items/sections/create"))
		return b.press("Save and publish", "f.title", title, "parent", parent, "position", position)
	}
	require.Equal(t, 200, add("Top", "", "0"))
	require.Equal(t, 200, add("Below", id("Top"), "2"))
	require.Equal(t, 400, add("Odd", "", "first"))
	require.Contains(t, b.text, `value="Odd"`)
	require.Equal(t, 200, b.open("/content/item/sections/"+id("Below")))
	require.Contains(t, b.text, `<option value="`+id("Top")+`" selected>`)
	require.Contains(t, b.text, `name="position" value="2"`)
	require.Equal(t, 200, b.open("/content/item/sections/"+id("Top")))
	require.Equal(t, 409, b.press("Save", "parent", id("Below")), "no circles")
	require.Equal(t, 200, b.open("/content/item/sections/"+id("Below")))
	require.Equal(t, 200, b.press("Save", "parent", ""))
	require.Equal(t, 200, b.open("/content/item/sections/"+id("Top")))
	require.Equal(t, 200, b.press("Save", "parent", id("Below")))
}
