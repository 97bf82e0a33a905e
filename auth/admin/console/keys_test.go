package console_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

func TestOwnKey(t *testing.T) {
	w := newWorld(t)
	const page = "/users/user"
	w.expect(w.get("bob", page), 200, "No API key yet", `value="create"`, "<code>viewer</code>")
	made := w.expect(w.post("bob", page, "create", nil), 200, "shown this once", "curl -H", "await fetch(", "http://example.com/api/posts")
	key := keyIn.FindString(made.body)
	require.True(t, w.good(key))
	require.Equal(t, "no-store", made.header.Get("Cache-Control"))
	require.Empty(t, made.header.Values("Set-Cookie"))

	shown := w.expect(w.get("bob", page), 200, "…"+key[len(key)-4:], "stops working at once", "It was last used on")
	require.Empty(t, keyIn.FindString(shown.body))
	again := w.expect(w.post("bob", page, "create", nil), 409, "This is not possible now")
	require.Empty(t, keyIn.FindString(again.body))

	stale := url.Values{"match": {hidden(shown.body, "match")}}
	fresh := w.expect(w.post("bob", page, "refresh", nil), 200, "The old value has stopped working.")
	second := keyIn.FindString(fresh.body)
	require.True(t, w.good(second))
	require.False(t, w.good(key))
	reloaded := w.expect(w.post("bob", page, "refresh", stale), 409, "Another change came first") // the browser's Reload
	require.Empty(t, keyIn.FindString(reloaded.body))
	require.True(t, w.good(second))

	w.expect(w.post("bob", page, "invalidate", stale), 409, "Another change came first")
	w.expect(w.follow("bob", page, w.post("bob", page, "invalidate", nil)), 200, "invalid for good", "No API key yet")
	require.False(t, w.good(second))
	w.expect(w.post("bob", page, "explode", nil), 400)
}

func TestKeysOfOthers(t *testing.T) {
	w := newWorld(t)
	w.expect(w.get("una", "/users"), 200, `href="./users/user/bob"`)
	w.expect(w.get("una", "/users?q=no-one"), 200, "No user found")
	const page = "/users/user/bob"
	w.expect(w.get("ada", page), 200, "Key of Bob", "This user has no key.")
	key := keyIn.FindString(w.expect(w.post("ada", page, "create", nil), 200).body)
	require.True(t, w.good(key))
	w.expect(w.get("ada", page), 200, "Settings of this key")
	w.expect(w.get("bob", "/users/user"), 200, "…"+key[len(key)-4:])
	rec, err := w.ring.Verify(t.Context(), key)
	require.NoError(t, err)
	settings := w.expect(w.get("ada", "/api/key/"+rec.ID()), 200, "Settings")
	require.NotContains(t, settings.body, `name="role"`, "a user's key has the user's role")

	// Una may manage users, but refreshing a key shows its value, and she may not do what Bob may.
	w.expect(w.post("una", page, "refresh", nil), 403, "You can&#39;t grant more access than you have. Ask a manager of roles", "content/posts/read")
	w.expect(w.post("una", page, "invalidate", nil), 303)
	require.False(t, w.good(key))
	w.expect(w.get("una", "/users/user/no-one"), 404)
	w.expect(w.get("bob", "/users/user/ada"), 403, "app/users/manage")
	w.expect(w.send("bob", "POST", "/users/user/ada", url.Values{"do": {"create"}}), 403, "app/users/manage")
	w.expect(w.get("una", "/users/user/"+url.PathEscape("x/<b>")), 200, `href="../../users"`)
}

func TestCustomKeys(t *testing.T) {
	w := newWorld(t)
	w.expect(w.get("kay", "/api"), 200, "No API keys yet", `href="./api/create"`)
	w.expect(w.get("kay", "/api/create"), 200, "No role: may do nothing", `value="editor"`)
	form := func() url.Values {
		return url.Values{"name": {"Build"}, "role": {"editor"}, "expires_at": {"2099-01-31T12:00"},
			"scopes": {"content/*/read\r\n\r\ncontent/posts/create\r\n"}, "allowed_ips": {"192.0.2.1\r\n10.0.0.0/8"}}
	}
	key := keyIn.FindString(w.expect(w.post("kay", "/api/create", "create", form()), 200, "I have copied it").body)
	v, err := w.ring.Verify(t.Context(), key)
	require.NoError(t, err)
	rec := v.Record()
	require.Equal(t, "Build", rec.Name)
	require.Equal(t, "editor", rec.Role)
	require.Equal(t, []string{"content/*/read", "content/posts/create"}, rec.Scopes)
	require.Len(t, rec.AllowedIPs, 2)
	require.Equal(t, time.Date(2099, 1, 31, 12, 0, 0, 0, time.UTC), rec.ExpiresAt)
	require.Equal(t, "user:kay", rec.CreatedBy)

	w.expect(w.get("kay", "/api?q=buil&state=active"), 200, ">Build</bdi></a>", rec.Hint)
	w.expect(w.get("kay", "/api?state=disabled"), 200, "Nothing found")
	w.expect(w.get("kay", "/api?state=broken"), 400)
	page := "/api/key/" + rec.ID
	w.expect(w.get("kay", page), 200, "10.0.0.0/8", `value="2099-01-31T12:00"`, `value="editor" selected`)

	stale := url.Values{"match": {hidden(w.get("kay", page).body, "match")}, "name": {"Mine"}, "role": {"editor"}}
	change := form()
	change.Set("name", "Nightly build")
	w.expect(w.follow("kay", page, w.post("kay", page, "save", change)), 200, "Saved.", "Nightly build")
	w.expect(w.post("kay", page, "save", stale), 409, "What you typed is still in the form", `value="Mine"`)
	got, err := w.ring.Get(t.Context(), rec.ID)
	require.NoError(t, err)
	require.Equal(t, "Nightly build", got.Name)

	w.expect(w.follow("kay", page, w.post("kay", page, "disable", nil)), 200, "The key is disabled.", "Enable")
	require.False(t, w.good(key))
	w.expect(w.follow("kay", page, w.post("kay", page, "enable", nil)), 200, "works again")
	w.expect(w.get("kay", page), 200, "It has not been used yet.")
	require.True(t, w.good(key))
	w.expect(w.get("kay", page), 200, "It was last used on")

	fresh := w.expect(w.post("kay", page, "refresh", url.Values{"overlap": {"24h"}}), 200, "The old value is good until")
	second := keyIn.FindString(fresh.body)
	require.True(t, w.good(key), "within the overlap")
	require.True(t, w.good(second))
	require.Eventually(t, func() bool { // the first use of the new value is recorded, as a change of the key
		got, err := w.ring.Get(t.Context(), rec.ID)
		return err == nil && got.Overlap == 0
	}, 5*time.Second, time.Millisecond)
	w.expect(w.post("kay", page, "refresh", url.Values{"overlap": {"leaked"}}), 200, "The old value has stopped working.")
	require.False(t, w.good(key))
	require.False(t, w.good(second))
	w.expect(w.post("kay", page, "refresh", url.Values{"overlap": {"1s"}}), 400)

	w.expect(w.post("kay", page, "remove", nil), 409)
	w.expect(w.follow("kay", page, w.post("kay", page, "invalidate", nil)), 200, "ended for good", `value="remove"`)
	w.expect(w.follow("kay", page, w.post("kay", page, "remove", nil)), 200, "was removed", "No API keys yet")
	w.expect(w.get("kay", page), 404)
}

func TestCustomKeyInput(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ field, value, text string }{
		{"allowed_ips", "here", "The field Addresses has a line that is not an address"},
		{"allowed_ips", "fe80::1%eth0", "The field Addresses has a line that is not an address"},
		{"expires_at", "soon", "The field Expires is not a date and time"},
		{"expires_at", "2001-01-01T00:00", "The field Expires is not possible"},
		{"scopes", "a//b", "The field Scopes has a member that is not a permission"},
		{"role", "no-one", "The field Role is not the appid of a role"},
		{"role", "", "The field Role is not chosen"},
		{"name", " ", "The field Name is empty"},
		{"name", "API-" + "0123456789abcdef0123456789abcdef" + "d9ecdf37", ""},
	} {
		form := url.Values{"name": {"kept"}, "role": {"viewer"}}
		form.Set(c.field, c.value)
		if c.text == "" {
			form.Set(c.field, w.aKey())
			c.text = "The field Name holds a key"
		}
		bad := w.expect(w.post("kay", "/api/create", "create", form), 400, c.text, `aria-invalid="true"`)
		if c.field != "name" {
			require.Contains(t, bad.body, `value="kept"`, "what was written stays")
		}
	}
	w.expect(w.post("kay", "/api/create", "create", url.Values{"name": {"x"}, "role": {"admin"}}), 403, "You can&#39;t grant more access than you have")
	w.expect(w.get("kay", "/api?q=kept"), 200, "Nothing found")

	// What the form leaves alone keeps its seconds.
	at := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	rec := w.custom(keys.Custom{Name: "Exact", ExpiresAt: at})
	page := "/api/key/" + rec.ID
	w.expect(w.post("kay", page, "save", url.Values{"name": {"Exactly"}, "role": {"-"}, "expires_at": {at.Format("2006-01-02T15:04")}}), 303)
	got, err := w.ring.Get(t.Context(), rec.ID)
	require.NoError(t, err)
	require.Equal(t, at, got.ExpiresAt)
	require.Equal(t, "Exactly", got.Name)
}

// TestAnEmptyFormMakesNoKey: a key without a role is a choice, and a key never loses its name or role by accident.
func TestAnEmptyFormMakesNoKey(t *testing.T) {
	w := newWorld(t)
	w.expect(w.get("kay", "/api/create"), 200, `<option value="">Choose a role</option><option value="-">No role: may do nothing</option>`)
	w.expect(w.post("kay", "/api/create", "create", nil), 400, "The field Name is empty")
	w.expect(w.get("kay", "/api"), 200, "No API keys yet")
	w.expect(w.post("kay", "/api/create", "create", url.Values{"name": {"None"}, "role": {"-"}}), 200, "I have copied it")
	all, err := w.ring.List(t.Context(), keys.Filter{Kind: keys.KindCustom})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Empty(t, all[0].Role)
	page := "/api/key/" + all[0].ID
	shown := w.expect(w.get("kay", page), 200, `<option value="-" selected>No role: may do nothing</option>`)
	require.NotContains(t, shown.body, "Choose a role")
	w.expect(w.post("kay", page, "save", url.Values{"name": {"None"}}), 400, "The field Role is not chosen")
	w.expect(w.post("kay", page, "save", url.Values{"role": {"-"}}), 400, "The field Name is empty")
	w.expect(w.post("kay", page, "save", url.Values{"name": {"Some"}, "role": {"viewer"}}), 303)
	w.expect(w.post("kay", page, "save", url.Values{"name": {"Some"}, "role": {"-"}}), 303)
	owned, err := w.ring.IssueUser(t.Context(), "bob", keys.User{})
	require.NoError(t, err)
	w.expect(w.post("ada", "/api/key/"+owned.Record.ID, "save", url.Values{"scopes": {"content/**"}}), 303) // a user's key needs neither
}

// aKey is a good key's text.
func (w *world) aKey() string {
	w.t.Helper()
	issued, err := w.ring.IssueCustom(w.t.Context(), keys.Custom{})
	require.NoError(w.t, err)
	require.NoError(w.t, w.ring.Invalidate(w.t.Context(), issued.Record.ID))
	return issued.Key.Reveal()
}

func TestManyKeys(t *testing.T) {
	w := newWorld(t)
	for range 101 {
		w.custom(keys.Custom{})
	}
	first := w.expect(w.get("kay", "/api"), 200, "More keys")
	next := hrefOf(first.body, "More keys")
	second := w.expect(w.get("kay", "/api"+next), 200, "unnamed")
	require.NotContains(t, second.body, "More keys")
}

// TestImportedKeys looks for the mark of keys that should be refreshed.
func TestImportedKeys(t *testing.T) {
	ring, err := keys.Open(keys.Config{Store: keys.NewMemoryStore(), ImportedKeys: true, Peppers: []keys.Pepper{keys.NewPepper("one", make([]byte, 32))}})
	require.NoError(t, err)
	w := newWorldWith(t, theUsers, ring, func(*admin.Config) {})
	const mark = `<span class="badge weak">weak</span>`
	in := keys.Imported{Kind: keys.KindCustom, Name: "Old app", Text: keys.NewKey("a-text-that-can-be-guessed"), Role: "viewer", AllowWeak: true}
	rec, err := ring.Import(t.Context(), in)
	require.NoError(t, err)
	w.expect(w.get("kay", "/api"), 200, "Old app", mark)
	page := "/api/key/" + rec.ID
	w.expect(w.get("kay", page), 200, mark, "Refresh it for a strong one")

	w.expect(w.post("kay", page, "refresh", nil), 200)
	for _, page := range []string{"/api", page} {
		require.NotContains(t, w.expect(w.get("kay", page), 200, "Old app").body, mark, "it was refreshed, so it is strong")
	}
	in.Text = keys.NewKey("another-text-to-be-guessed")
	rec, err = ring.Import(t.Context(), in)
	require.NoError(t, err)
	require.NoError(t, ring.Invalidate(t.Context(), rec.ID))
	for _, page := range []string{"/api", "/api/key/" + rec.ID} {
		require.NotContains(t, w.expect(w.get("kay", page), 200, "Old app").body, mark, "it cannot be refreshed")
	}
}
