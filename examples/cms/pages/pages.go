// Package pages serves the pages of the example CMS besides the console: sign-in, content and accounts. They are
// rendered on the server, need no script, and use the console's style sheet.
//
//	/login, /logout                   the sign-in
//	/content                          the models
//	/content/models/create            content/:models/manage
//	/content/model/{model}            that, or content/{model}/manage; deleting takes the first
//	/content/items/{model}            content/{model}/read; drafts only with a permission to change something
//	/content/items/{model}/create     content/{model}/create
//	/content/item/{model}/{id}        content/{model}/update, and read for what the form shows
//	…/{id}/state, …/{id}/delete       content/{model}/publish, content/{model}/delete
//	/assets, /assets/asset/{id}       one of the six assets/… permissions; each change needs its own
//	/accounts, /accounts/{id}         app/users/manage
//	/password                         one's own
//
// They need a session: other visitors are redirected to the sign-in. Keys do not work here.
package pages

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// The addresses that other packages use.
const (
	SignInPath  = "/login"
	SignOutPath = "/logout"
	home        = "/content"
)

// Title is the title of each page.
const Title = "Headless CMS"

// Pages serves the pages. All exported fields but Assets are required. Register it once.
type Pages struct {
	Guard    *auth.Guard
	Sessions *sessions.Sessions
	Users    *users.Manager
	Content  *content.Store
	Assets   *assets.Store // nil: the pages of assets say so

	byAddress, byLogin *limit
}

// Register adds the pages to mux, which must be inside the guard's Identify.
func (p *Pages) Register(mux *http.ServeMux) {
	p.byAddress, p.byLogin = newLimit(triesFromAddress, triesWindow), newLimit(triesForLogin, triesWindow)

	// The guard refuses cross-origin requests of a signed-in browser. The sign-in itself must refuse them too, so
	// that another site cannot sign a visitor in as another user.
	open := func(pattern string, h http.HandlerFunc) {
		p.Guard.HandleOpen(mux, pattern, new(http.CrossOriginProtection).Handler(withHeaders(h)))
	}
	open("GET "+SignInPath, p.showSignIn)
	open("POST "+SignInPath, p.signIn)
	open("POST "+SignOutPath, p.signOut)
	open("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, home, http.StatusSeeOther) })

	in := content.Permission
	p.page(mux, "GET /content", p.showModels)
	p.page(mux, "GET /content/models/create", p.showNewModel, content.ManageModels)
	p.page(mux, "POST /content/models/create", p.createModel, content.ManageModels)
	edit := []string{content.ManageModels, in("{model}", content.Manage)}
	p.page(mux, "GET /content/model/{model}", p.ofModel(p.showModel), edit...)
	p.page(mux, "POST /content/model/{model}", p.ofModel(p.saveModel), edit...)
	p.page(mux, "POST /content/model/{model}/delete", p.ofModel(p.deleteModel), content.ManageModels)
	p.page(mux, "GET /content/items/{model}", p.ofModel(p.showItems), in("{model}", content.Read))
	p.page(mux, "GET /content/items/{model}/create", p.ofModel(p.showNewItem), in("{model}", content.Create))
	p.page(mux, "POST /content/items/{model}/create", p.ofModel(p.createItem), in("{model}", content.Create))
	p.page(mux, "GET /content/item/{model}", p.ofModel(p.readable(p.showSingleton)), in("{model}", content.Update))
	p.page(mux, "POST /content/item/{model}", p.ofModel(p.readable(p.saveSingleton)), in("{model}", content.Update))
	p.page(mux, "GET /content/item/{model}/{id}", p.ofModel(p.readable(p.showItem)), in("{model}", content.Update))
	p.page(mux, "POST /content/item/{model}/{id}", p.ofModel(p.readable(p.saveItem)), in("{model}", content.Update))
	p.page(mux, "POST /content/item/{model}/{id}/state", p.ofModel(p.publishItem), in("{model}", content.Publish))
	p.page(mux, "POST /content/item/{model}/{id}/delete", p.ofModel(p.deleteItem), in("{model}", content.Delete))

	p.registerAssets(mux)
	p.page(mux, "GET /accounts", p.showAccounts, admin.ManageUsers)
	p.page(mux, "GET /accounts/create", p.showNewAccount, admin.ManageUsers)
	p.page(mux, "POST /accounts/create", p.createAccount, admin.ManageUsers)
	p.page(mux, "GET /accounts/user/{id}", p.showAccount, admin.ManageUsers)
	p.page(mux, "POST /accounts/user/{id}", p.saveAccount, admin.ManageUsers)
	p.page(mux, "POST /accounts/user/{id}/password", p.setPassword, admin.ManageUsers)
	p.page(mux, "GET /password", p.showPassword)
	p.page(mux, "POST /password", p.changePassword)
	p.page(mux, "POST /password/sessions", p.signOutEverywhere)

	for _, rest := range []string{"GET /content/", "GET /accounts/", "GET /password/", "GET /assets/"} {
		p.page(mux, rest, func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, content.ErrNotFound) })
	}
}

// page registers a page for signed-in users with one of the permissions, if any are given. Pages are not routes of
// the guard, which would report them as open to the public role: that role never reaches them.
func (p *Pages) page(mux *http.ServeMux, pattern string, h http.HandlerFunc, permissions ...string) {
	mux.Handle(pattern, withHeaders(func(w http.ResponseWriter, r *http.Request) {
		who, err := p.Guard.Check(r)
		var refusal *auth.Refusal
		switch {
		case errors.As(err, &refusal) && refusal.Reason == auth.ReasonMissingKey, err == nil && who.Kind() == auth.KindPublic:
			to := SignInPath
			if r.Method == http.MethodGet {
				to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		case err != nil:
			p.Guard.Refuse(w, r, err)
			return
		case who.Kind() != auth.KindSignedIn:
			p.showError(w, r, http.StatusForbidden, "These pages are for people who sign in. Keys are for the API.")
			return
		}
		if err := p.holdsOne(r, permissions); err != nil {
			p.refuse(w, r, err)
			return
		}
		h(w, r.WithContext(users.From(r.Context(), p.Guard.ClientAddr(r).String())))
	}))
}

// holdsOne returns an error if the caller has none of the permissions. {model} is taken from the address.
func (p *Pages) holdsOne(r *http.Request, permissions []string) (err error) {
	model := r.PathValue("model")
	for _, permission := range permissions {
		if strings.Contains(permission, "{model}") && !content.ValidName(model) {
			return content.ErrNotFound // the name would change the permission
		}
		if err = auth.Allowed(r.Context(), strings.ReplaceAll(permission, "{model}", model)); err == nil {
			return nil
		}
	}
	return err
}

// withHeaders forbids caching, framing, cross-origin use and foreign content.
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

// visitor returns the signed-in user, or nil.
func (p *Pages) visitor(r *http.Request) *auth.Principal {
	who, ok := p.Guard.PrincipalFrom(r.Context())
	if !ok || who.Kind() != auth.KindSignedIn {
		return nil
	}
	return &who
}

func may(r *http.Request, permission string) bool {
	return auth.Allowed(r.Context(), permission) == nil
}

// showError answers with a page that explains an error.
func (p *Pages) showError(w http.ResponseWriter, r *http.Request, status int, text string) {
	p.render(w, r, status, "error", http.StatusText(status), text)
}

// refuse answers an error of holdsOne. A denied permission is a page; the guard answers a store failure.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *auth.Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusForbidden {
		p.showError(w, r, http.StatusForbidden, "Your role lacks a permission for this. Ask an administrator for "+refusal.Missing+".")
		return
	}
	p.fail(w, r, err)
}

const mostForm = 1 << 20 // bytes

// readForm reads a form in the encoding of our pages. Another encoding would be read as an empty form.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	sent, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && sent == "application/x-www-form-urlencoded" && r.ParseForm() == nil
}

// see redirects to a page after a change, with a notice of it.
func see(w http.ResponseWriter, r *http.Request, path, done string) {
	http.Redirect(w, r, path+"?done="+done, http.StatusSeeOther)
}
