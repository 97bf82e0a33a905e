// Package pages is what the example CMS shows in a browser beside the console: the sign-in, the content and the
// accounts. The pages are rendered here and need no script. They borrow the console's style sheet.
//
//	/login, /logout                   the sign-in
//	/content                          the models
//	/content/models/create            content/:models/manage
//	/content/items/{model}            content/{model}/read; drafts are shown to those who may change something
//	/content/items/{model}/create     content/{model}/create
//	/content/item/{model}/{id}        content/{model}/update
//	…/{id}/state, …/{id}/delete       content/{model}/publish, content/{model}/delete
//	/accounts, /accounts/{id}         app/users/manage
//	/password                         one's own
//
// They are for users who are signed in: whoever is not is sent to the sign-in, and keys are for the API.
package pages

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// Addresses that others have to know.
const (
	SignInPath  = "/login"
	SignOutPath = "/logout"
	home        = "/content"
)

// Title stands on every page.
const Title = "Headless CMS"

// Pages are made of the fields that are exported, which are required, and registered once.
type Pages struct {
	Guard    *auth.Guard
	Sessions *sessions.Sessions
	Users    *users.Manager
	Content  *content.Store

	byAddress, byLogin *limit
}

// Register puts the pages into mux, which the guard's Identify goes around.
func (p *Pages) Register(mux *http.ServeMux) {
	p.byAddress, p.byLogin = newLimit(triesFromAddress, triesWindow), newLimit(triesForLogin, triesWindow)

	// The guard refuses what another site makes a signed-in browser send. Whoever is not signed in yet, must not be
	// signed in as somebody else by another site either.
	open := func(pattern string, h http.HandlerFunc) {
		p.Guard.Open(mux, pattern, new(http.CrossOriginProtection).Handler(withHeaders(h)))
	}
	open("GET "+SignInPath, p.showSignIn)
	open("POST "+SignInPath, p.signIn)
	open("POST "+SignOutPath, p.signOut)
	open("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, home, http.StatusSeeOther) })

	in := content.Permission
	p.page(mux, "GET /content", "", p.showModels)
	p.page(mux, "GET /content/models/create", content.ManageModels, p.showNewModel)
	p.page(mux, "POST /content/models/create", content.ManageModels, p.createModel)
	p.page(mux, "GET /content/items/{model}", in("{model}", content.Read), p.ofModel(p.showItems))
	p.page(mux, "GET /content/items/{model}/create", in("{model}", content.Create), p.ofModel(p.showNewItem))
	p.page(mux, "POST /content/items/{model}/create", in("{model}", content.Create), p.ofModel(p.createItem))
	p.page(mux, "GET /content/item/{model}", in("{model}", content.Update), p.ofModel(p.showSingleton))
	p.page(mux, "POST /content/item/{model}", in("{model}", content.Update), p.ofModel(p.saveSingleton))
	p.page(mux, "GET /content/item/{model}/{id}", in("{model}", content.Update), p.ofModel(p.showItem))
	p.page(mux, "POST /content/item/{model}/{id}", in("{model}", content.Update), p.ofModel(p.saveItem))
	p.page(mux, "POST /content/item/{model}/{id}/state", in("{model}", content.Publish), p.ofModel(p.publishItem))
	p.page(mux, "POST /content/item/{model}/{id}/delete", in("{model}", content.Delete), p.ofModel(p.deleteItem))

	p.page(mux, "GET /accounts", admin.ManageUsers, p.showAccounts)
	p.page(mux, "GET /accounts/create", admin.ManageUsers, p.showNewAccount)
	p.page(mux, "POST /accounts/create", admin.ManageUsers, p.createAccount)
	p.page(mux, "GET /accounts/user/{id}", admin.ManageUsers, p.showAccount)
	p.page(mux, "POST /accounts/user/{id}", admin.ManageUsers, p.saveAccount)
	p.page(mux, "POST /accounts/user/{id}/password", admin.ManageUsers, p.setPassword)
	p.page(mux, "GET /password", "", p.showPassword)
	p.page(mux, "POST /password", "", p.changePassword)
}

// page registers a page for users who are signed in and hold the permission, if it needs one. These are no routes of
// the guard: the public role reaches none of them, whatever it allows.
func (p *Pages) page(mux *http.ServeMux, pattern, permission string, h http.HandlerFunc) {
	mux.Handle(pattern, withHeaders(func(w http.ResponseWriter, r *http.Request) {
		who, err := p.Guard.Check(r)
		var refusal *auth.Refusal
		switch {
		case errors.As(err, &refusal) && refusal.Reason == auth.MissingKey, err == nil && who.Kind() == auth.Public:
			to := SignInPath
			if r.Method == http.MethodGet {
				to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		case err != nil:
			p.Guard.Refuse(w, r, err)
			return
		case who.Kind() != auth.SignedIn:
			p.trouble(w, r, http.StatusForbidden, "These pages are for people who sign in. Keys are for the API.")
			return
		}
		if permission != "" {
			model := r.PathValue("model")
			if strings.Contains(permission, "{model}") && !content.ValidName(model) {
				p.fail(w, r, content.ErrNotFound) // it would make another permission than is meant
				return
			}
			needed := strings.ReplaceAll(permission, "{model}", model)
			if err := auth.Allowed(r.Context(), needed); err != nil {
				p.refuse(w, r, err, needed)
				return
			}
		}
		h(w, r.WithContext(users.From(r.Context(), peer(r.RemoteAddr).String())))
	}))
}

// withHeaders keeps pages out of caches, frames and other sites, and everything that is not ours out of the pages.
func withHeaders(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "+
			"base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Cookie")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next(w, r)
	})
}

// visitor returns who is signed in, or nil.
func (p *Pages) visitor(r *http.Request) *auth.Principal {
	who, ok := p.Guard.PrincipalFrom(r.Context())
	if !ok || who.Kind() != auth.SignedIn {
		return nil
	}
	return &who
}

func may(r *http.Request, permission string) bool {
	return auth.Allowed(r.Context(), permission) == nil
}

// A page is what the layout needs; Body is the page's own.
type page struct {
	Title, Heading, Notice string
	User                   string // who is signed in, "" if nobody
	Nav                    []navGroup
	Body                   any
}

type navGroup struct {
	Name  string
	Pages []navPage
}

type navPage struct {
	Text, Href string
	Current    bool
}

//go:embed templates
var files embed.FS

var templates = func() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{"path": url.PathEscape}).ParseFS(files, "templates/layout.html"))
	all := map[string]*template.Template{}
	for _, name := range []string{"signin", "trouble", "models", "newmodel", "items", "item", "accounts", "account", "newaccount", "password"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return all
}()

// notices are what a page says after the change that led to it. The address carries the code alone.
var notices = map[string]string{
	"model":     "The model was created. Roles can now be given permissions for it: they are among the check boxes of each role.",
	"created":   "Created.",
	"saved":     "Saved.",
	"published": "Published: the API shows it from now on.",
	"withdrawn": "Withdrawn: it is a draft again, and the API does not show it any more.",
	"deleted":   "Deleted.",
	"password":  "The password was changed. All sessions of this user have ended.",
}

// render answers with a page, as a whole or not at all.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, name, heading string, body any) {
	view := page{Title: Title, Heading: heading, Notice: notices[r.URL.Query().Get("done")], Body: body}
	if who := p.visitor(r); who != nil {
		view.User, view.Nav = who.Name(), nav(r)
		if view.User == "" {
			view.User = who.UserID()
		}
	}
	var out bytes.Buffer
	if err := templates[name].Execute(&out, view); err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the browser may be gone; there is nobody to tell
}

// nav lists the pages that this user may see, the console's included.
func nav(r *http.Request) []navGroup {
	var groups []navGroup
	add := func(group, text, href string, needs ...string) {
		allowed := len(needs) == 0
		for _, permission := range needs {
			allowed = allowed || may(r, permission)
		}
		if !allowed {
			return
		}
		if n := len(groups); n == 0 || groups[n-1].Name != group {
			groups = append(groups, navGroup{Name: group})
		}
		g := &groups[len(groups)-1]
		g.Pages = append(g.Pages, navPage{text, href, r.URL.Path == href || strings.HasPrefix(r.URL.Path, href+"/")})
	}
	add(Title, "Content", "/content")
	add(Title, "Accounts", "/accounts", admin.ManageUsers)
	add(Title, "My password", "/password")
	add("Console", "My key", "/system/users/user")
	add("Console", "Keys", "/system/api", admin.ManageAPI)
	add("Console", "Public API", "/system/api/public", admin.ManageAPI)
	add("Console", "Roles", "/system/users/roles", admin.ManageRoles, admin.ManageAPI, admin.ManageUsers)
	add("Console", "Audit log", "/system/audit", admin.ReadLogs)
	return groups
}

// trouble answers with a page that says why there is nothing else to see.
func (p *Pages) trouble(w http.ResponseWriter, r *http.Request, status int, text string) {
	p.render(w, r, status, "trouble", http.StatusText(status), text)
}

// refuse answers an error of auth.Allowed. Only what is certain is a page: a store in trouble is the guard's to answer.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error, permission string) {
	var refusal *auth.Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusForbidden {
		p.trouble(w, r, http.StatusForbidden, "Your role lacks a permission for this. Ask somebody who manages roles for "+permission+".")
		return
	}
	p.Guard.Refuse(w, r, err)
}

const mostForm = 1 << 20 // bytes

// readForm reads the form that was sent.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	return r.ParseForm() == nil
}

// see sends the browser to a page of ours after a change, where a notice says what was done.
func see(w http.ResponseWriter, r *http.Request, path, done string) {
	http.Redirect(w, r, path+"?done="+done, http.StatusSeeOther)
}
