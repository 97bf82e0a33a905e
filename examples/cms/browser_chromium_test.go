package main

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// absent ends a test that needs something that is not there: it skips, and fails where everything has to be there.
func absent(t *testing.T, what, remedy string) {
	t.Helper()
	text := "NOT TESTED: " + what + " is absent. " + remedy
	if os.Getenv("CI") != "" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// A tab is a window of headless Chromium with a profile of its own, at the pages of a program. It knows nothing of
// how they are made: it finds links, buttons and inputs by the words that people read.
type tab struct {
	*testing.T
	ctx context.Context
	url string
}

// newTab starts a browser. Whatever it complains about on its console, such as what the Content-Security-Policy keeps
// out, fails the test.
func newTab(t *testing.T, r *running) *tab {
	t.Helper()
	program := os.Getenv("CHROMIUM")
	if program == "" {
		program = "chromium"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		absent(t, "chromium", "On Debian: apt-get install chromium")
	}
	profile := t.TempDir() // made before the browser starts, so that it is removed after the browser has gone
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	said := chromedp.Console(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits until the browser has gone
			t.Logf("browser: %v", err)
		}
		cancel()
		for message, err := range said {
			if err != nil {
				break
			}
			// A page with status 403 is told as a failed resource of the network; the tests look at these pages.
			if bad := message.IsException() || message.Type == "error" || message.Type == "warning"; bad && message.Source != "network" {
				t.Errorf("the browser complains: %s", message)
			}
		}
	})
	w := &tab{t, ctx, r.url}
	w.size(1280)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(ctx, cdp.SetPermission, cdp.SetPermissionParams{
			Permission: &cdp.PermissionDescriptor{Name: name}, Setting: cdp.PermissionSettingGranted})
		require.NoError(t, err)
	}
	return w
}

// soon is how long a page may take.
const soon = 30 * time.Second

// do runs steps, which have to come to an end soon.
func (w *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	w.Helper()
	if chromedp.FromContext(w.ctx).Target == nil { // the first call starts the browser, which lives as long as its context
		require.NoError(w, chromedp.Do(w.ctx, chromedp.Navigate("about:blank")))
	}
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	require.NoError(w, chromedp.Do(ctx, steps...))
}

// size makes the window this wide.
func (w *tab) size(width int64) { w.Helper(); w.do(chromedp.EmulateViewport(width, 800)) }

// scheme makes the user prefer "light" or "dark".
func (w *tab) scheme(name string) {
	w.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	require.NoError(w, err)
}

// eval runs a script in the page and returns what it comes to.
func eval[T any](w *tab, script string) T {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(w, err)
	return result
}

// open goes to an address.
func (w *tab) open(path string) { w.Helper(); w.do(chromedp.Navigate(w.url + path)) }

// back presses the browser's Back button.
func (w *tab) back() { w.Helper(); w.do(chromedp.NavigateBack()) }

// path is the address that the page has.
func (w *tab) path() string { w.Helper(); return eval[string](w, "location.pathname") }

// text is what people read on the page.
func (w *tab) text() string { w.Helper(); return eval[string](w, "document.body.innerText") }

// marked is where find puts what it has found.
const marked = `[data-found]`

// find marks the element that script returns, and unfolds what hides it.
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

// press clicks the link or the button that says text, and waits for the page that comes of it. It returns its status.
func (w *tab) press(text string) (status int64) {
	w.Helper()
	w.find("what says "+text, `const all = [...document.querySelectorAll("main a, main button, a, button")].filter(shown);
		return all.find((e) => said(e) === `+quoted(text)+`) ?? all.find((e) => plain(e.textContent) === `+quoted(text)+`);`)
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(marked), chromedp.NodeVisible))
	require.NoError(w, err, "pressing %s at %s", text, w.url)
	return answer.Status
}

// input marks the input with this label.
func (w *tab) input(label string) {
	w.Helper()
	w.find("an input "+label, `
		const l = [...document.querySelectorAll("main label")].find((e) => said(e) === `+quoted(label)+`);
		return l ? l.control : document.querySelector("main [aria-label=" + JSON.stringify(`+quoted(label)+`) + "]");`)
}

// fill writes text into the input with this label, in place of what it holds.
func (w *tab) fill(label, text string) {
	w.Helper()
	w.input(label)
	eval[any](w, `document.querySelector("`+marked+`").select()`)
	w.do(chromedp.SendKeys(chromedp.CSS(marked), text))
}

// choose takes an option by its value.
func (w *tab) choose(label, value string) {
	w.Helper()
	w.input(label)
	w.do(chromedp.SetValue(chromedp.CSS(marked), value))
}

// allow sets a permission of the role form, by its label, to Allow.
func (w *tab) allow(permission string) {
	w.Helper()
	w.find("a permission "+permission, `return document.querySelector('input[value="allow"][name="p.' + `+quoted(permission)+` + '"]')`)
	w.do(chromedp.Click(chromedp.CSS(marked)))
}

// copied presses the Copy button of the key that was just made, and returns what is on the clipboard.
func (w *tab) copied() string {
	w.Helper()
	w.do(chromedp.Click(chromedp.CSS(`button[data-copy="key-value"]`), chromedp.NodeVisible))
	key := eval[string](w, `document.querySelector("#key-value").textContent`)
	require.Regexp(w, `^(USR|API)-[0-9a-f]{40}$`, key)
	require.Eventually(w, func() bool { return eval[string](w, "navigator.clipboard.readText()") == key }, soon, 20*time.Millisecond)
	return key
}

// signIn signs in at the page that is shown.
func (w *tab) signIn(login, password string) (status int64) {
	w.Helper()
	w.fill("User name", login)
	w.fill("Password", password)
	return w.press("Sign in")
}
