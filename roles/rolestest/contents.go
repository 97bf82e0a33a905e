package rolestest

import (
	"github.com/latchkey-go/latchkey/roles"
)

// contents: what is stored comes back, and nothing else does.
var contents = []promise{
	{"a new store has no roles and no error", func(t reporter, s roles.Store) {
		rs, _, err := s.Load(background)
		if err != nil || len(rs) != 0 {
			t.Errorf("Load of an empty store: %d roles, error %v; want none and nil", len(rs), err)
		}
		if _, err := s.Revision(background); err != nil {
			t.Errorf("Revision of an empty store: %v", err)
		}
	}},
	{"what was saved is loaded, every field of it", keeps(full("editor"), roles.Role{AppID: "other"})},
	{"texts in any script come back as they were", keeps(roles.Role{AppID: "unicode", Name: "Größe 編集者 🗝 'quoted\" \\ %s", Info: "line\nline\tтаб e\u0301 \u00e9"})},
	{"nil and empty permissions are the same", keeps(
		roles.Role{AppID: "nil", Inherits: []string{"x"}},
		roles.Role{AppID: "empty", Inherits: []string{"x"}, Permissions: roles.Grants{}})},
	{"nil and empty inherits are the same", keeps(
		roles.Role{AppID: "nil", Permissions: roles.Grants{"a": true}},
		roles.Role{AppID: "empty", Permissions: roles.Grants{"a": true}, Inherits: []string{}})},
	{"inherits keep their order", keeps(roles.Role{AppID: "heir", Inherits: []string{"c", "a", "b"}})},
	{"a denied grant stays denied", keeps(roles.Role{AppID: "r", Permissions: roles.Grants{"a": true, "b": false}})},
	{"the store judges nothing", keeps(
		roles.Role{AppID: "odd", Inherits: []string{"missing", "odd"}, Permissions: roles.Grants{"not // well formed": true}})},
	{"saving an appid that is there replaces the whole role", func(t reporter, s roles.Store) {
		other := roles.Role{AppID: "other", Name: "Other"}
		want := roles.Role{AppID: "editor", Name: "New", Permissions: roles.Grants{"z": true}}
		save(t, s, full("editor"), other, want)
		stored(t, s, want, other)
	}},
	{"deleting drops the role and no other", func(t reporter, s roles.Store) {
		save(t, s, full("editor"), full("viewer"))
		remove(t, s, "editor")
		stored(t, s, full("viewer"))
	}},
	{"deleting a role that is not there is ErrNotFound", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		wraps(t, "Delete", s.Delete(background, "ghost", revision(t, s)), roles.ErrNotFound)
		stored(t, s, full("editor"))
	}},
	{"a role that was deleted can be saved again", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		remove(t, s, "editor")
		keeps(roles.Role{AppID: "editor", Name: "Second"})(t, s)
	}},
	{"appids that differ in case are different", differ("editor", "Editor")},
	{"appids that differ in trailing space are different", differ("editor", "editor ")},
	{"grants that differ in case or trailing space are different", keeps(roles.Role{AppID: "r", Permissions: roles.Grants{"a": true, "A": true, "a ": true}})},
}
