package console

import (
	"net/http"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/roles"
)

// A route is one page: what it shows, and what the buttons of its forms do, by the "do" that they send.
type route struct {
	address string
	show    func(*visit) error
	do      buttons
}

type buttons map[string]func(*visit) error

// routes are all pages there are.
var routes = []route{
	{"/{$}", func(v *visit) error { return v.redirect("users/user") }, nil},

	{"/users/user", showUserKey, ofUserKey},
	{"/users/user/{id}", showUserKey, ofUserKey},
	{"/users", (*visit).showUsers, nil},

	{"/api", (*visit).showKeys, nil},
	{"/api/create", func(v *visit) error { return v.showNewKeyForm(http.StatusOK, keyForm{}, nil) }, buttons{"create": (*visit).createKey}},
	{"/api/key/{id}", func(v *visit) error { return v.showKey(http.StatusOK, nil) }, buttons{
		"save": (*visit).saveKey, "refresh": (*visit).refreshKey, "remove": (*visit).removeKey,
		"disable": (*visit).disableKey, "enable": (*visit).enableKey, "invalidate": (*visit).invalidateKey,
	}},
	{"/api/public", func(v *visit) error {
		return v.showPublic(http.StatusOK, v.r.URL.Query().Get("role"), admin.Confirmation{}, nil)
	},
		buttons{"open": (*visit).openPublic, "close": (*visit).closePublic}},

	{"/users/roles", (*visit).showRoles, nil},
	{"/users/roles/create", func(v *visit) error { return v.showNewRole(http.StatusOK, roles.Role{}, nil) }, buttons{"create": (*visit).createRole}},
	{"/users/roles/role/{appid}", func(v *visit) error { return v.showRole(http.StatusOK, nil, nil) },
		buttons{"save": (*visit).saveRole, "delete": (*visit).deleteRole}},
	{"/users/roles/matrix", (*visit).showMatrix, nil},

	{"/audit", (*visit).showAudit, nil},
}

func showUserKey(v *visit) error { return v.showUserKey(http.StatusOK, keyForm{}, nil) }

var ofUserKey = buttons{
	"create": (*visit).createUserKey, "refresh": (*visit).refreshUserKey, "invalidate": (*visit).invalidateUserKey,
}
