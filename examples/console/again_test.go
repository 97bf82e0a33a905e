package console_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// TestAKeyDoesNotComeBack reloads the page with a new key, and comes back to it: there is one key, and it is not shown
// again.
func TestAKeyDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		h := newHost(t, someRoles...)
		w := newTab(t, h)
		w.signIn("ada", "/system/api/create")
		w.scripts(scripts)
		made := func() int {
			all, err := h.ring.List(t.Context(), keys.Filter{Kind: keys.CustomKey})
			require.NoError(t, err)
			return len(all)
		}
		w.open("/system/api/create")
		w.fill("name", "Website build")
		w.choose("role", "editor")
		w.press(`main button[value="create"]`)
		key := eval[string](w, `document.getElementById("key-value").textContent`)
		require.Regexp(t, aKey, key)

		w.do(chromedp.Reload())
		require.NotContains(t, w.html(), key)
		require.Equal(t, 1, made(), "scripts: %v", scripts)

		w.open("/system/users/user")
		w.press(`main button[value="create"]`)
		own := eval[string](w, `document.getElementById("key-value").textContent`)
		w.press("main > p > a.button")
		require.NotContains(t, w.html(), own)
		w.do(chromedp.NavigateBack())
		require.NotContains(t, w.html(), own, "scripts: %v", scripts)
		w.do(chromedp.NavigateForward())
		require.NotContains(t, w.html(), own)
	}
}

// TestADoubleClick clicks as fast as a machine can.
func TestADoubleClick(t *testing.T) {
	t.Parallel()
	h := newHost(t, someRoles...)
	w := newTab(t, h)
	w.signIn("ada", "/system/api/create")
	w.fill("name", "Website build")
	eval[any](w, `{ const button = document.querySelector('button[value="create"]'); for (let i = 0; i < 5; i++) button.click(); }`)
	require.Eventually(t, func() bool { return eval[bool](w, `document.getElementById("key-value") !== null`) }, soon, soon/300)
	all, err := h.ring.List(t.Context(), keys.Filter{})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, 200, h.get(t, "/api/system/healthcheck", eval[string](w, `document.getElementById("key-value").textContent`)), "and it is the one that is shown")
}
