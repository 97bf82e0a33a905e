package console_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin/console"
)

// Who gets a page, and what is in it.
func TestProfile(t *testing.T) {
	down := &auth.Refusal{Status: 503, Reason: auth.ReasonStoreFailed, RetryAfter: time.Second}
	const form = "title=Bread+%3Cb%3E&tag=a&tag=b&Password=secret"
	for name, c := range map[string]struct {
		method, body string
		header       []string
		refusal      *auth.Refusal
		page, kept   bool
	}{
		"a page is opened":         {"GET", "", []string{"Accept", "text/html,*/*"}, down, true, false},
		"a form is sent":           {"POST", form, []string{"Accept", "text/html,*/*", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"}, down, true, true},
		"too many":                 {"POST", form, []string{"Accept", "text/html"}, &auth.Refusal{Status: 429}, true, true},
		"a mistake of the program": {"POST", form, []string{"Accept", "text/html"}, &auth.Refusal{Status: 500}, true, true},
		"another site's form":      {"POST", form, []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site"}, down, true, false},
		"another origin's form":    {"POST", form, []string{"Accept", "text/html", "Origin", "https://elsewhere.example"}, down, true, false},
		"too much":                 {"POST", "title=" + strings.Repeat("x", 1<<20), []string{"Accept", "text/html"}, down, true, false},
		"a script of a page":       {"POST", form, []string{"Accept", "text/html", "Sec-Fetch-Mode", "cors"}, down, false, false},
		"a program":                {"POST", form, []string{"Accept", "*/*"}, down, false, false},
		"not signed in":            {"POST", form, []string{"Accept", "text/html"}, &auth.Refusal{Status: 401}, false, false},
		"forbidden":                {"POST", form, []string{"Accept", "text/html"}, &auth.Refusal{Status: 403}, false, false},
	} {
		r := httptest.NewRequest(c.method, "/content", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		w := httptest.NewRecorder()
		console.Profile(auth.Problem)(w, r, c.refusal)
		require.Equal(t, c.refusal.Status, w.Code, name)
		body := w.Body.String()
		require.Equal(t, c.page, strings.HasPrefix(body, "<!doctype html>"), name)
		require.Equal(t, c.page, w.Header().Get("Content-Type") == "text/html; charset=utf-8", name)
		require.Equal(t, c.method == "GET", w.Header().Get("Refresh") != "", name)
		require.Equal(t, c.kept, strings.Contains(body, "Send it again"), name)
		require.NotContains(t, body, "secret", name)
		if c.kept {
			for _, want := range []string{
				`<input type="hidden" name="title" value="Bread &lt;b&gt;">`, `name="tag" value="a"`, `name="tag" value="b"`,
				`<input type="password" name="Password" required>`,
			} {
				require.Contains(t, body, want)
			}
		}
	}
}
