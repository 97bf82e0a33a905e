package console_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/chromium"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// copied presses a Copy button, waits until the button confirms, and returns the text on the clipboard.
func (w *tab) copied(id string) string {
	w.Helper()
	w.Do(chromedp.Click(chromedp.CSS(`button[data-copy="`+id+`"]`), chromedp.NodeVisible))
	require.Eventually(w, func() bool {
		return eval[string](w, `document.querySelector("[data-copied]").textContent`) == "Copied to the clipboard."
	}, chromium.Soon, 20*time.Millisecond)
	return eval[string](w, "navigator.clipboard.readText()")
}

var aKey = regexp.MustCompile(`^(USR|API)-[0-9a-f]{40}$`)

// TestOwnKey is a new user's first task: sign in, make a key, copy it, call the API, replace the key.
func TestOwnKey(t *testing.T) {
	t.Parallel()
	h := newHost(t, someRoles...)
	w := newTab(t, h)
	w.signIn("bob", "/system/")
	require.Contains(t, w.text(), "No API key yet")
	w.button("create")
	first := w.copied("key-value")
	require.Regexp(t, aKey, first)
	require.Contains(t, w.copied("curl-line"), "curl -H 'api-key: "+first+"' '"+h.url+"/api/pages/menus'")
	require.Equal(t, 200, h.get(t, "/api/pages/menus", first))
	lines := w.copied("fetch-lines")
	require.Equal(t, `200 ["home","about"]`, eval[string](newTabAtAPI(w), `(async () => {
		let said; const console = {log: (...words) => said = words.join(" ")};
		`+lines+`
		return said;
	})()`), "the lines for JavaScript work as they are, on a page of the same origin")

	w.Open("/system/users/user")
	require.NotContains(t, w.text(), first)
	require.Contains(t, eval[string](w, `document.querySelector("details").textContent`), "Everything that uses it is refused")
	w.button("refresh")
	second := w.copied("key-value")
	require.Regexp(t, aKey, second)
	require.Equal(t, 401, h.get(t, "/api/pages/menus", first))
	require.Equal(t, 200, h.get(t, "/api/pages/menus", second))

	w.Open("/system/users/user")
	w.button("invalidate")
	require.Contains(t, w.text(), "No API key yet")
	require.Equal(t, 401, h.get(t, "/api/pages/menus", second))
	w.press("header button")
	require.Equal(t, h.url+"/login", eval[string](w, "location.href"), "signed out")
	w.Open("/system/users/user")
	require.Contains(t, eval[string](w, "document.title"), "Sign in")
}

// newTabAtAPI goes to a page of the API, which has no Content-Security-Policy.
func newTabAtAPI(w *tab) *tab {
	w.Open("/api/system/healthcheck")
	return w
}

func TestCustomKey(t *testing.T) {
	t.Parallel()
	h := newHost(t, someRoles...)
	w := newTab(t, h)
	w.signIn("ada", "/system/api")
	require.Contains(t, w.text(), "No API keys yet")
	w.press(`main a[href="./api/create"]`)
	w.fill("name", "Website build")
	w.choose("role", "editor")
	w.fill("scopes", "content/*/read")
	w.button("create")
	key := w.copied("key-value")
	require.Equal(t, 200, h.get(t, "/api/pages/menus", key))
	require.Equal(t, 401, h.get(t, "/api/pages/menus", key+"x"))
	w.press("main > p > a.button")
	require.Contains(t, w.text(), "Website build")
	require.NotContains(t, w.text(), key)

	w.choose("overlap", "1h")
	w.button("refresh")
	second := w.copied("key-value")
	require.Equal(t, 200, h.get(t, "/api/pages/menus", second))
	require.Equal(t, 200, h.get(t, "/api/pages/menus", key), "within the overlap")
	require.Eventually(t, func() bool { // the first use of the new value is recorded, as a change of the key
		all, err := h.ring.List(t.Context(), keys.Filter{})
		return err == nil && len(all) == 1 && all[0].Overlap == 0
	}, chromium.Soon, 5*time.Millisecond)
	w.press("main > p > a.button")
	w.button("disable")
	require.Equal(t, 401, h.get(t, "/api/pages/menus", second))
	w.button("enable")
	require.Equal(t, 200, h.get(t, "/api/pages/menus", second))
	w.button("invalidate")
	require.Contains(t, w.text(), "ended for good")
	require.Equal(t, 401, h.get(t, "/api/pages/menus", second))
	require.Equal(t, 401, h.get(t, "/api/pages/menus", key))
}

// TestPublicAPI makes a role, opens the public API with it, and closes it again.
func TestPublicAPI(t *testing.T) {
	t.Parallel()
	h := newHost(t, roles.Role{AppID: "editor", Name: "Editor", Permissions: roles.Grants{"content/**": true}})
	w := newTab(t, h)
	require.Equal(t, 401, h.get(t, "/api/pages/menus", ""))
	w.signIn("ada", "/system/users/roles")
	w.press(`main a[href="../users/roles/create"]`)
	w.fill("appid", "public")
	w.fill("name", "Public API")
	w.Do(chromedp.SendKeys(chromedp.CSS("#filter"), "pages read"))
	require.Equal(t, "1 permission shown", eval[string](w, `document.querySelector("[data-filtered]").textContent`))
	w.Do(chromedp.Click(chromedp.CSS(`input[name="p.content/pages/read"][value="allow"]`)))
	w.button("create")
	require.Contains(t, w.text(), "The role was created.")

	w.press(`nav a[href$="api/public"]`)
	require.Contains(t, w.text(), "Public API is closed")
	w.choose("role", "public")
	w.press("main form button")
	require.Contains(t, w.text(), "Read pages")
	require.Equal(t, 401, h.get(t, "/api/pages/menus", ""), "looking opens nothing")
	w.button("open")
	require.Contains(t, w.text(), "Public API is open")
	require.Equal(t, 200, h.get(t, "/api/pages/menus", ""))
	require.Equal(t, 401, h.get(t, "/api/content/items/posts", ""))

	// For a role that changes data, each permission must be ticked.
	w.choose("role", "editor")
	w.press(`main form[method="get"] button`)
	require.EqualValues(t, 409, w.button("open"))
	require.NotEmpty(t, w.focused())
	require.Equal(t, "alert", eval[string](w, "document.activeElement.id"), "the reason has the focus")
	ticks := eval[int](w, `document.querySelectorAll('input[name="acknowledge"]').length`)
	require.Positive(t, ticks)
	eval[any](w, `document.querySelectorAll('input[name="acknowledge"]').forEach((i) => i.click())`)
	w.button("open")
	require.Equal(t, 200, h.get(t, "/api/content/items/posts", ""))

	w.button("close")
	require.Contains(t, w.text(), "Public API is closed")
	require.Equal(t, 401, h.get(t, "/api/pages/menus", ""))

	w.press(`nav a[href$="audit"]`)
	require.Contains(t, w.text(), "closed the public API")
	require.Contains(t, w.text(), "opened the public API")
	require.Contains(t, w.text(), "made a role")
}

// TestWithoutScripts uses the keyboard alone, with scripts switched off.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	h := newHost(t, someRoles...)
	w := newTab(t, h)
	w.signIn("ada", "/system/users/user")
	w.Scripts(false)
	w.Open("/system/users/user")
	require.Contains(t, w.HTML(), "No API key yet")
	w.key(`main button`, kb.Enter)
	key := regexp.MustCompile(`USR-[0-9a-f]{40}`).FindString(w.HTML())
	require.Equal(t, 200, h.get(t, "/api/pages/menus", key))
	require.Regexp(t, `data-copy="key-value" hidden`, w.HTML(), "what needs scripts is not there")

	w.Open("/system/users/user")
	w.Do(chromedp.SendKeys(chromedp.CSS("details summary"), kb.Enter)) // unfolds the effects of a refresh
	w.key(`button[value="refresh"]`, " ")
	require.Contains(t, w.HTML(), "The old value has stopped working.")
	require.Equal(t, 401, h.get(t, "/api/pages/menus", key))
}
