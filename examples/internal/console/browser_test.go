package console_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/latchkey-go/latchkey/examples/internal/chromium"
)

// A tab is a user at the pages of a host.
type tab struct {
	*chromium.Tab
	host *host
}

func newTab(t *testing.T, h *host) *tab { t.Helper(); return &tab{chromium.Start(t, h.url), h} }

// on returns the tab for a subtest.
func (w *tab) on(t *testing.T) *tab { return &tab{w.Tab.On(t), w.host} }

// eval runs a script in the page and returns its result.
func eval[T any](w *tab, script string) T { w.Helper(); return chromium.Eval[T](w.Tab, script) }

// press clicks the selected element, and returns the status of the next page.
func (w *tab) press(selector string) (status int64) {
	w.Helper()
	return w.Goes(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// button unfolds the elements around the button of an action, and presses it.
func (w *tab) button(do string) (status int64) {
	w.Helper()
	selector := `main button[value="` + do + `"]`
	eval[any](w, "{ const fold = document.querySelector('"+selector+"').closest('details'); if (fold) fold.open = true }")
	return w.press(selector)
}

// fill writes into an input.
func (w *tab) fill(name, text string) {
	w.Helper()
	w.Do(chromedp.SendKeys(chromedp.CSS(`main [name="`+name+`"]`), text))
}

// choose takes an option of a select.
func (w *tab) choose(name, value string) {
	w.Helper()
	w.Do(chromedp.SetValue(chromedp.CSS(`main select[name="`+name+`"]`), value))
}

// text returns the visible text of the page.
func (w *tab) text() string {
	w.Helper()
	return eval[string](w, `document.querySelector("main").innerText`)
}

// signIn goes to a page, through the host's sign-in.
func (w *tab) signIn(user, path string) {
	w.Helper()
	w.Open(path)
	w.fill("user", user)
	w.press("button")
}

// key presses a key on the selected element, and waits for the next page.
func (w *tab) key(selector, key string) {
	w.Helper()
	w.Goes(chromedp.SendKeys(chromedp.CSS(selector), key))
}
