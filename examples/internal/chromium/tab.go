// Package chromium drives headless Chromium for tests of pages, and checks their look.
//
// A [Tab] is a window at the pages of one site: [Start] starts a browser for it, and [Tab.Another] opens one for
// another user in the same browser. Its methods end the test if a step fails or takes too long. Messages on the
// browser's console, such as violations of the Content-Security-Policy, fail the test too. [Tab.Look] checks a page
// wide and narrow, light and dark: axe-core finds no serious fault, and nothing is cut off.
//
//	CHROMIUM  the browser; by default chromium in PATH (Debian: apt-get install chromium)
//	AXE_CORE  axe.min.js of npm's axe-core
//	LATCHKEY_SCREENSHOTS
//	          the folder that pictures of the pages are written to, for people to look at; by default there are none
//
// Without the browser or axe-core a test is skipped; if the environment variable CI is set, it fails.
package chromium

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

// Soon is the time limit of a page.
const Soon = 30 * time.Second

// A Tab is a window with a profile of its own. One goroutine may use it at a time.
type Tab struct {
	*testing.T
	URL string // of the site
	ctx context.Context
}

// Start starts a browser with one tab. It ends with the test.
func Start(t *testing.T, url string) *Tab {
	t.Helper()
	program := os.Getenv("CHROMIUM")
	if program == "" {
		program = "chromium"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		absent(t, "chromium", "On Debian: apt-get install chromium")
	}
	profile := t.TempDir() // made before the browser starts, so that it is removed after the browser has ended
	ctx, stop := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true))
	t.Cleanup(cancel)
	return open(ctx, t, url)
}

// Another opens a tab with its own profile in the browser of w, at another site if needed. It ends with t, which must
// end before the test of w. All tabs of a browser share one clipboard.
func (w *Tab) Another(t *testing.T, url string) *Tab {
	t.Helper()
	return open(w.ctx, t, url, chromedp.WithNewBrowserContext())
}

// On returns the tab for a subtest, which fails if a step fails.
func (w *Tab) On(t *testing.T) *Tab { return &Tab{t, w.URL, w.ctx} }

func open(ctx context.Context, t *testing.T, url string, opts ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx, opts...)
	said := chromedp.Console(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits until the browser has ended
			t.Logf("browser: %v", err)
		}
		cancel()
		for message, err := range said {
			if err != nil {
				break
			}
			// Chromium reports a page with status 403 as a failed resource; tests look at these pages.
			if bad := message.IsException() || message.Type == "error" || message.Type == "warning"; bad && message.Source != "network" {
				t.Errorf("the browser complains: %s", message)
			}
		}
	})
	// The first call starts the browser, which lives as long as that call's context.
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	w := &Tab{t, url, ctx}
	w.Size(1280)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
			BrowserContextID: chromedp.FromContext(ctx).BrowserContextID})
		require.NoError(t, err)
	}
	return w
}

// absent skips a test that needs something missing; in CI it fails the test.
func absent(t *testing.T, what, remedy string) {
	t.Helper()
	text := "NOT TESTED: " + what + " is absent. " + remedy
	if os.Getenv("CI") != "" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Do runs steps.
func (w *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Soon)
	defer cancel()
	require.NoError(w, chromedp.Do(ctx, steps...))
}

// Goes runs steps that lead to another page, waits for it, and returns its status.
func (w *Tab) Goes(step chromedp.Action[chromedp.Void]) (status int64) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Soon)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, step)
	require.NoError(w, err)
	return answer.Status
}

// Eval runs a script in the page and returns its result.
func Eval[T any](w *Tab, script string) T {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Soon)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(w, err)
	return result
}

// Open goes to an address of the site.
func (w *Tab) Open(path string) { w.Helper(); w.Do(chromedp.Navigate(w.URL + path)) }

// Size sets the width of the window.
func (w *Tab) Size(width int64) { w.Helper(); w.zoom(width, 1) }

// zoom sets the width of the window in CSS pixels, each of them scale pixels of the screen.
func (w *Tab) zoom(width int64, scale float64) {
	w.Helper()
	w.Do(chromedp.EmulateViewport(width, 800, chromedp.EmulateScale(scale)))
}

// scheme makes the user prefer "light" or "dark".
func (w *Tab) scheme(name string) {
	w.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	require.NoError(w, err)
}

// Scripts switches the page's own scripts on or off; the tests' scripts run in both cases.
func (w *Tab) Scripts(on bool) {
	w.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	require.NoError(w, err)
}

// HTML returns the current page. During a change of pages the browser may lose the request; then it is sent again.
func (w *Tab) HTML() string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Soon)
	defer cancel()
	for {
		text, err := chromedp.Run(ctx, chromedp.OuterHTML(chromedp.CSS("html")))
		if err == nil {
			return text
		}
		require.NoError(w, ctx.Err(), "%v", err)
		time.Sleep(Soon / 300)
	}
}
