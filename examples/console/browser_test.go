package console_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
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

// A tab is a window of a headless browser with a profile of its own.
type tab struct {
	t    *testing.T
	ctx  context.Context
	host *host
}

// newTab starts a browser. Whatever it complains about on its console, such as what the Content-Security-Policy keeps
// out, fails the test.
func newTab(t *testing.T, h *host) *tab {
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
	ctx, stop := context.WithTimeout(context.Background(), 8*time.Minute)
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
			// A page with status 409 is told as a failed resource of the network; the tests look at these pages.
			if bad := message.IsException() || message.Type == "error" || message.Type == "warning"; bad && message.Source != "network" {
				t.Errorf("the browser complains: %s", message)
			}
		}
	})
	w := &tab{t, ctx, h}
	w.size(1280, 800)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted})
		require.NoError(t, err)
	}
	return w
}

// size makes the window this large.
func (w *tab) size(width, height int64) { w.t.Helper(); w.zoom(width, height, 1) }

// zoom makes the window this large in CSS pixels, each of them scale pixels of the screen wide.
func (w *tab) zoom(width, height int64, scale float64) {
	w.t.Helper()
	w.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// scheme makes the user prefer "light" or "dark".
func (w *tab) scheme(name string) {
	w.t.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	require.NoError(w.t, err)
}

// soon is how long a page may take.
const soon = 30 * time.Second

// do runs steps, which have to come to an end soon.
func (w *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if chromedp.FromContext(w.ctx).Target == nil { // the first call starts the browser, which lives as long as its context
		require.NoError(w.t, chromedp.Do(w.ctx, chromedp.Navigate("about:blank")))
	}
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	require.NoError(w.t, chromedp.Do(ctx, steps...))
}

// eval runs a script in the page and returns what it comes to.
func eval[T any](w *tab, script string) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(w.t, err)
	return result
}

// open goes to a page.
func (w *tab) open(path string) { w.t.Helper(); w.do(chromedp.Navigate(w.host.url + path)) }

// press clicks what a selector finds, and returns the status of the page that comes of it.
func (w *tab) press(selector string) (status int64) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	require.NoError(w.t, err, "pressing %s", selector)
	return answer.Status
}

// button presses the button that does something, once what hides it is unfolded.
func (w *tab) button(do string) (status int64) {
	w.t.Helper()
	selector := `main button[value="` + do + `"]`
	eval[any](w, "{ const fold = document.querySelector('"+selector+"').closest('details'); if (fold) fold.open = true }")
	return w.press(selector)
}

// fill writes into an input.
func (w *tab) fill(name, text string) {
	w.t.Helper()
	w.do(chromedp.SendKeys(chromedp.CSS(`main [name="`+name+`"]`), text))
}

// choose takes an option of a select.
func (w *tab) choose(name, value string) {
	w.t.Helper()
	w.do(chromedp.SetValue(chromedp.CSS(`main select[name="`+name+`"]`), value))
}

// text is what people read on the page.
func (w *tab) text() string {
	w.t.Helper()
	return eval[string](w, `document.querySelector("main").innerText`)
}

// signIn goes to a page, over the sign-in that the host sends to.
func (w *tab) signIn(user, path string) {
	w.t.Helper()
	w.open(path)
	w.fill("user", user)
	w.press("button")
}

// scripts switches the page's own scripts on or off; those of the tests run all the same.
func (w *tab) scripts(on bool) {
	w.t.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	require.NoError(w.t, err)
}

// key presses a key on what a selector finds, and waits for the page that comes of it.
func (w *tab) key(selector, key string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.SendKeys(chromedp.CSS(selector), key))
	require.NoError(w.t, err, "a key on %s", selector)
}

// html is the page as it is.
func (w *tab) html() string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.OuterHTML(chromedp.CSS("html")))
	require.NoError(w.t, err)
	return text
}
