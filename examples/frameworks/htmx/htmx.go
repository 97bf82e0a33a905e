// Package htmx guards pages whose users sign in with github.com/alexedwards/scs, and which htmx updates in part. Keys work
// beside the session.
package htmx

import (
	"html/template"
	"net/http"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Router returns the routes. Serve sessions.LoadAndSave(guard.Identify(router)). password reports whether it is the user's.
func Router(guard *auth.Guard, sessions *scs.SessionManager, password func(user, text string) bool, store *content.Store) *http.ServeMux {
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/pages/menus", "content/pages/read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		write(w, `<ul>{{range .}}<li>{{.}}</li>{{end}}</ul>`, store.Menus())
	}))
	guard.Handle(mux, "POST /api/content/{model}", "content/{model}/create", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write(w, `<li>{{.Model}} by {{.By}}</li>`, store.Create(r.Context(), r.PathValue("model")))
	}))
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.PostFormValue("user")
		if !password(user, r.PostFormValue("password")) || sessions.RenewToken(r.Context()) != nil {
			http.Error(w, "Wrong name or password", http.StatusUnauthorized)
			return
		}
		sessions.Put(r.Context(), "user", user)
		w.Header().Set("HX-Redirect", "/")
	})
	guard.HandleOpen(mux, "POST /login", http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(login, 1<<10)))
	return mux
}

func write(w http.ResponseWriter, text string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = template.Must(template.New("").Parse(text)).Execute(w, data)
}

// glue

// Configure tells the guard who is signed in, and sends htmx to the login page where a caller must sign in.
func Configure(c *auth.Config, sessions *scs.SessionManager) {
	sessions.Cookie.Secure = true
	c.SignedIn = func(r *http.Request) (string, error) { return sessions.GetString(r.Context(), "user"), nil }
	c.Profile = func(w http.ResponseWriter, r *http.Request, refusal *auth.Refusal) {
		if refusal.Status == http.StatusUnauthorized && r.Header.Get("HX-Request") != "" {
			w.Header().Set("HX-Redirect", "/login")
		}
		auth.Problem(w, r, refusal)
	}
}
