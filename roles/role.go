package roles

import (
	"maps"
	"slices"
)

// Admin is the appid of the built-in role that allows every well-formed permission. It is not a stored role:
// [Compile] refuses a role of this name, written in any case, and roles that inherit from it.
const Admin = "admin"

// Grants maps a permission or a pattern to true (allowed) or false (denied). What is not in it is not allowed.
//
// In JSON it is the object that Cockpit keeps in a role; see [Grants.UnmarshalJSON].
type Grants map[string]bool

// A Role is what is stored of a role. In JSON it is Cockpit's role document with the addition of "inherits".
type Role struct {
	AppID       string   `json:"appid"`              // identifies the role; see [ValidAppID]
	Name        string   `json:"name"`               // for people: one line of at most 256 bytes
	Info        string   `json:"info"`               // for people: a text of at most 4096 bytes
	Permissions Grants   `json:"permissions"`        // the role's own grants
	Inherits    []string `json:"inherits,omitempty"` // appids of roles whose grants count for this one too
}

// clone copies r so that neither copy can change the other.
func (r Role) clone() Role {
	r.Permissions = maps.Clone(r.Permissions)
	r.Inherits = slices.Clone(r.Inherits)
	return r
}
