package console_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/chromium"
	"github.com/latchkey-go/latchkey/keys"
)

// TestAKeyDoesNotComeBack reloads the page with a new key, and goes back to it: there is one key, and it is not shown
// again.
func TestAKeyDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		h := newHost(t, someRoles...)
		w := newTab(t, h)
		w.signIn("ada", "/system/api/create")
		w.Scripts(scripts)
		made := func() int {
			all, err := h.ring.List(t.Context(), keys.Filter{Kind: keys.KindCustom})
			require.NoError(t, err)
			return len(all)
		}
		w.Open("/system/api/create")
		w.fill("name", "Website build")
		w.choose("role", "editor")
		w.press(`main button[value="create"]`)
		key := eval[string](w, `document.getElementById("key-value").textContent`)
		require.Regexp(t, aKey, key)

		w.Do(chromedp.Reload())
		require.NotContains(t, w.HTML(), key)
		require.Equal(t, 1, made(), "scripts: %v", scripts)

		w.Open("/system/users/user")
		w.press(`main button[value="create"]`)
		own := eval[string](w, `document.getElementById("key-value").textContent`)
		w.press("main > p > a.button")
		require.NotContains(t, w.HTML(), own)
		w.Do(chromedp.NavigateBack())
		require.NotContains(t, w.HTML(), own, "scripts: %v", scripts)
		w.Do(chromedp.NavigateForward())
		require.NotContains(t, w.HTML(), own)
	}
}

// TestADoubleClick clicks twice without a pause.
func TestADoubleClick(t *testing.T) {
	t.Parallel()
	h := newHost(t, someRoles...)
	w := newTab(t, h)
	w.signIn("ada", "/system/api/create")
	w.fill("name", "Website build")
	w.choose("role", "editor")
	eval[any](w, `{ const button = document.querySelector('button[value="create"]'); for (let i = 0; i < 5; i++) button.click(); }`)
	require.Eventually(t, func() bool { return eval[bool](w, `document.getElementById("key-value") !== null`) }, chromium.Soon, chromium.Soon/300)
	all, err := h.ring.List(t.Context(), keys.Filter{})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, 200, h.get(t, "/api/system/healthcheck", eval[string](w, `document.getElementById("key-value").textContent`)), "and it is the one that is shown")
}
