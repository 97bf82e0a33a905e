package main

import (
	"net/http"

	"github.com/latchkey-go/latchkey/auth/admin/adminapi"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/examples/cms/api"
	"github.com/latchkey-go/latchkey/examples/cms/pages"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// site serves all addresses: /api for clients, /admin for managing keys, the rest as pages.
func (n *node) site() http.Handler {
	mux := http.NewServeMux()
	api.Register(mux, n.guard, n.content, n.profile.dialect)
	mux.Handle("/admin/", http.StripPrefix("/admin", adminapi.Handler(n.admin)))
	mux.Handle("/system/", http.StripPrefix("/system", console.Handler(n.admin, console.Config{
		SignIn: pages.SignInPath, SignOut: pages.SignOutPath, Title: pages.Title, APIURL: "/api/pages/menus",
		Links: []console.Link{{Text: "Content", URL: "/content"}, {Text: "Accounts", URL: "/accounts"}, {Text: "My password", URL: "/password"}},
	})))
	(&pages.Pages{
		Guard: n.guard, Sessions: n.sessions, Content: n.content,
		Users: &users.Manager{Table: n.users, Store: n.store, Audit: n.audit},
	}).Register(mux)
	return n.profile.around(n.guard.Identify(mux))
}
