package console_test

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// users is a host's table of users.
type users struct{ auth.UserMap }

func (u users) List(_ context.Context, f admin.UserFilter) ([]auth.User, error) {
	var page []auth.User
	for _, user := range u.UserMap {
		text := strings.ToLower(user.ID + " " + user.Name)
		if user.ID > f.After && (f.Role == "" || f.Role == user.Role) && strings.Contains(text, strings.ToLower(f.Text)) {
			page = append(page, user)
		}
	}
	slices.SortFunc(page, func(a, b auth.User) int { return cmp.Compare(a.ID, b.ID) })
	return page[:min(len(page), f.Limit)], nil
}

// A host is a small CMS with the console at /system.
type host struct {
	url     string
	ring    *keys.Ring
	guard   *auth.Guard
	service *admin.Service
}

// models are the host's content models; each has permissions of its own.
var models = []string{"pages", "posts", "settings"}

func newHost(t *testing.T, stored ...roles.Role) *host { return newHostOf(t, nil, stored...) }

// newHostOf is newHost with more users.
func newHostOf(t *testing.T, more []auth.User, stored ...roles.Role) *host {
	ctx := t.Context()
	store := keys.NewMemoryStore()
	ring, err := keys.Open(keys.Config{Store: store, FlushEvery: 10 * time.Millisecond})
	require.NoError(t, err)
	h := &host{ring: ring}
	t.Cleanup(func() { require.NoError(t, h.ring.Close(context.Background())) })
	rows := roles.NewMemoryStore(stored...)
	directory, err := roles.Open(ctx, roles.Config{Store: rows})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, directory.Close(context.Background())) })
	catalog, err := roles.NewCatalog(
		roles.Group{Name: "Content", Permissions: []roles.Entry{
			{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
			{Permission: "content/{model}/create", Label: "Create {model}"},
			{Permission: "content/{model}/update", Label: "Update {model}"},
			{Permission: "content/{model}/delete", Label: "Delete {model}"},
		}},
		roles.Group{Name: "Api & Security", Permissions: []roles.Entry{{Permission: admin.ManageAPI, Label: "Manage Api access"}}},
		roles.Group{Name: "Users", Permissions: []roles.Entry{
			{Permission: admin.ManageUsers, Label: "Manage users"}, {Permission: admin.ManageRoles, Label: "Manage roles"},
		}},
		roles.Group{Name: "Logs", Permissions: []roles.Entry{{Permission: admin.ReadLogs, Label: "View app logs", Effect: roles.EffectRead}}},
	)
	require.NoError(t, err)
	public, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: directory, Catalog: catalog,
		Names: func(context.Context) (map[string][]string, error) { return map[string][]string{"model": models}, nil }})
	require.NoError(t, err)
	table := users{auth.UserMap{
		"ada": {ID: "ada", Name: "Ada Lovelace", Role: roles.Admin, Active: true},
		"bob": {ID: "bob", Name: "Bob", Role: "editor", Active: true},
		"eve": {ID: "eve", Name: "Eve", Role: "editor"},
	}}
	for _, user := range more {
		table.UserMap[user.ID] = user
	}
	// A sign-in for tests: it accepts any name.
	signedIn := func(r *http.Request) (string, error) {
		if c, err := r.Cookie("user"); err == nil {
			return c.Value, nil
		}
		return "", nil
	}
	h.guard, err = auth.New(auth.Config{Keys: h.ring, Roles: directory, Anonymous: public, Users: table, SignedIn: signedIn})
	require.NoError(t, err)
	h.service, err = admin.New(admin.Config{Keys: h.ring, Guard: h.guard, Roles: directory, RoleStore: rows, Public: public,
		Users: table, Audit: audit.NewMemoryLog(0)})
	require.NoError(t, err)

	say := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	mux := http.NewServeMux()
	h.guard.Handle(mux, "GET /api/pages/menus", "content/pages/read", say(`["home","about"]`))
	h.guard.Handle(mux, "GET /api/content/items/{model}", "content/{model}/read", say(`[]`))
	h.guard.Handle(mux, "POST /api/content/item/{model}", "content/{model}/create", say(`{}`))
	h.guard.HandleOpen(mux, "GET /api/system/healthcheck", say("ok"))
	mux.HandleFunc("/login", logIn)
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "user", Path: "/", MaxAge: -1})
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	mux.Handle("/system/", http.StripPrefix("/system", console.Handler(h.service, console.Config{
		SignIn: "/login", SignOut: "/logout", Title: "Small CMS",
		Links: []console.Link{{Text: "Content", URL: "/content"}}, APIURL: "/api/pages/menus",
	})))
	server := httptest.NewServer(h.guard.Identify(mux))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

var logInPage = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>Sign in</title>
<main><h1>Sign in</h1><form method="post"><input type="hidden" name="next" value="{{.}}">
<label>Name <input name="user"></label> <button>Sign in</button></form></main>`))

func logIn(w http.ResponseWriter, r *http.Request) {
	next := r.FormValue("next")
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		next = "/system/"
	}
	if r.Method != http.MethodPost {
		_ = logInPage.Execute(w, next)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "user", Value: r.FormValue("user"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// get calls the API, with a key unless it is "".
func (h *host) get(t *testing.T, path, key string) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+path, nil)
	require.NoError(t, err)
	if key != "" {
		r.Header.Set("api-key", key)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

// ada is the administrator.
func (h *host) ada(t *testing.T) auth.Principal {
	t.Helper()
	p, err := h.guard.PrincipalForUser(t.Context(), "ada")
	require.NoError(t, err)
	return p
}
