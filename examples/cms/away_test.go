package main

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/chromium"
)

// While the database is away, people get a page that keeps what they typed, and programs get JSON. Both come back by
// themselves.
func TestTheDatabaseIsAway(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		r := start(t, c)
		n := anotherNode(t, c)
		rename := func(from, to string) {
			_, err := n.db.ExecContext(t.Context(), `ALTER TABLE `+from+` RENAME TO `+to)
			require.NoError(t, err)
		}
		away := func(table string) { t.Helper(); rename(table, "away_"+table) }
		back := func(table string) { t.Helper(); rename("away_"+table, table) }
		w := newTab(t, r)
		login, password := r.password(t)

		// The sign-in: the name is kept, the password is not.
		w.Open("/login")
		away("cms_sessions")
		require.EqualValues(t, 503, w.signIn(login, password))
		require.Contains(t, w.text(), "This cannot be answered now")
		require.NotContains(t, eval[string](w, "document.documentElement.outerHTML"), password)
		require.Equal(t, login, eval[string](w, `document.querySelector("[name=login]").value`))
		back("cms_sessions")
		w.fill("password", password)
		require.EqualValues(t, 200, w.press("Send it again"))

		// The content pages: before the guard knows who sends it, and in the middle of a change.
		for title, table := range map[string]string{"Typed without a session": "cms_sessions", "Typed in vain": "cms_items"} {
			w.Open("/content/items/posts/create")
			w.fill("title", title)
			away(table)
			require.EqualValues(t, 503, w.press("Save and publish"))
			require.EqualValues(t, 503, w.press("Send it again"), "still away, and still kept")
			back(table)
			require.EqualValues(t, 200, w.press("Send it again"))
			require.Contains(t, w.text(), title)
		}

		// The console.
		for name, table := range map[string]string{"build one": "cms_sessions", "build two": "latchkey_audit"} {
			w.Open("/system/api/create")
			w.fill("Name", name)
			w.choose("Role", "reader")
			away(table)
			require.EqualValues(t, 503, w.press("Create API key"))
			back(table)
			require.EqualValues(t, 200, w.press("Send it again"))
			require.NotEmpty(t, w.copied())
			w.Open("/system/api")
			require.Contains(t, w.text(), name)
		}

		// A page that was opened tries again by itself; a program gets JSON.
		w.Open("/content")
		away("cms_sessions")
		require.EqualValues(t, 503, w.Goes(chromedp.Reload()))
		status, body := r.ask(t, "GET", "/content", "")
		require.Equal(t, 200, status, "%v", body) // without a session: the sign-in
		back("cms_sessions")
		require.Eventually(t, func() bool { return w.path() == "/content" && !contains(w, "This cannot be answered now") }, chromium.Soon, chromium.Soon/100)
	})
}

func contains(w *tab, text string) bool {
	return eval[bool](w, `document.body.innerText.includes(`+quoted(text)+`)`)
}
