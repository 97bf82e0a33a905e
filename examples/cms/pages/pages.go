// Package pages is what the example CMS shows in a browser beside the console: the sign-in, the content and the
// accounts. The pages are rendered here and need no script. They borrow the console's style sheet.
//
//	/login, /logout                   the sign-in
//	/content                          the models
//	/content/models/create            content/:models/manage
//	/content/model/{model}            that, or content/{model}/manage; deleting takes the first
//	/content/items/{model}            content/{model}/read; drafts are shown to those who may change something
//	/content/items/{model}/create     content/{model}/create
//	/content/item/{model}/{id}        content/{model}/update, and read for what the form shows
//	…/{id}/state, …/{id}/delete       content/{model}/publish, content/{model}/delete
//	/accounts, /accounts/{id}         app/users/manage
//	/password                         one's own
//
// They are for users who are signed in: whoever is not is sent to the sign-in, and keys are for the API.
package pages

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
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

	p.page(mux, "GET /accounts", p.showAccounts, admin.ManageUsers)
	p.page(mux, "GET /accounts/create", p.showNewAccount, admin.ManageUsers)
	p.page(mux, "POST /accounts/create", p.createAccount, admin.ManageUsers)
	p.page(mux, "GET /accounts/user/{id}", p.showAccount, admin.ManageUsers)
	p.page(mux, "POST /accounts/user/{id}", p.saveAccount, admin.ManageUsers)
	p.page(mux, "POST /accounts/user/{id}/password", p.setPassword, admin.ManageUsers)
	p.page(mux, "GET /password", p.showPassword)
	p.page(mux, "POST /password", p.changePassword)
	p.page(mux, "POST /password/sessions", p.signOutEverywhere)

	for _, rest := range []string{"GET /content/", "GET /accounts/", "GET /password/"} {
		p.page(mux, rest, func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, content.ErrNotFound) })
	}
}

// page registers a page for users who are signed in and hold one of the permissions, if it needs any. These are no
// routes of the guard, which would report them as open to the public role: that reaches none of them, whatever it allows.
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
			p.trouble(w, r, http.StatusForbidden, "These pages are for people who sign in. Keys are for the API.")
			return
		}
		if err := p.holdsOne(r, permissions); err != nil {
			p.refuse(w, r, err)
			return
		}
		h(w, r.WithContext(users.From(r.Context(), p.Guard.ClientAddr(r).String())))
	}))
}

// holdsOne reports why who asks holds none of the permissions, whose {model} the address names.
func (p *Pages) holdsOne(r *http.Request, permissions []string) (err error) {
	model := r.PathValue("model")
	for _, permission := range permissions {
		if strings.Contains(permission, "{model}") && !content.ValidName(model) {
			return content.ErrNotFound // it would make another permission than is meant
		}
		if err = auth.Allowed(r.Context(), strings.ReplaceAll(permission, "{model}", model)); err == nil {
			return nil
		}
	}
	return err
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
	if !ok || who.Kind() != auth.KindSignedIn {
		return nil
	}
	return &who
}

func may(r *http.Request, permission string) bool {
	return auth.Allowed(r.Context(), permission) == nil
}

// trouble answers with a page that says why there is nothing else to see.
func (p *Pages) trouble(w http.ResponseWriter, r *http.Request, status int, text string) {
	p.render(w, r, status, "trouble", http.StatusText(status), text)
}

// refuse answers an error of holdsOne. Only what is certain is a page: a store in trouble is the guard's to answer.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *auth.Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusForbidden {
		p.trouble(w, r, http.StatusForbidden, "Your role lacks a permission for this. Ask somebody who manages roles for "+refusal.Missing+".")
		return
	}
	p.fail(w, r, err)
}

const mostForm = 1 << 20 // bytes

// readForm reads the form that was sent, as our pages send it: what is sent otherwise would be read as an empty one.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	sent, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && sent == "application/x-www-form-urlencoded" && r.ParseForm() == nil
}

// see sends the browser to a page of ours after a change, where a notice says what was done.
func see(w http.ResponseWriter, r *http.Request, path, done string) {
	http.Redirect(w, r, path+"?done="+done, http.StatusSeeOther)
}
