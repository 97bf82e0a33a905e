package console

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
)

// Config says what the host around the pages is like. Guard is required.
type Config struct {
	// Guard is the service's guard; its Config.SignedIn says who the user is.
	Guard *auth.Guard
	// SignIn is where somebody is sent who is not signed in, with the address they asked for as the parameter
	// "next". The host goes back there only if it is a path of its own: one that begins with a single slash.
	// "" answers 401.
	SignIn string
	// SignOut is where the button "Sign out" posts to: an address of the same origin that redirects to no other one,
	// which the Content-Security-Policy would keep from happening. "" is no button.
	SignOut string
	// Title stands on every page. "" is "Latchkey".
	Title string
	// Links lead back to the host's own pages.
	Links []Link
	// APIURL is an address of the API, for the lines to try a key with, such as "/api/pages/menus". A path alone
	// is completed with the host of the request; behind a proxy that ends TLS it has to be a whole address.
	APIURL string
}

// A Link leads to a page of the host.
type Link struct{ Text, URL string }

// Handler returns the pages over s. They can stand under any prefix, since all their links are relative:
//
//	mux.Handle("/system/", http.StripPrefix("/system", console.Handler(service, console.Config{Guard: guard})))
//
// They are for users who are signed in; keys are for the JSON API. Handler panics if s or Config.Guard is nil.
func Handler(s *admin.Service, c Config) http.Handler {
	if s == nil || c.Guard == nil {
		panic("console: Handler needs a service and Config.Guard")
	}
	if c.Title == "" {
		c.Title = "Latchkey"
	}
	app := &console{Config: c, service: s, mux: http.NewServeMux()}
	app.keyRoutes()
	app.userRoutes()
	app.publicRoutes()
	app.roleRoutes()
	app.handle("GET /{$}", func(v *visit) error { return v.redirect("users/user") })
	app.handle("GET /users/roles/matrix", (*visit).showMatrix)
	app.handle("GET /audit", (*visit).showAudit)
	app.mux.HandleFunc("GET /static/{name}", serveStatic)
	return http.HandlerFunc(app.serve)
}

// A console is the pages over one service.
type console struct {
	Config
	service *admin.Service
	mux     *http.ServeMux
	origin  http.CrossOriginProtection
}

// A visit is one request of a user who is signed in.
type visit struct {
	*console
	w   http.ResponseWriter
	r   *http.Request
	who auth.Principal
}

// handle registers a page.
func (c *console) handle(pattern string, f func(*visit) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c, w, r.WithContext(c.service.Context(r)), auth.Principal{}}
		if err := v.enter(); err != nil {
			v.turnAway(err)
			return
		}
		if err := f(v); err != nil {
			v.fail(err)
		}
	})
}

// handlePost registers what the forms of a page do: the button that was pressed says which, as "do".
func (c *console) handlePost(pattern string, do map[string]func(*visit) error) {
	c.handle("POST "+pattern, func(v *visit) error {
		if err := v.form(); err != nil {
			return err
		}
		f, ok := do[v.field("do")]
		if !ok {
			return errForm
		}
		return f(v)
	})
}

func (c *console) serve(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	v := &visit{c, w, r, auth.Principal{}}
	if err := c.origin.Check(r); err != nil {
		v.trouble(http.StatusForbidden, "This came from another site",
			"Your browser says that another site sent this request, so nothing was done. Open the console and do it there.")
		return
	}
	has := func(method string) bool {
		probe := *r
		probe.Method = method
		_, pattern := c.mux.Handler(&probe)
		return pattern != "" && path.Clean("/"+r.URL.Path) == r.URL.Path // the mux would redirect the others, out of the prefix
	}
	switch {
	case has(r.Method):
		c.mux.ServeHTTP(w, r)
		return
	case has(http.MethodGet):
		allow := "GET, HEAD"
		if has(http.MethodPost) {
			allow += ", POST"
		}
		w.Header().Set("Allow", allow)
		v.trouble(http.StatusMethodNotAllowed, "Not like this", "This page takes "+allow+".")
		return
	}
	v.trouble(http.StatusNotFound, "There is nothing here", "The address may be mistyped, or what was here is gone.")
}

// setHeaders keeps the pages out of caches, frames and other sites, and everything that is not ours out of the pages.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Cookie")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer browsers send "Origin: null", which is refused
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// errKey is the answer to callers who show a key.
var errKey = errors.New("console: a key was shown")

// enter finds out who asks, and lets in who is signed in.
func (v *visit) enter() error {
	p, err := v.Guard.Check(v.r)
	switch {
	case err != nil:
		return err
	case p.Kind() == auth.Public:
		return &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.MissingKey}
	case p.Kind() != auth.SignedIn:
		return errKey
	}
	v.who = p
	return nil
}

// turnAway answers who may not enter.
func (v *visit) turnAway(err error) {
	var refusal *auth.Refusal
	switch {
	case errors.Is(err, errKey):
		v.trouble(http.StatusForbidden, "These pages are for people", "Sign in to use them. Keys are for the JSON API.")
	case !errors.As(err, &refusal):
		v.fail(err)
	case refusal.Reason == auth.MissingKey && v.SignIn != "":
		to, parseErr := url.Parse(v.SignIn)
		if parseErr != nil {
			v.fail(parseErr)
			return
		}
		if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
			q := to.Query()
			q.Set("next", v.r.RequestURI)
			to.RawQuery = q.Encode()
		}
		v.w.Header().Set("Location", to.String())
		v.w.WriteHeader(http.StatusSeeOther)
	case refusal.Status == http.StatusUnauthorized:
		v.trouble(http.StatusUnauthorized, "You are not signed in", "Sign in first. If you are, your account may have been deactivated.")
	default:
		v.fail(err)
	}
}

// redirect sends the browser to another page, after a change or where there is nothing to show.
func (v *visit) redirect(page string) error {
	v.w.Header().Set("Location", root(v.r)+page)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// root is the way from the page at r's address to the first page: "./" or "../../". It holds under any prefix, and
// behind a proxy that changes it.
func root(r *http.Request) string {
	deep := strings.Count(r.URL.EscapedPath(), "/") - 1
	if deep <= 0 {
		return "./"
	}
	return strings.Repeat("../", deep)
}
