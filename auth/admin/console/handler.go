package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// Config describes the host around the pages. Every field may be zero.
type Config struct {
	// SignIn is the address to which a caller who is not signed in is sent, with the address that they asked for as the
	// parameter "next". The host must go back there only if it is a plain path of its own: browsers also leave the site
	// for "//host", "/\host" and forms of these with encoded or control characters. "" answers 401.
	SignIn string
	// SignOut is where the button "Sign out" posts to: an address of the same origin that redirects to no other one,
	// which the Content-Security-Policy would prevent. "" shows no button.
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
//	mux.Handle("/system/", http.StripPrefix("/system", console.Handler(service, console.Config{SignIn: "/login"})))
//
// They are for users who are signed in, as the Config.SignedIn of the service's guard says; keys are for the JSON API.
// Handler panics if s is nil or Config.SignIn is not an address.
func Handler(s *admin.Service, c Config) http.Handler {
	if s == nil {
		panic("console: Handler needs a service")
	}
	signIn, err := url.Parse(c.SignIn)
	if err != nil {
		panic("console: Config.SignIn: " + err.Error())
	}
	c.Title = cmp.Or(c.Title, "Latchkey")
	app := &console{Config: c, service: s, guard: s.Config().Guard, signIn: signIn, mux: http.NewServeMux()}
	for _, page := range routes {
		app.handle("GET "+page.address, page.show)
		if page.do != nil {
			app.handle("POST "+page.address, page.press)
		}
	}
	app.mux.HandleFunc("GET /static/{name}", serveStatic)
	return http.HandlerFunc(app.serve)
}

// A console is the pages over one service.
type console struct {
	Config
	service *admin.Service
	guard   *auth.Guard
	signIn  *url.URL
	mux     *http.ServeMux
	origin  http.CrossOriginProtection
	making  sync.Mutex // one new key at a time, so that a second click finds the key of the first
}

// A visit is one request of a user who is signed in.
type visit struct {
	*console
	w   http.ResponseWriter
	r   *http.Request
	who auth.Principal

	status int    // of the answer
	alert  *alert // why a change was not made
	failed error  // of the pressed button
}

func (c *console) visit(w http.ResponseWriter, r *http.Request) *visit {
	return &visit{console: c, w: w, r: r.WithContext(c.service.Context(r)), status: http.StatusOK}
}

// handle registers a page.
func (c *console) handle(pattern string, f func(*visit) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := c.visit(w, r)
		if err := v.authenticate(); err != nil {
			v.turnAway(err)
			return
		}
		if err := f(v); err != nil {
			v.fail(err)
		}
	})
}

// press does what the pressed button is for: the form has its name as "do". If that fails, the page is shown again with the
// reason why nothing was done. A store error has a page of its own.
func (p route) press(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	f, ok := p.do[v.field("do")]
	if !ok {
		return errForm
	}
	to, err := f(v)
	switch {
	case err == nil && to == "":
		return nil
	case err == nil:
		return v.redirect(root(v.r) + to)
	}
	status, why := v.explain(err)
	if status == http.StatusServiceUnavailable || status == http.StatusNotFound {
		return err
	}
	v.status, v.alert, v.failed = status, why, err
	if again := p.show(v); again != nil {
		return err // this user may not see the page, or it is gone
	}
	return nil
}

func (c *console) serve(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	v := c.visit(w, r)
	if err := c.origin.Check(r); err != nil {
		v.refuse(http.StatusForbidden, &alert{Title: "This came from another site",
			Text: "Your browser says that another site sent this request, so nothing was done. Open the console and do it there."})
		return
	}
	has := func(method string) bool {
		probe := *r
		probe.Method = method
		_, pattern := c.mux.Handler(&probe)
		return pattern != "" && path.Clean("/"+r.URL.EscapedPath()) == r.URL.EscapedPath() // the mux would redirect the others, out of the prefix
	}
	if has(r.Method) {
		c.mux.ServeHTTP(w, r)
		return
	}
	_ = v.authenticate() // for the navigation, which only a signed-in user sees
	if has(http.MethodGet) {
		allow := "GET, HEAD"
		if has(http.MethodPost) {
			allow += ", POST"
		}
		w.Header().Set("Allow", allow)
		v.refuse(http.StatusMethodNotAllowed, &alert{Title: "Not like this", Text: "This page takes " + allow + "."})
		return
	}
	v.refuse(http.StatusNotFound, &alert{Title: "There is nothing here", Text: "The address may be mistyped, or what was here is gone."})
}

// setHeaders keeps the pages out of caches, frames and other sites, and foreign content out of the pages.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Cookie")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer browsers send "Origin: null", which is refused
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// redirect sends the browser to another address, after a change or where there is nothing to show.
func (v *visit) redirect(to string) error {
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// root returns the relative address of the first page: "./" or "../../". It holds under any prefix, and
// behind a proxy that changes it.
func root(r *http.Request) string {
	deep := strings.Count(r.URL.EscapedPath(), "/") - 1
	if deep <= 0 {
		return "./"
	}
	return strings.Repeat("../", deep)
}

// A route is one page: the function that shows it, and those of its buttons by the "do" that they send.
type route struct {
	address string
	show    func(*visit) error
	do      buttons
}

// A button makes a change. It returns the page to look at then, or "" if it has answered itself.
type button func(*visit) (page string, err error)

type buttons map[string]button

// routes are all pages.
var routes = []route{
	{"/{$}", func(v *visit) error { return v.redirect(root(v.r) + "users/user") }, nil},

	{"/users/user", (*visit).showUserKey, ofUserKey},
	{"/users/user/{id}", (*visit).showUserKey, ofUserKey},
	{"/users", (*visit).showUsers, nil},

	{"/api", (*visit).showKeys, nil},
	{"/api/create", (*visit).showNewKeyForm, buttons{"create": (*visit).createKey}},
	{"/api/key/{id}", (*visit).showKey, buttons{
		"save": (*visit).saveKey, "refresh": (*visit).refreshKey, "remove": (*visit).removeKey,
		"disable": setKey(keys.StateDisabled, "disabled"), "enable": setKey(keys.StateActive, "enabled"),
		"invalidate": setKey(keys.StateInvalidated, "invalidated"),
	}},
	{"/api/public", (*visit).showPublic, buttons{"open": (*visit).openPublic, "close": (*visit).closePublic}},

	{"/users/roles", (*visit).showRoles, nil},
	{"/users/roles/create", (*visit).showNewRole, buttons{"create": (*visit).createRole}},
	{"/users/roles/role/{appid}", (*visit).showRole, buttons{"save": (*visit).saveRole, "delete": (*visit).deleteRole}},
	{"/users/roles/matrix", (*visit).showMatrix, nil},

	{"/audit", (*visit).showAudit, nil},
}

var ofUserKey = buttons{
	"create": (*visit).createUserKey, "refresh": (*visit).refreshUserKey, "invalidate": (*visit).invalidateUserKey,
}

// errKey refuses callers who present a key.
var errKey = errors.New("console: a key was presented")

// authenticate sets v.who to the signed-in user, or returns why the request is refused.
func (v *visit) authenticate() error {
	p, err := v.guard.Check(v.r)
	switch {
	case err != nil:
		return err
	case p.Kind() == auth.KindPublic:
		return &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonMissingKey}
	case p.Kind() != auth.KindSignedIn:
		return errKey
	}
	v.who = p
	return nil
}

// turnAway answers a request that authenticate refused.
func (v *visit) turnAway(err error) {
	var refusal *auth.Refusal
	switch {
	case errors.Is(err, errKey):
		v.refuse(http.StatusForbidden, &alert{Title: "These pages are for people", Text: "Sign in to use them. Keys are for the JSON API."})
	case !errors.As(err, &refusal):
		v.fail(err)
	case refusal.Reason == auth.ReasonMissingKey && v.SignIn != "":
		to := *v.signIn
		if next := v.next(); next != "" {
			q := to.Query()
			q.Set("next", next)
			to.RawQuery = q.Encode()
		}
		_ = v.redirect(to.String())
	case refusal.Status == http.StatusUnauthorized:
		v.refuse(http.StatusUnauthorized, &alert{Title: "You are not signed in",
			Text: "Sign in first. If you are, your account may have been deactivated."})
	default:
		v.fail(err)
	}
}

// next returns this page as a path with its query, to return to after the sign-in; "" if there is no page to return to.
// The target of a request may be a whole address, which could name another host.
func (v *visit) next() string {
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		return ""
	}
	target, err := url.ParseRequestURI(v.r.RequestURI)
	if err != nil {
		return ""
	}
	next := target.RequestURI()
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return ""
	}
	return next
}
