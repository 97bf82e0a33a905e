package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/chromium"
)

// inUse is a CMS with users, keys and content.
const inUse = `{
	"roles": [
		{"appid": "editor", "name": "Editor", "permissions": {"content/**": true}},
		{"appid": "reader", "name": "Reader", "permissions": {"content/pages/read": true, "content/posts/read": true}}
	],
	"users": [
		{"_id": "ada", "user": "ada", "name": "Ada Lovelace", "role": "editor", "active": true},
		{"_id": "bob", "user": "bob", "name": "Bob", "role": "reader", "active": false},
		{"_id": "eve", "user": "a-user-name-of-the-greatest-length-that-there-can-be-and-no-spac", "name": "Endlessendlessendlessendless Endless", "active": true}
	],
	"models": [
		{"name": "posts", "label": "Posts", "type": "collection", "fields": [{"name": "title", "label": "Title", "type": "text"}, {"name": "body", "label": "Text", "type": "longtext"},
			{"name": "price", "type": "number"}, {"name": "sold", "label": "Sold out", "type": "boolean"}, {"name": "day", "label": "Day", "type": "date"}, {"name": "tags", "label": "Tags", "type": "set"}]},
		{"name": "pages", "label": "Pages", "type": "tree", "fields": [{"name": "title", "type": "text"}]},
		{"name": "settings", "label": "Settings", "type": "singleton", "fields": [{"name": "title", "type": "text"}]},
		{"name": "a-model-with-the-longest-name-that-a-model-can-have-which-is-lon", "type": "collection"}
	],
	"items": {
		"posts": [{"_id": "one", "_state": 1, "title": "Hello", "body": "Two\nlines", "price": 12.5, "sold": true, "day": "2030-01-31", "tags": ["a", {"b": 1}], "_modified": 1750000000},
			{"_id": "two", "_state": 0, "title": "A draft whose title is so long that it does not fit into a line of the list, not even of a wide one", "_modified": 1760000000},
			{"_id": "three", "_state": 1, "title": "Endlessendlessendlessendlessendlessendlessendlessendlessendlessendlessendless"}],
		"pages": [{"_id": "home", "_state": 1, "title": "Home"}, {"_id": "about", "_state": 1, "title": "About", "_pid": "home", "_o": 2}]
	}
}`

// A shot is a page in a state to look at.
type shot struct {
	name, heading, path string
	before              func(*tab) // steps before the first look
}

func unfold(w *tab) {
	eval[any](w, `document.querySelectorAll("details").forEach((d) => d.open = true)`)
}

var shots = []shot{
	{"content", "Content", "/content", nil},
	{"content-saved", "Content", "/content/model/settings", func(w *tab) { w.press("Save model") }},
	{"model-create", "New model", "/content/models/create", nil},
	{"model-create-refused", "New model", "/content/models/create", func(w *tab) { w.fill("Name", "posts"); w.press("Create model") }},
	{"model", "Posts", "/content/model/posts", unfold},
	{"model-refused", "Posts", "/content/model/posts", func(w *tab) { unfold(w); w.fill("Its name, to be sure", "post"); w.press("Delete model and items") }},
	{"items", "Posts", "/content/items/posts", nil},
	{"items-none", "a-model-with-the-longest-name-that-a-model-can-have-which-is-lon", "/content/items/a-model-with-the-longest-name-that-a-model-can-have-which-is-lon", nil},
	{"item-create", "New item", "/content/items/posts/create", nil},
	{"item", "Hello", "/content/item/posts/one", unfold},
	{"item-refused", "Hello", "/content/item/posts/one", func(w *tab) { w.fill("price", "a lot"); w.press("Save") }},
	{"item-of-any-fields", "New item", "/content/items/a-model-with-the-longest-name-that-a-model-can-have-which-is-lon/create", nil},
	{"item-in-tree", "About", "/content/item/pages/about", nil},
	{"singleton", "New item", "/content/item/settings", nil},
	{"accounts", "Accounts", "/accounts", nil},
	{"account-create", "New account", "/accounts/create", nil},
	{"account-create-refused", "New account", "/accounts/create", func(w *tab) {
		w.fill("User name", "ada")
		w.fill("Name", "Ada")
		w.fill("Password", "correct horse battery")
		w.press("Create account")
	}},
	{"account", "bob", "/accounts/user/bob", unfold},
	{"account-long", "a-user-name-of-the-greatest-length-that-there-can-be-and-no-spac", "/accounts/user/eve", nil},
	{"password", "My password", "/password", unfold},
	{"password-refused", "My password", "/password", func(w *tab) {
		w.fill("Present password", "not the one that I have")
		w.fill("New password", "correct horse battery")
		w.press("Change password")
	}},
	{"not-found", "Not Found", "/content/nowhere", nil},
}

// TestPages looks at every page, light, dark and as narrow as a phone: axe-core finds no serious fault, nothing is
// cut off, and a screenshot is written to the folder LATCHKEY_SCREENSHOTS, if it is set.
func TestPages(t *testing.T) {
	looks := chromium.NewLooks(t, "cms",
		chromium.Way{Name: "light", Scheme: "light", Width: 1280},
		chromium.Way{Name: "dark", Scheme: "dark", Width: 1280, Axe: chromium.Contrast}, // only the colours differ
		chromium.Way{Name: "phone", Scheme: "light", Width: 390})
	t.Parallel()
	r := start(t, config{addr: "127.0.0.1:0", db: t.TempDir() + "/cms.db", load: file(t, inUse)})
	w := newTab(t, r)
	login, password := r.password(t)
	w.look(shot{"login", "Sign in", "/content", nil}, looks)
	w.look(shot{"login-refused", "Sign in", "/content", func(w *tab) { w.signIn("unknown", "a wrong password") }}, looks)
	w.Open("/login")
	w.signIn(login, password)
	require.Equal(t, "/content", w.path())
	for _, s := range shots {
		w.look(s, looks)
	}
	// Users with few permissions see few pages, and a reason.
	w.Open("/accounts/user/eve")
	w.choose("Role", "reader")
	w.press("Save")
	w.Open("/accounts/user/eve")
	unfold(w)
	w.fill("New password", "correct horse battery")
	w.press("Set password")
	w.press("Sign out")
	w.signIn("a-user-name-of-the-greatest-length-that-there-can-be-and-no-spac", "correct horse battery")
	w.look(shot{"content-of-a-reader", "Content", "/content", nil}, looks)
	w.look(shot{"items-of-a-reader", "Posts", "/content/items/posts", nil}, looks)
	w.look(shot{"refused", "Forbidden", "/accounts", nil}, looks)
}

// look looks at a page in each way. The steps before the first look are done once.
func (w *tab) look(s shot, looks *chromium.Looks) {
	w.Run(s.name, func(t *testing.T) {
		w := &tab{w.On(t)}
		w.Prepare()
		w.Open(s.path)
		if s.before != nil {
			s.before(w)
		}
		require.Equal(w, s.heading, eval[string](w, `document.querySelector("h1").textContent`), "another page is shown than is meant")
		w.Look(s.name, looks, nil)
	})
}
