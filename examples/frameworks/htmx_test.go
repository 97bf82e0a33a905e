package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// A user who is signed in needs no key, and a key beside the session decides.
func TestSessions(t *testing.T) {
	s := newSite(t, "htmx")
	tls := httptest.NewTLSServer(s.handler)
	t.Cleanup(tls.Close)
	browser := tls.Client()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser.Jar = jar
	post := func(path, form string, header ...string) (*http.Response, string) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", tls.URL+path, strings.NewReader(form))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("HX-Request", "true")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := browser.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp, string(body)
	}
	status := func(path string, header ...string) int {
		resp, _ := post(path, "", header...)
		return resp.StatusCode
	}

	resp, _ := post("/api/content/posts", "")
	require.Equal(t, 401, resp.StatusCode)
	require.Equal(t, "/login", resp.Header.Get("HX-Redirect"), "htmx goes to the login page")

	resp, _ = post("/login", "user=ada&password=byron")
	require.Equal(t, 401, resp.StatusCode)
	require.Empty(t, resp.Cookies())
	resp, _ = post("/login", "user=ada&password=lovelace", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, 403, resp.StatusCode, "another site signs a visitor in")
	resp, _ = post("/login", "user=ada&password=lovelace")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "/", resp.Header.Get("HX-Redirect"))
	address, err := url.Parse(tls.URL)
	require.NoError(t, err)
	require.Len(t, jar.Cookies(address), 1)
	require.True(t, resp.Cookies()[0].HttpOnly && resp.Cookies()[0].Secure)

	resp, body := post("/api/content/posts", "")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "<li>posts by ada</li>", body)
	require.Contains(t, strings.Join(resp.Header.Values("Vary"), ", "), "Cookie", "scs and the guard each say what the answer depends on")

	require.Equal(t, 403, status("/api/content/posts", "Sec-Fetch-Site", "cross-site"))
	require.Equal(t, 403, status("/api/content/secret", "api-key", s.writer), "the key decides, and it may not")
	require.Equal(t, 401, status("/api/content/posts", "api-key", s.wrong), "a wrong key is never the session's user")
	require.Equal(t, []content.Item{{Model: "posts", By: "ada"}}, created(s))

	var reasons []auth.Reason
	for _, e := range s.events() {
		if e.Reason != "" {
			reasons = append(reasons, e.Reason)
		}
	}
	require.Equal(t, []auth.Reason{auth.ReasonNotGranted, auth.ReasonCrossOrigin, auth.ReasonNotGranted, auth.ReasonInvalidKey}, reasons)
}
