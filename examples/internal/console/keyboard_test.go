package console_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/chromium"
)

// tabTo presses Tab until the selected element has the focus. Each element on the way must show its focus.
func (w *tab) tabTo(selector string) {
	w.Helper()
	for range 80 {
		w.Do(chromedp.KeyEvent(kb.Tab))
		stop := eval[struct {
			There, Visible bool
			What           string
		}](w, `(() => {
			const e = document.activeElement, box = e.getBoundingClientRect();
			const drawn = (e) => { const s = getComputedStyle(e); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1; };
			return {
				There: e.matches(`+"`"+selector+"`"+`),
				Visible: e === document.body || (drawn(e) || e.nextElementSibling && drawn(e.nextElementSibling)) && box.width > 1 && box.bottom > 0 && box.top < innerHeight,
				What: e.outerHTML.slice(0, 120),
			};
		})()`)
		require.True(w, stop.Visible, "the focus cannot be seen on %s", stop.What)
		if stop.There {
			return
		}
	}
	require.Fail(w, "the keyboard does not get to "+selector)
}

// keys presses keys on the focused element.
func (w *tab) keys(text string) { w.Helper(); w.Do(chromedp.KeyEvent(text)) }

// enter presses Enter on the focused element, and returns the status of the next page.
func (w *tab) enter() int64 {
	w.Helper()
	return w.Goes(chromedp.KeyEvent(kb.Enter))
}

// focused returns the visible text of the focused element. A new page may take a moment to set the focus.
func (w *tab) focused() string {
	w.Helper()
	for range 50 {
		if eval[bool](w, "document.activeElement !== document.body") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return eval[string](w, "document.activeElement.innerText")
}

// TestKeyboard runs the main flow with the keyboard alone.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	h := newHost(t, someRoles...)
	w := newTab(t, h)
	w.Open("/system/")
	w.tabTo(`input[name="user"]`)
	w.keys("ada")
	require.EqualValues(t, 200, w.enter())

	w.tabTo("a.skip")
	w.keys(kb.Enter)
	w.tabTo(`button[value="create"]`)
	w.enter()
	require.Equal(t, "Copy it now: it is shown this once", w.focused(), "the news has the focus")
	w.tabTo(`button[data-copy="key-value"]`)
	w.keys(kb.Enter)
	first := regexp.MustCompile(`USR-[0-9a-f]{40}`).FindString(w.text())
	require.Eventually(t, func() bool { return eval[string](w, "navigator.clipboard.readText()") == first }, chromium.Soon, chromium.Soon/1000)
	require.Equal(t, 200, h.get(t, "/api/pages/menus", first))
	w.tabTo("main > p > a.button")
	w.enter()
	require.NotContains(t, w.HTML(), first)

	w.tabTo("details summary")
	w.keys(kb.Enter)
	w.tabTo(`button[value="refresh"]`)
	w.enter()
	require.Equal(t, 401, h.get(t, "/api/pages/menus", first))

	w.tabTo(`nav a[href$="api/create"], nav a[href$="api"]`)
	w.enter()
	w.tabTo(`main a[href$="api/create"]`)
	w.enter()
	w.tabTo(`input[name="name"]`)
	w.keys("Website build")
	w.tabTo(`select[name="role"]`)
	w.keys("editor")
	w.tabTo(`textarea[name="scopes"]`)
	w.keys("a//b")
	w.tabTo(`button[value="create"]`)
	require.EqualValues(t, 400, w.enter())
	require.Contains(t, w.focused(), "The field Scopes has a member", "the reason has the focus")
	w.tabTo("#alert a")
	w.keys(kb.Enter)
	require.Equal(t, "scopes", eval[string](w, "document.activeElement.id"), "and leads to the field")

	w.Open("/system/api/public")
	w.tabTo(`select[name="role"]`)
	w.keys("public")
	w.tabTo(`main form[method="get"] button`)
	w.enter()
	w.tabTo(`button[value="open"]`)
	w.enter()
	require.Equal(t, "The public API is open.", w.focused(), "what was done has the focus")
	require.Equal(t, 200, h.get(t, "/api/pages/menus", ""))
	w.tabTo(`button[value="close"]`)
	w.enter()
	require.Equal(t, 401, h.get(t, "/api/pages/menus", ""))

	w.Open("/system/users/roles/role/guestbook")
	w.tabTo(`input[name="p.content/settings/read"]:checked`)
	w.keys(kb.ArrowRight) // inherit, allow, deny
	require.Equal(t, "allow", eval[string](w, `document.activeElement.value`))
	w.tabTo(`button[value="save"]`)
	w.enter()
	require.Contains(t, w.focused(), "Saved.")
	require.True(t, h.guard.Policy().Allows("guestbook", "content/settings/read"))
	require.NotContains(t, eval[string](w, "location.href"), "done=", "what was done is said once")
}
