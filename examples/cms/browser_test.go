package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// A browser is a user at the pages: it keeps cookies, follows redirects and fills in forms.
type browser struct {
	*testing.T
	client http.Client
	url    string
	at     *url.URL   // of the current page
	page   *html.Node // the current page
	status int
	text   string
}

func browse(t *testing.T, r *running) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{T: t, client: http.Client{Jar: jar}, url: r.url}
}

func (b *browser) send(r *http.Request) *http.Response {
	b.Helper()
	if r.Method == "POST" { // as browsers do
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	response, err := b.client.Do(r)
	require.NoError(b, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	b.at, b.status, b.text = response.Request.URL, response.StatusCode, string(text)
	b.page, err = html.Parse(strings.NewReader(b.text))
	require.NoError(b, err)
	return response
}

// open goes to an address and returns the status.
func (b *browser) open(path string) int {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), "GET", b.url+path, nil)
	require.NoError(b, err)
	b.send(r)
	return b.status
}

// press fills in the form that has a button of this text, leaves its other inputs unchanged, and presses the button.
// values are pairs of a name and a value; an empty value clears a check box. It returns the status.
func (b *browser) press(button string, values ...string) int {
	b.Helper()
	form, pressed := b.form(button)
	require.NotNil(b, form, "no button %q at %s:\n%s", button, b.at, b.text)
	fields := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		switch {
		case name == "":
		case n.Data == "input" && slices.Contains([]string{"checkbox", "radio"}, attribute(n, "type")):
			if has(n, "checked") {
				fields.Add(name, attribute(n, "value"))
			}
		case n.Data == "input":
			fields.Add(name, attribute(n, "value"))
		case n.Data == "textarea":
			fields.Add(name, strings.TrimPrefix(textOf(n), "\n"))
		case n.Data == "select":
			fields.Add(name, chosen(n))
		}
	}
	for i := 0; i < len(values); i += 2 {
		require.True(b, named(form, values[i]), "no input %q in the form of %q", values[i], button)
		fields.Del(values[i])
		if values[i+1] != "" {
			fields.Set(values[i], values[i+1])
		}
	}
	if name := attribute(pressed, "name"); name != "" {
		fields.Set(name, attribute(pressed, "value"))
	}
	target, err := b.at.Parse(attribute(form, "action"))
	require.NoError(b, err)
	method, body := strings.ToUpper(attribute(form, "method")), strings.NewReader(fields.Encode())
	if method != "POST" {
		target.RawQuery, method = fields.Encode(), "GET"
	}
	r, err := http.NewRequestWithContext(b.Context(), method, target.String(), body)
	require.NoError(b, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.send(r)
	return b.status
}

func (b *browser) form(button string) (form, pressed *html.Node) {
	for n := range b.page.Descendants() {
		if n.Data != "form" {
			continue
		}
		for in := range n.Descendants() {
			if in.Data == "button" && strings.TrimSpace(textOf(in)) == button {
				return n, in
			}
		}
	}
	return nil, nil
}

func named(form *html.Node, name string) bool {
	for n := range form.Descendants() {
		if attribute(n, "name") == name {
			return true
		}
	}
	return false
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && n.Type == html.ElementNode {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return text.String()
}

func chosen(list *html.Node) string {
	value, first := "", true
	for n := range list.Descendants() {
		if n.Data == "option" && (first || has(n, "selected")) {
			value, first = textOf(n), false
			if has(n, "value") {
				value = attribute(n, "value")
			}
		}
	}
	return value
}

var (
	passwordLine = regexp.MustCompile(`(?m)^user (\w+), password ([A-Z2-7]{26})$`)
	keyShown     = regexp.MustCompile(`<code id="key-value">((?:USR|API)-[0-9a-f]{40})</code>`)
)

// password returns the password that the first start printed.
func (r *running) password(t *testing.T) (login, password string) {
	t.Helper()
	found := passwordLine.FindStringSubmatch(strings.Join(r.printed, "\n"))
	require.NotNil(t, found, "%q", r.printed)
	return found[1], found[2]
}

// admin returns a browser in which the first start's administrator has signed in.
func (r *running) admin(t *testing.T) *browser {
	t.Helper()
	b := browse(t, r)
	login, password := r.password(t)
	b.signIn(login, password)
	require.Equal(t, "/content", b.at.Path, b.text)
	return b
}

func (b *browser) signIn(login, password string) int {
	b.Helper()
	require.Equal(b, 200, b.open("/login"))
	return b.press("Sign in", "login", login, "password", password)
}

// key returns the key that the page shows.
func (b *browser) key() string {
	b.Helper()
	found := keyShown.FindStringSubmatch(b.text)
	require.NotNil(b, found, "no key at %s: %d\n%s", b.at, b.status, b.text)
	return found[1]
}

// straight is a client that follows no redirect.
func (b *browser) straight() *http.Client {
	return &http.Client{Jar: b.client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// cookie returns the session's cookie, as the browser would send it.
func (b *browser) cookie() *http.Cookie {
	b.Helper()
	at, err := url.Parse(b.url)
	require.NoError(b, errors.Join(err))
	cookies := b.client.Jar.Cookies(at)
	require.Len(b, cookies, 1)
	return cookies[0]
}
