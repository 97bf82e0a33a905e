package main

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/chromium"
)

// A tab is a user at the pages of a program. It does not know how they are built: it finds links, buttons and inputs
// by their visible words.
type tab struct{ *chromium.Tab }

func newTab(t *testing.T, r *running) *tab { t.Helper(); return &tab{chromium.Start(t, r.url)} }

// eval runs a script in the page and returns its result.
func eval[T any](w *tab, script string) T { w.Helper(); return chromium.Eval[T](w.Tab, script) }

// back presses the browser's Back button.
func (w *tab) back() { w.Helper(); w.Do(chromedp.NavigateBack()) }

// path returns the path of the page's address.
func (w *tab) path() string { w.Helper(); return eval[string](w, "location.pathname") }

// text returns the visible text of the page.
func (w *tab) text() string { w.Helper(); return eval[string](w, "document.body.innerText") }

// marked is the attribute of the element that find found.
const marked = `[data-found]`

// find marks the element that script returns, and unfolds the elements around it.
func (w *tab) find(what, script string) {
	w.Helper()
	require.True(w, eval[bool](w, `(() => {
		document.querySelectorAll("`+marked+`").forEach((e) => e.removeAttribute("data-found"));
		const plain = (s) => s.replace(/\s+/g, " ").trim();
		const said = (e) => { const c = e.cloneNode(true); c.querySelectorAll(".sr").forEach((s) => s.remove()); return plain(c.textContent); };
		const shown = (e) => !e.hidden && !e.closest("[aria-hidden=true]");
		const found = (() => { `+script+` })();
		if (!found) return false;
		for (let e = found; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
		found.setAttribute("data-found", "");
		return true;
	})()`), "%s is not on the page %s:\n%s", what, w.path(), w.text())
}

// press clicks the link or button that says text, and waits for the next page. It returns its status.
func (w *tab) press(text string) (status int64) {
	w.Helper()
	w.find("what says "+text, `const all = [...document.querySelectorAll("main a, main button, a, button")].filter(shown);
		return all.find((e) => said(e) === `+quoted(text)+`) ?? all.find((e) => plain(e.textContent) === `+quoted(text)+`);`)
	return w.Goes(chromedp.Click(chromedp.CSS(marked), chromedp.NodeVisible))
}

// input marks the input with this label.
func (w *tab) input(label string) {
	w.Helper()
	w.find("an input "+label, `
		const l = [...document.querySelectorAll("main label")].find((e) => said(e) === `+quoted(label)+`);
		return l ? l.control : document.querySelector("main [aria-label=" + JSON.stringify(`+quoted(label)+`) + "]");`)
}

// fill replaces the text of the input with this label.
func (w *tab) fill(label, text string) {
	w.Helper()
	w.input(label)
	eval[any](w, `document.querySelector("`+marked+`").select()`)
	w.Do(chromedp.SendKeys(chromedp.CSS(marked), text))
}

// choose selects an option by its value.
func (w *tab) choose(label, value string) {
	w.Helper()
	w.input(label)
	w.Do(chromedp.SetValue(chromedp.CSS(marked), value))
}

// allow sets a permission of the role form, by its label, to Allow.
func (w *tab) allow(permission string) {
	w.Helper()
	w.find("a permission "+permission, `return document.querySelector('input[value="allow"][name="p.' + `+quoted(permission)+` + '"]')`)
	w.Do(chromedp.Click(chromedp.CSS(marked)))
}

// copied presses the Copy button of the new key and returns the text on the clipboard.
func (w *tab) copied() string {
	w.Helper()
	w.Do(chromedp.Click(chromedp.CSS(`button[data-copy="key-value"]`), chromedp.NodeVisible))
	key := eval[string](w, `document.querySelector("#key-value").textContent`)
	require.Regexp(w, `^(USR|API)-[0-9a-f]{40}$`, key)
	require.Eventually(w, func() bool { return eval[string](w, "navigator.clipboard.readText()") == key }, chromium.Soon, 20*time.Millisecond)
	return key
}

// signIn signs in at the current page.
func (w *tab) signIn(login, password string) (status int64) {
	w.Helper()
	w.fill("User name", login)
	w.fill("Password", password)
	return w.press("Sign in")
}
