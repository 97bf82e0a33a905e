package main

import (
	"net/http"

	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/examples/cms/api"
	"github.com/latchkey-go/latchkey/examples/cms/assets"
	"github.com/latchkey-go/latchkey/examples/cms/pages"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// site serves all addresses: /api for clients, /admin for managing keys, the rest as pages.
func (n *node) site() http.Handler {
	mux := http.NewServeMux()
	api.Register(mux, n.lk.Guard, n.content, n.profile.dialect)
	if n.assets != nil {
		assets.Register(mux, n.lk.Guard, n.assets, n.profile.dialect == api.Cockpit, n.secure)
	}
	n.lk.MountAPI(mux, "/admin")
	n.lk.MountConsole(mux, "/system", console.Config{
		SignIn: pages.SignInPath, SignOut: pages.SignOutPath, Title: pages.Title, APIURL: "/api/pages/menus",
		Links: []console.Link{{Text: "Content", URL: "/content"}, {Text: "Assets", URL: "/assets"}, {Text: "Accounts", URL: "/accounts"}, {Text: "My password", URL: "/password"}},
	})
	(&pages.Pages{
		Guard: n.lk.Guard, Sessions: n.sessions, Content: n.content, Assets: n.assets,
		Users: &users.Manager{Table: n.users, Store: n.store, Audit: n.store.Audit()},
	}).Register(mux)
	return n.profile.around(n.lk.Guard.Identify(mux))
}
